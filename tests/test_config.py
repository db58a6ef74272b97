"""What the configuration file means."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from watcher.config import find, load
from watcher.errors import ConfigError, Fault
from watcher.model.secret import Secret
from watcher.model.times import DAY, HOUR, MINUTE, SECOND
from watcher.rules.quantities import Rate
from watcher.settings import Settings

KEY = {"NONCE_API_KEY": "nk-1"}
SMALLEST = "nonce: {workspace: org_1}\nchannels: {ops: {url: '${OPS}'}}\n"
ENVIRON = KEY | {"OPS": "slack://T/B/hush"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST)
    path.chmod(0o600)
    return path


def loaded(file: Path, text: str, environ: dict[str, str] = ENVIRON) -> Settings:
    file.write_text(text)
    return load(file, environ)


def faults_of(file: Path, text: str, environ: dict[str, str] = ENVIRON) -> list[str]:
    """The faults of a text, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        loaded(file, text, environ)
    return [str(fault).removeprefix(f"{file}:").strip() for fault in caught.value.faults]


def with_nonce(keys: str) -> str:
    return f"nonce: {{workspace: o, {keys}}}\n"


def with_ops(rest: str) -> str:
    return f"nonce: {{workspace: o}}\nchannels: {{ops: {{url: '${{OPS}}'}}}}\n{rest}\n"


def test_the_smallest_file_gets_the_documented_defaults(file: Path) -> None:
    settings = load(file, ENVIRON)
    nonce, poll, channel, route = settings.nonce, settings.poll, settings.channels["ops"], settings.routes[0]
    assert (nonce.workspace, nonce.base_url, nonce.auth) == ("org_1", "https://api.nonce.app", "auto")
    assert (nonce.requests_per_minute, nonce.timeout, nonce.farms, nonce.miners) == (
        90,
        15 * SECOND,
        "all",
        "all",
    )
    assert settings.api_key == Secret("nk-1")
    assert nonce.count_searches is True
    assert (poll.strategy, poll.every, poll.inventory, poll.sweep) == ("auto", 30 * SECOND, DAY, Rate(5, MINUTE))
    assert (settings.heartbeat.url, settings.heartbeat.every) == (None, MINUTE)
    assert (settings.store.path, settings.store.retain) == (file.parent / "state.db", 90 * DAY)
    assert settings.rules == file.parent / "rules"
    assert (settings.alerts.baseline, settings.alerts.max_age) == ("learn", DAY)
    assert channel.urls == (Secret("slack://T/B/hush"),)
    assert (channel.send_resolved, channel.rate, channel.budget) == (
        True,
        Rate(1, SECOND),
        Rate(20, 10 * MINUTE),
    )
    assert len(settings.routes) == 1
    assert (route.channels, route.match, route.group_by) == (("ops",), {}, ("rule", "farm"))
    assert (route.group_wait, route.group_interval, route.repeat_interval) == (None, 5 * MINUTE, None)
    assert route.goes_on is False
    assert (settings.log.level, settings.log.format) == ("info", "auto")
    assert settings.warnings == ()


