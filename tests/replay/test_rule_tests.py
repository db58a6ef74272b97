"""`rules test`: tests beside the rules, in virtual time, on the production engine, through routes and groups."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from watcher.cli.app import app

RATIO = """
rules:
  - name: firmware-batch-failing
    severity: critical
    match: {task: miner.firmware.update, status: [failed, timed_out]}
    ratio: {at_least: 20%, min_total: 20, within: 6h}
    by: [farm, batch]
tests:
"""
GOOD = """
  - name: five failures of twenty page the firmware team
    rules: [firmware-batch-failing]
    given:
      - {at: 0m, task: miner.firmware.update, miner: m1..m20, batch: b1, status: pending}
      - {at: 10m, miner: m1..m15, status: succeed}
      - {at: 12m, miner: m16..m20, status: timed_out, error: no answer}
    expect:
      - {at: 11m, firing: [], sent: []}
      - at: 13m
        firing: [{rule: firmware-batch-failing, batch: b1, count: 5, total: 20}]
        sent: [{channel: console, contains: [5 of 20, no answer], reason: first}]
      - {at: 7h, firing: []}
"""


def run(folder: Path, text: str, *more: str) -> Result:
    (folder / "rules.yaml").write_text(text)
    return CliRunner().invoke(app, ["rules", "test", str(folder), *more])


def test_a_test_that_holds_passes(tmp_path: Path) -> None:
    result = run(tmp_path, RATIO + GOOD)
    assert result.exit_code == 0, result.output
    assert "✓ five failures of twenty page the firmware team" in result.output
    assert "1 of 1 tests passed" in result.output


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("count: 5, total: 20", "count: 6, total: 20", "count=6"),
        ("batch: b1, count", "batch: b2, count", "batch=b2"),
        ("{at: 11m, firing: [], sent: []}", "{at: 12m, firing: []}", "not what is expected fires"),
        ("reason: first", "reason: grew", "not what is expected was sent"),
        ("[5 of 20, no answer]", "[6 of 20]", "5 of 20"),
        ("m16..m20, status: timed_out", "m16..m18, status: timed_out", "never fires: its condition is at least 20%"),
    ],
)
def test_a_difference_shows_both_sides_and_its_line(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    assert was in GOOD
    result = run(tmp_path, RATIO + GOOD.replace(was, becomes))
    assert result.exit_code == 1
    assert said in result.output
    assert "expected" in result.output
    assert "actual" in result.output
    assert f"{tmp_path}/rules.yaml:" in result.output


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("- {at: 0m, miner: m1, status: failed}", "m1 has no open task that this could continue"),
        (
            (
                "- {at: 0m, task: a, id: x, miner: m1, status: pending}\n"
                "      - {at: 1m, task: a, id: y, miner: m1, status: pending}\n"
                "      - {at: 2m, miner: m1, status: failed}"
            ),
            "m1 has 2 open tasks then: name the batch or the id",
        ),
        (
            "- {at: 0m, task: a, id: x, miner: m1, status: failed}\n      - {at: 1m, id: x, miner: m1, status: failed}",
            "the task x has ended before 1m",
        ),
    ],
)
def test_a_row_that_could_not_have_happened_is_told_with_its_line(tmp_path: Path, rows: str, said: str) -> None:
    test = f"  - name: odd\n    given:\n      {rows}\n    expect: [{{at: 5m, firing: []}}]\n"
    result = run(tmp_path, RATIO + test)
    assert result.exit_code == 1
    assert said in result.output


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("rules: [firmware-batch-failing]", "rules: [firmware-batch]", 'there is no rule "firmware-batch"'),
        ("at: 11m", "at: 11", "durations carry a unit"),
        ("m16..m20", "m20..m16", "is no range"),
        ("miner: m1..m20", "minor: m1..m20", 'unknown key "minor"'),
        ("contains:", "contain:", 'unknown key "contain"'),
    ],
)
def test_a_mistake_in_a_test_is_a_fault_with_its_place(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    result = run(tmp_path, RATIO + GOOD.replace(was, becomes, 1))
    assert result.exit_code == 2
    assert said in result.output
    assert "rules.yaml:" in result.output


def test_routes_and_groups_decide_what_is_sent(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(
        RATIO
        + GOOD.replace("channel: console", "channel: firmware").replace(
            "      - {at: 7h", "      - {at: 1h, sent: []}\n      - {at: 7h"
        )
    )
    (tmp_path / "config.yaml").write_text(
        "nonce: {workspace: org_x}\n"
        "channels: {firmware: {url: '${FIRMWARE_URL}'}, ops: {url: '${OPS_URL}'}}\n"
        "routes:\n  - {match: {rule: 'firmware-*'}, channels: [firmware]}\n  - {channels: [ops]}\n"
    )
    result = CliRunner().invoke(app, ["rules", "test", "--config", str(tmp_path / "config.yaml")])
    assert result.exit_code == 0, result.output


def test_the_mute_times_and_the_escalation_of_a_route_hold_in_virtual_time(tmp_path: Path) -> None:
    """Tests begin at midnight UTC."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(
        "rules:\n  - {name: failing, match: {status: failed}}\ntests:\n"
        "  - name: the night is quiet\n"
        "    given:\n      - {at: 1h, task: miner.system.reboot, miner: m1, status: failed}\n"
        "    expect:\n      - {at: 5h, firing: [{rule: failing}], sent: []}\n"
        "      - {at: 6h, sent: [{channel: ops, reason: unmuted}]}\n"
        "      - {at: 7h, sent: [{channel: oncall, reason: escalated}]}\n"
        "      - {at: 20h, sent: []}\n"
    )
    (tmp_path / "config.yaml").write_text(
        "nonce: {workspace: org_x}\ntimezone: UTC\n"
        "channels: {ops: {url: '${OPS_URL}'}, oncall: {url: '${ONCALL_URL}'}}\n"
        "mute_times: {nights: [{times: ['22:00-06:00']}]}\n"
        "routes: [{channels: [ops], mute_times: [nights], escalate: {after: 20m, channels: [oncall]}}]\n"
    )
    result = CliRunner().invoke(app, ["rules", "test", "--config", str(tmp_path / "config.yaml")])
    assert result.exit_code == 0, result.output


