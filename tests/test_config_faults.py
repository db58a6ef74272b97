"""What is said of a wrong configuration file, and where."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.config import load
from watcher.errors import ConfigError
from watcher.settings import Settings

KEY = {"NONCE_API_KEY": "nk-1"}
SMALLEST = "nonce: {workspace: org_1}\nchannels: {ops: {url: '${OPS}'}}\n"
ENVIRON = KEY | {"OPS": "slack://T/B/hush"}

KEYS_EXPECTED = (
    "expected a mapping with the keys base_url, workspace, api_key, api_key_file, auth, requests_per_minute, "
    "count_searches, timeout, farms, miners and app_url, found nothing"
)
HEARTBEAT_EXPECTED = "expected a mapping with the keys url and every, found text"
LIST_EXPECTED = "expected a list, found text: write it in brackets, [first, second]"


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


BAD_FILES = [
    # nonce
    ("poll: {}", ['1:1: missing key "nonce"']),
    ("nonce: {}", ['1:8: missing key "workspace"']),
    (
        "nonce:",
        ["1:1: " + KEYS_EXPECTED],
    ),
    ("nonce: {workspace: ''}", ["1:20: must not be empty"]),
    ("nonce: {workspace: 12}", ['1:20: expected text, found the number 12: put it in quotes: "12"']),
    (with_nonce("work: x"), ['1:23: unknown key "work" (did you mean "workspace"?)']),
    (
        with_nonce("base_url: api.nonce.app"),
        ["1:33: must be an address that begins with https:// (or http://)"],
    ),
    (with_nonce("base_url: ftp://a"), ["1:33: must be an address that begins with https:// (or http://)"]),
    (
        with_nonce("base_url: 'https://['"),
        ["1:33: must be an address that begins with https:// (or http://)"],
    ),
    (
        with_nonce("base_url: 'https://a b'"),
        ["1:33: must be an address that begins with https:// (or http://)"],
    ),
    (
        with_nonce("base_url: 'https://a?key=hush'"),
        ["1:33: must be an address without query, fragment, user name or password"],
    ),
    (
        with_nonce("base_url: 'https://me:hush@a'"),
        ["1:33: must be an address without query, fragment, user name or password"],
    ),
    (
        with_nonce("auth: nk-hush"),
        ['1:29: expected "auto", "x-api-key" or "bearer", found text'],
    ),
    (with_nonce("requests_per_minute: 0"), ["1:44: must be greater than 0"]),
    (with_nonce("requests_per_minute: .inf"), ["1:44: must be a finite number"]),
    (
        with_nonce("requests_per_minute: '90'"),
        ["1:44: expected a number, found text: write it without quotes"],
    ),
    (with_nonce("timeout: 15"), ["1:32: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m"]),
    (with_nonce("farms: al"), ['1:30: expected "all" or a list, found text (did you mean "all"?)']),
    (with_nonce("farms: []"), ["1:30: must not be empty"]),
    (with_nonce("farms: [7]"), ['1:31: expected text, found the number 7: put it in quotes: "7"']),
    (with_nonce("miners: [m1]"), ['1:31: expected "all" or a mapping, found a list']),
    (with_nonce("miners: {7: [m1]}"), ['1:32: a key must be text: put it in quotes: "7"']),
    (
        with_nonce("count_searches: no"),
        ["1:39: expected true or false, found text: YAML 1.2 takes no as text"],
    ),
    (
        with_nonce("app_url: app.nonce.app"),
        ["1:32: must be an address that begins with https:// (or http://) and names {batch} or {miner}"],
    ),
    (with_nonce("app_url: 'https://a/{id}'"), ["1:32: has {id}, which is none of {farm}, {batch} and {miner}"]),
    (with_nonce("app_url: 'https://a/{farm}'"), ["1:32: must name {batch} or {miner}"]),
    (
        with_nonce("app_url: 'https://a/{batch'"),
        ["1:32: has a brace that belongs to none of {farm}, {batch} and {miner}"],
    ),
    (
        with_nonce("app_url: 'https://u:p@a/{batch}'"),
        ["1:32: must be an address without user name or password: messages show it"],
    ),
    (with_nonce("api_key: k, api_key_file: f"), ['1:35: either "api_key" or "api_key_file", not both']),
    (with_nonce("api_key: 5"), ['1:32: expected text, found the number 5: put it in quotes: "5"']),
    (with_nonce("api_key: '${NO_KEY}'"), ["1:32: nonce.api_key: the environment variable NO_KEY is not set"]),
    (with_nonce("api_key: '${EMPTY}'"), ["1:32: nonce.api_key: the environment variable EMPTY is empty"]),
    (
        with_nonce("api_key: '${NONCE API KEY}'"),
        ["1:32: nonce.api_key: a reference is ${NAME} or ${file:PATH}; a plain ${ is written $${"],
    ),
    (
        with_nonce("api_key: '${NONCE_API_KEY'"),
        ["1:32: nonce.api_key: a reference is ${NAME} or ${file:PATH}; a plain ${ is written $${"],
    ),
    # poll, store, alerts, heartbeat, log, timezone
    (
        with_ops("poll: {strategy: batch}"),
        ['3:18: expected "auto", "batches" or "miners", found text (did you mean "batches"?)'],
    ),
    (with_ops("poll: {every: 0s}"), ["3:15: a duration here is at least 1s"]),
    (with_ops("poll: {sweep: 5}"), ["3:15: expected a rate such as 1/s, 20/m or 20/10m"]),
    (with_ops("poll: {sweep: none}"), ["3:15: expected a rate such as 1/s, 20/m or 20/10m"]),
    (with_ops("poll: {sweep: false}"), ["3:15: expected a rate such as 1/s, 20/m or 20/10m"]),
    (with_ops("poll: {sweep: 0/m}"), ["3:15: a rate here is at least one"]),
    (with_ops("poll: {sweep: 5m}"), ["3:15: expected a rate such as 1/s, 20/m or 20/10m"]),
    (with_ops("store: state.db"), ["3:8: expected a mapping with the keys path and retain, found text"]),
    (with_ops('store: {path: "a\\0b"}'), ["3:15: a file's name cannot hold a NUL character"]),
    (with_ops("rules: [a, b]"), ["3:8: expected text, found a list"]),
    (
        with_ops("timezone: Chicago"),
        ['3:11: there is no time zone "Chicago" (did you mean "America/Chicago"?)'],
    ),
    (
        with_ops("timezone: ../etc/passwd"),
        ['3:11: there is no time zone "../etc/passwd"; expected local, UTC or one like America/Chicago'],
    ),
    (
        with_ops("alerts: {flapping: {changes: 1, within: 1}}"),
        [
            "3:30: must be at least 2",
            "3:41: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m",
        ],
    ),
    (
        with_ops("log: {level: warn}"),
        ['3:14: expected "debug", "info", "warning" or "error", found text (did you mean "warning"?)'],
    ),
    (with_ops("daily: {at: '9 am'}"), ['3:13: expected a time of the day such as "09:00"']),
    (with_ops("daily: {at: '24:00'}"), ['3:13: a day has the times from "00:00" to "23:59"']),
    (
        with_ops("daily: {channels: [ops, opps]}"),
        ['3:25: there is no channel "opps" (did you mean "ops"?)'],
    ),
    (with_ops("heartbeat:"), ["3:1: expected a mapping with the keys url and every, found nothing"]),
    (
        with_ops("heartbeat: https://hc.example/hush"),
        [f"3:12: {HEARTBEAT_EXPECTED}"],
    ),
    (
        with_ops("heartbeat: {url: hush.example/ping}"),
        ["3:18: must be an address that begins with https:// (or http://)"],
    ),
    (
        with_ops("heartbeat: {url: 'https://['}"),
        ["3:18: must be an address that begins with https:// (or http://)"],
    ),
    (with_ops("heartbeat: {url: ''}"), ["3:18: must not be empty"]),
    (
        with_ops("heartbeat: {url: '${NO_URL}'}"),
        ["3:18: heartbeat.url: the environment variable NO_URL is not set"],
    ),
    (with_ops("heartbeat: {every: 30}"), ["3:20: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m"]),
    (with_ops("heartbeat: {every: 0s}"), ["3:20: a duration here is at least 1s"]),
    (with_ops("heartbeat: {evry: 1m}"), ['3:13: unknown key "evry" (did you mean "every"?)']),
    # channels
    (
        "nonce: {workspace: o}\nchannels: {ops: slack://T/hush}",
        ["2:17: expected a mapping with the keys url, urls, send_resolved, rate, budget and fallback, found text"],
    ),
    (
        "nonce: {workspace: o}\nchannels: {'slack://T/hush': {url: '${OPS}'}}",
        ['2:12: expected a name for the channel, found a URL: write NAME: {url: "…"}'],
    ),
    ("nonce: {workspace: o}\nchannels: {ops: {}}", ['2:17: a channel has either "url" or "urls"']),
    (
        "nonce: {workspace: o}\nchannels: {ops: {url: '${OPS}', urls: ['${OPS}']}}",
        ['2:17: a channel has either "url" or "urls"'],
    ),
    (
        "nonce: {workspace: o}\nchannels: {ops: {url: hush}}",
        ["2:23: expected a URL that apprise knows, such as slack://… or https://hooks.slack.com/…"],
    ),
    (
        "nonce: {workspace: o}\nchannels: {ops: {url: '${OPS}', budget: lots}}",
        ["2:41: expected a rate such as 1/s, 20/m or 20/10m"],
    ),
    (
        "nonce: {workspace: o}\nchannels: {ops: {urls: ['${OPS}', '${ON_CALL}']}}",
        ["2:35: channels.ops.urls[1]: the environment variable ON_CALL is not set"],
    ),
    (
        "nonce: {workspace: o}\nchannels: {ops: {url: '${OPS}', fallback: [mail]}}",
        ['2:44: there is no channel "mail"'],
    ),
    (
        "nonce: {workspace: o}\nchannels: {ops: {url: '${OPS}', fallback: [ops]}}",
        ['2:44: "ops" falls back on "ops": a circle helps nobody'],
    ),
    (
        (
            "nonce: {workspace: o}\nchannels:\n  a: {url: '${OPS}', fallback: [b]}\n"
            "  b: {url: '${OPS}', fallback: [c]}\n  c: {url: '${OPS}', fallback: [b]}"
        ),
        [
            '4:33: "c" falls back on "b": a circle helps nobody',
            '5:33: "b" falls back on "c": a circle helps nobody',
        ],
    ),
    # routes
    (with_ops("routes: [{}]"), ['3:10: missing key "channels"']),
    (
        with_ops("routes: [{channels: ops}]"),
        [f"3:21: {LIST_EXPECTED}"],
    ),
    (with_ops("routes: [{channels: []}]"), ["3:21: must name at least one channel"]),
    (with_ops("routes: [{channels: [opps]}]"), ['3:22: there is no channel "opps" (did you mean "ops"?)']),
    (with_ops("routes: [{channels: ['slack://T/hush']}]"), ['3:22: there is no channel "slack://…"']),
    (
        with_ops("routes: [{channels: [ops], match: {severity: critical}}]"),
        ["3:28: the last route must match everything: add one without match below"],
    ),
    (
        with_ops("routes: [{channels: [ops], mach: {a: b}}]"),
        ['3:28: unknown key "mach" (did you mean "match"?)'],
    ),
    (
        with_ops("routes: [{channels: [ops], group_wait: 5}]"),
        ["3:40: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m"],
    ),
    (
        with_ops("routes: [{channels: [ops], continue: yes}]"),
        ["3:38: expected true or false, found text: YAML 1.2 takes yes as text"],
    ),
    (
        with_ops("routes: [{channels: [ops], escalate: {}}]"),
        ['3:38: missing key "after"', '3:38: missing key "channels"'],
    ),
    (
        with_ops("routes: [{channels: [ops], escalate: {after: 20m, channels: [onkall, ops]}}]"),
        ['3:62: there is no channel "onkall"', '3:70: "ops" is told by this route anyway'],
    ),
    (
        with_ops("mute_times: {nights: [{}]}\nroutes: [{channels: [ops], mute_times: [night]}]"),
        ['4:41: there is no mute time "night" (did you mean "nights"?)'],
    ),
    (
        with_ops("mute_times: {n: [{weekdays: [sut], times: ['22-6'], timezone: America/Chicag}], m: []}"),
        [
            '3:29: "sut" is no day of the week (did you mean "sun"?)',
            '3:43: "22-6" is no span of time: write it like "22:00-06:00" or "00:00-24:00"',
            '3:63: there is no time zone "America/Chicag" (did you mean "America/Chicago"?)',
            "3:84: must not be empty",
        ],
    ),
    (
        with_ops("routes: [{match: {severity: 3}, channels: [ops]}, {channels: [ops]}]"),
        ['3:29: expected text or a list, found the number 3: put it in quotes: "3"'],
    ),
]


@pytest.mark.parametrize(("text", "faults"), BAD_FILES)
def test_a_wrong_file_is_told_what_is_wrong_and_where(file: Path, text: str, faults: list[str]) -> None:
    assert faults_of(file, text, ENVIRON | {"EMPTY": ""}) == faults


def test_all_faults_of_all_kinds_come_out_at_once(file: Path) -> None:
    text = """\