def test_every_key_is_heard(file: Path) -> None:
    (file.parent / "chat").write_text("42\nmore\n")
    settings = loaded(
        file,
        """
        nonce:
          base_url: http://127.0.0.1:8080/api/
          workspace: org_2
          api_key: ${KEY}
          auth: bearer
          requests_per_minute: 0.5
          count_searches: false
          timeout: 5s
          farms: [Texas, f2]
          miners: {f2: [m1, m2]}
        poll: {strategy: batches, every: 1s, inventory: 1h, sweep: 1/10m}
        store: {path: /var/lib/nonce-watcher/state.db, retain: 30d}
        rules: ../rules
        timezone: America/Chicago
        alerts: {baseline: alert, max_age: 1h}
        channels:
          ops:
            urls: ["${OPS}", "tgram://${TOKEN}/${file:chat}"]
            send_resolved: false
            rate: 2/m
            budget: none
        routes:
          - match: {severity: critical, farm: [Texas, "!f*"], rule: "/^firm$/"}
            channels: [ops]
            group_by: []
            group_wait: 0s
            group_interval: 1m
            repeat_interval: never
            continue: true
          - {channels: [ops], repeat_interval: 4h}
        heartbeat: {url: "${PING}", every: 30s}
        log: {level: debug, format: json}
        """,
        {"KEY": "nk-2", "OPS": "slack://a", "TOKEN": "t", "PING": "https://hc.example/hush"},
    )
    assert settings.nonce.base_url == "http://127.0.0.1:8080/api"
    assert settings.api_key.reveal() == "nk-2"
    assert (settings.nonce.auth, settings.nonce.requests_per_minute) == ("bearer", 0.5)
    assert (settings.nonce.farms, settings.nonce.miners) == (("Texas", "f2"), {"f2": ("m1", "m2")})
    assert settings.nonce.count_searches is False
    poll = settings.poll
    assert (poll.strategy, poll.every, poll.inventory, poll.sweep) == ("batches", SECOND, HOUR, Rate(1, 10 * MINUTE))
    assert settings.store.path == Path("/var/lib/nonce-watcher/state.db")
    assert settings.rules == file.parent / "../rules"
    assert settings.timezone == ZoneInfo("America/Chicago")
    assert (settings.alerts.baseline, settings.alerts.max_age) == ("alert", HOUR)
    ops = settings.channels["ops"]
    assert [url.reveal() for url in ops.urls] == ["slack://a", "tgram://t/42"]
    assert (ops.send_resolved, ops.rate, ops.budget) == (False, Rate(2, MINUTE), None)
    first, last = settings.routes
    assert first.match == {"severity": "critical", "farm": ("Texas", "!f*"), "rule": "/^firm$/"}
    assert (first.group_by, first.group_wait, first.group_interval) == ((), 0, MINUTE)
    assert (first.repeat_interval, first.goes_on, last.repeat_interval) == ("never", True, 4 * HOUR)
    assert settings.heartbeat.url == Secret("https://hc.example/hush")
    assert settings.heartbeat.every == 30 * SECOND
    assert (settings.log.level, settings.log.format) == ("debug", "json")


@pytest.mark.parametrize("none", ["0", '"0"', "0.0"])
def test_no_sweep_is_written_as_nothing(file: Path, none: str) -> None:
    assert loaded(file, with_ops(f"poll: {{sweep: {none}}}")).poll.sweep is None


@pytest.mark.parametrize("strategy", ["auto", "batches", "miners"])
def test_every_strategy_is_known(file: Path, strategy: str) -> None:
    assert loaded(file, with_ops(f"poll: {{strategy: {strategy}}}")).poll.strategy == strategy


@pytest.mark.parametrize("text", ["heartbeat: {}", "heartbeat: {url: null}", "heartbeat: {every: 5m}"])
def test_there_is_no_heartbeat_without_an_address(file: Path, text: str) -> None:
    assert loaded(file, with_ops(text)).heartbeat.url is None


