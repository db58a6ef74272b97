"""`routes test`: where an alert with these labels would go."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from watcher.cli.app import app

CONFIG = """
nonce: {workspace: org_x}
channels: {ops: {url: "${OPS_URL}"}, oncall: {url: "${ONCALL_URL}"}, pools: {url: "${POOLS_URL}"}}
routes:
  - {match: {severity: critical}, channels: [oncall], group_by: [farm], group_wait: 5s, continue: true}
  - {channels: [ops], repeat_interval: 1h}
"""
RULES = """
rules:
  - {name: rolling, severity: critical, match: {status: failed}, count: {at_least: 3, within: 1h}}
  - {name: failing, match: {status: failed}}
  - {name: pool-changed, match: {task: miner.pool.update}, notify: [pools], labels: {team: security}}
"""


def run(folder: Path, *labels: str) -> Result:
    (folder / "rules").mkdir()
    (folder / "rules" / "a.yaml").write_text(RULES)
    (folder / "config.yaml").write_text(CONFIG)
    return CliRunner().invoke(app, ["routes", "test", *labels, "--json", "--config", str(folder / "config.yaml")])


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (
            ["rule=rolling", "farm=Texas"],
            [
                ("routes[0]", "oncall", "farm=Texas", "5s", "4h"),
                ("routes[1]", "ops", "rule=rolling farm=Texas", "0s", "1h"),
            ],
        ),
        (["rule=failing", "farm=Texas"], [("routes[1]", "ops", "rule=failing farm=Texas", "30s", "1h")]),
        (["rule=pool-changed"], [("routes[1]", "pools", "rule=pool-changed farm=…", "30s", "1h")]),
        (
            ["severity=critical"],
            [("routes[0]", "oncall", "farm=…", "5s", "4h"), ("routes[1]", "ops", "rule=… farm=…", "0s", "1h")],
        ),
    ],
)
def test_the_routes_that_take_it_with_their_channels_and_timers(
    tmp_path: Path, labels: list[str], found: list[tuple[str, ...]]
) -> None:
    result = run(tmp_path, *labels)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    shown = [(r["route"], r["channel"], r["group"], r["group_wait"], r["repeat_interval"]) for r in rows]
    assert shown == found


@pytest.mark.parametrize(
    ("label", "said"),
    [("sevrity=critical", "severity"), ("critical", "LABEL=VALUE"), ("severity=loud", "info, warning or critical")],
)
def test_a_label_that_is_none_is_told(tmp_path: Path, label: str, said: str) -> None:
    result = run(tmp_path, label)
    assert result.exit_code == 2
    assert said in result.output