nonce: {workspce: org_1, api_key: "${NO_KEY}"}
poll: {every: 30}
channels:
  ops: {url: slack://abc, send_resolved: yes}
routes:
  - {match: {severity: critical}, channels: [opps]}
"""
    assert faults_of(file, text) == [
        '1:8: missing key "workspace"',
        '1:9: unknown key "workspce" (did you mean "workspace"?)',
        "1:35: nonce.api_key: the environment variable NO_KEY is not set",
        "2:15: durations carry a unit: 90s, 15m, 6h, 7d or 1h30m",
        "4:42: expected true or false, found text: YAML 1.2 takes yes as text",
        "6:6: the last route must match everything: add one without match below",
        '6:46: there is no channel "opps" (did you mean "ops"?)',
    ]


GOOD: dict[str, Any] = {
    "nonce": {
        "base_url": "https://a",
        "workspace": "o",
        "farms": ["f"],
        "miners": {"f": ["m"]},
        "timeout": "1s",
        "count_searches": True,
    },
    "poll": {"strategy": "auto", "every": "30s", "sweep": "5/m"},
    "store": {"path": "state.db", "retain": "90d"},
    "rules": "rules",
    "timezone": "UTC",
    "channels": {"ops": {"url": "${OPS}", "rate": "1/s", "budget": "none"}},
    "routes": [{"match": {"a": ["b"]}, "channels": ["ops"], "group_wait": "0s"}, {"channels": ["ops"]}],
    "heartbeat": {"url": "https://a", "every": "1m"},
    "log": {"level": "info"},
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["all", "${OPS}", "${file:x}", "never", "1h", "ops", "local", "America", "http://[", "://"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "match", "a"]), inner),
)


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A good file, in which one or a few values became something else."""
    data = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        at: Any = data
        while True:
            step = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not isinstance(at[step], dict | list) or not at[step] or draw(st.booleans()):
                break
            at = at[step]
        at[step] = draw(VALUES)
    return data


@pytest.fixture(scope="module")
def any_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "config.yaml"


@settings(deadline=None)  # looking for the nearest time zone takes its time
@given(data=spoilt())
def test_any_spoilt_file_gives_settings_or_faults(any_file: Path, data: dict[str, Any]) -> None:
    any_file.write_text(json.dumps(data))
    with suppress(ConfigError):
        load(any_file, ENVIRON)


@given(text=st.text())
def test_any_text_gives_settings_or_faults(any_file: Path, text: str) -> None:
    any_file.write_text(SMALLEST + text, errors="surrogatepass")
    with suppress(ConfigError):
        load(any_file, ENVIRON)