class TestTheApiKey:
    def test_may_stand_in_a_file_named_beside_the_configuration(self, file: Path) -> None:
        (file.parent / "key").write_text("nk-file\nsecond line\n")
        settings = loaded(file, with_nonce("api_key_file: key"))
        assert settings.api_key.reveal() == "nk-file"

    def test_comes_from_systemd_before_the_environment(self, file: Path, tmp_path: Path) -> None:
        environ = ENVIRON | {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        assert load(file, environ).api_key.reveal() == "nk-1"  # systemd gave others, but not this
        (tmp_path / "nonce-api-key").write_text("nk-systemd\n")
        assert load(file, environ).api_key.reveal() == "nk-systemd"

    def test_is_missed_with_a_way_out(self, file: Path) -> None:
        assert faults_of(file, "nonce: {workspace: o}", {}) == [
            '1:1: no API key: set NONCE_API_KEY, or "api_key_file", or the systemd credential nonce-api-key'
        ]

    def test_is_missed_in_a_file_that_is_not_there_empty_or_binary(self, file: Path) -> None:
        key = file.parent / "key"
        text = with_nonce("api_key_file: key")
        assert faults_of(file, text) == [f"1:37: no API key: {key} cannot be read: No such file or directory"]
        key.write_text("\nnk-second-line")
        assert faults_of(file, text) == [f"1:37: no API key: the first line of {key} is empty"]
        key.write_bytes(b"\xff")
        assert faults_of(file, text) == [f"1:37: no API key: the first line of {key} is not UTF-8 text"]


class TestReferences:
    def test_are_followed_anywhere_in_a_text(self, file: Path) -> None:
        (file.parent / "part").write_text("tail\n")
        text = 'nonce: {workspace: "a-${MIDDLE}-${file:part}-$${KEPT}-$5"}'
        assert loaded(file, text, KEY | {"MIDDLE": "m"}).nonce.workspace == "a-m-tail-${KEPT}-$5"

    def test_are_not_followed_in_what_they_bring(self, file: Path) -> None:
        settings = loaded(file, 'nonce: {workspace: "${A}"}', KEY | {"A": "${B}"})
        assert settings.nonce.workspace == "${B}"

    def test_to_files_that_cannot_be_read_are_faults(self, file: Path) -> None:
        assert faults_of(file, 'nonce: {workspace: "${file:nowhere}"}') == [
            f"1:20: nonce.workspace: {file.parent / 'nowhere'} cannot be read: No such file or directory"
        ]


class TestSecrets:
    def test_of_the_environment_are_in_no_fault(self, file: Path) -> None:
        keys = "auth: '${S}', timeout: '${S}', base_url: '${S}', farms: '${S}'"
        rest = "timezone: '${S}'\nroutes: [{channels: ['${S}']}]\nchannels: {'a': '${S}', b: {url: '${S}'}}\n"
        rest += "heartbeat: {url: '${S}'}"
        faults = faults_of(file, with_nonce(keys) + rest, KEY | {"S": "hush"})
        assert len(faults) == 9
        assert {fault.split(": ", 1)[1] for fault in faults} == {
            "what ${S} stands for does not fit here (not shown, it may be secret)"
        }

    def test_are_in_no_picture_of_the_settings(self, file: Path) -> None:
        text = "nonce: {workspace: o, api_key: hush}\nchannels: {ops: {url: slack://hush}}\n"
        text += "heartbeat: {url: 'https://hc.example/hush'}"
        settings = loaded(file, text)
        said = f"{settings} {settings!r} {settings.api_key} {settings.channels['ops'].urls} {settings.heartbeat}"
        assert "hush" not in said

    def test_in_the_file_itself_are_warned_of(self, file: Path) -> None:
        text = "nonce: {workspace: o, api_key: hush}\nchannels: {ops: {urls: ['${OPS}', 'slack://$${']}}"
        advice = "stands here in the open: rather write ${NAME} or ${file:PATH}"
        assert loaded(file, text).warnings == (
            Fault(str(file), 1, 32, f"nonce.api_key {advice}"),
            Fault(str(file), 2, 35, f"channels.ops.urls[1] {advice}"),
        )

    def test_in_a_file_that_everybody_may_read_are_warned_of(self, file: Path) -> None:
        file.chmod(0o644)
        assert load(file, ENVIRON).warnings == ()  # nothing secret in it
        warnings = loaded(file, with_nonce("api_key: hush")).warnings
        assert warnings[-1] == Fault(str(file), 0, 0, f"holds secrets and everybody may read it: chmod o-r {file}")


def test_without_routes_everything_goes_to_every_channel(file: Path) -> None:
    settings = loaded(file, "nonce: {workspace: o}\nchannels: {a: {url: '${OPS}'}, b: {url: '${OPS}'}}\nroutes: []")
    assert [route.channels for route in settings.routes] == [("a", "b")]


def test_the_local_time_zone_is_that_of_the_environment(file: Path) -> None:
    assert load(file, ENVIRON | {"TZ": ":Europe/Berlin"}).timezone == ZoneInfo("Europe/Berlin")
    assert load(file, ENVIRON | {"TZ": "no such zone"}).timezone == UTC
    assert datetime.now(load(file, ENVIRON).timezone).utcoffset() is not None


def test_faults_can_be_added_to_the_settings_later_with_their_places(file: Path) -> None:
    document = loaded(
        file,
        with_ops("routes: [{match: {frm: a}, group_by: [rule, frm], channels: [ops]}, {channels: [ops]}]"),
    ).document
    assert document.key_fault(("routes", 0, "match", "frm"), "!") == Fault(str(file), 3, 19, "!")
    assert document.fault(("routes", 0, "group_by", 1), "!") == Fault(str(file), 3, 45, "!")


class TestFindingTheFile:
    def test_the_option_comes_first_then_the_environment(self, file: Path) -> None:
        other = file.parent / "other.yaml"
        other.touch()
        environ = {"NONCE_WATCHER_CONFIG": str(other)}
        assert find(file, environ) == file
        assert find(None, environ) == other

    def test_then_the_folder_one_is_in(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(file.parent)
        assert find(None, {}) == Path("config.yaml")

    def test_what_is_named_is_not_looked_for_elsewhere(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(file.parent)
        with pytest.raises(ConfigError, match=r"^a.yaml: there is no a.yaml; `nonce-watcher init` writes"):
            find(Path("a.yaml"), {})

    def test_says_where_it_looked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError, match=r"there is no config.yaml or /etc/nonce-watcher/config.yaml;"):
            find(None, {})
