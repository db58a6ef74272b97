"""Configuration and rules together."""

from datetime import datetime
from pathlib import Path

import pytest

from watcher.alerts.flapping import Damping
from watcher.alerts.mute_times import Muted
from watcher.alerts.routes import Escalation
from watcher.config import CONSOLE
from watcher.errors import ConfigError
from watcher.loading import Loaded, damping, load_all
from watcher.model.times import HOUR, MINUTE, from_datetime

RULE = "rules:\n  - name: r\n    match: {status: failed}\n    notify: [oncall]\n"


def loaded(folder: Path, rules: str, *, config: str = "", **environ: str) -> Loaded:
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yaml").write_text(rules)
    (folder / "config.yaml").write_text(f"nonce: {{workspace: o, api_key: '${{NONCE_API_KEY}}'}}\n{config}")
    return load_all(folder / "config.yaml", environ)


def test_the_faults_of_the_rules_come_out_with_those_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, RULE.replace("match", "macth"))
    assert [(Path(fault.path).name, fault.line) for fault in caught.value.faults] == [
        ("config.yaml", 1),
        ("own.yaml", 3),
    ]


def test_a_configuration_that_cannot_be_read_at_all_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, RULE, config="rules: [")
    assert len(caught.value.faults) == 1


def test_a_channel_that_a_rule_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='rule "r": there is no channel "oncall"'):
        loaded(tmp_path, RULE, config="channels: {ops: {url: json://localhost}}", NONCE_API_KEY="k")


def test_without_any_channel_every_rule_is_told_on_the_console_with_a_warning(tmp_path: Path) -> None:
    found = loaded(tmp_path, RULE, NONCE_API_KEY="k")
    (warning,) = found.warnings
    assert "there is no channel" in warning.text
    assert warning.text.endswith("it is told on the console")
    assert (warning.line, warning.column) == (4, 13)
    assert found.rules.rules[0].notify is None
    assert found.routes[-1].channels == (CONSOLE,)


def test_mute_times_escalation_and_damping_reach_the_routes(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        RULE.replace("[oncall]", "[ops]"),
        config=(
            "timezone: Asia/Kathmandu\nalerts: {flapping: {changes: 6}}\n"
            "channels: {ops: {url: json://localhost}, oncall: {url: json://localhost}}\n"
            "mute_times: {nights: [{times: ['22:00-06:00']}, {weekdays: [sat], timezone: UTC}]}\n"
            "routes: [{channels: [ops], mute_times: [nights], escalate: {after: 20m, channels: [oncall]}}]\n"
        ),
        NONCE_API_KEY="k",
    )
    (route,) = found.routes
    assert route.escalation == Escalation(20 * MINUTE, ("oncall",))
    night = from_datetime(datetime.fromisoformat("2026-03-04T22:00+05:45"))
    assert route.mutes.at(night - 1) is None
    assert route.mutes.at(night) == Muted(("nights",), night + 8 * HOUR)
    saturday = from_datetime(datetime.fromisoformat("2026-03-07T12:00+00:00"))
    assert route.mutes.at(saturday) is not None
    assert damping(found.settings) == Damping(6, HOUR)


def test_nothing_flaps_where_that_is_switched_off(tmp_path: Path) -> None:
    found = loaded(tmp_path, RULE, config="alerts: {flapping: none}\n", NONCE_API_KEY="k")
    assert damping(found.settings) is None