def test_what_one_rule_fires_hushes_another(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        """
rules:
  - name: agent-gone
    match: {task: miner.system.reboot, status: created, agent_status: offline}
    stuck: {longer_than: 5m}
    by: [farm]
  - name: reboot-failed
    match: {task: miner.system.reboot, status: failed}
    unless: [agent-gone]
tests:
  - name: the agent's absence speaks for what fails meanwhile
    given:
      - {at: 0m, task: miner.system.reboot, miner: a1..a3, status: created, agent_status: offline}
      - {at: 10m, task: miner.system.reboot, miner: m1, status: pending}
      - {at: 12m, miner: m1, status: failed}
      - {at: 30m, miner: a1..a3, status: pending}
      - {at: 31m, task: miner.system.reboot, miner: m2, status: failed}
      - {at: 32m, miner: a1..a3, status: succeed}
    expect:
      - {at: 6m, firing: [{rule: agent-gone, count: 3}], sent: [{contains: agent-gone}]}
      - {at: 20m, firing: [{rule: agent-gone}, {rule: reboot-failed, miner: m1}], sent: []}
      - at: 1h
        sent: [{reason: all_ended, contains: Resolved}, {reason: first, contains: m2}]
        firing: [{rule: reboot-failed, miner: m1}, {rule: reboot-failed, miner: m2}]
""",
    )
    assert result.exit_code == 0, result.output


def test_a_folder_without_tests_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, RATIO.replace("tests:\n", ""))
    assert result.exit_code == 1
    assert "no tests here" in result.output
