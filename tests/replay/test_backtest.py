"""`rules backtest`: a history through the rules, in figures for people and as JSON for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from watcher.cli.app import app

RULES = """
rules:
  - name: rebooting-fails
    match: {task: miner.system.reboot, status: failed}
    count: {at_least: 2, within: 10m}
  - name: reboot-failed
    match: {task: miner.system.reboot, status: [failed, timed_out]}
"""


def row(number: int, miner: str, created: str, **ends: str) -> dict[str, Any]:
    final = next(iter(ends), None)
    status = {"failedAt": "failed", "succeedAt": "succeed", "timedOutAt": "timed_out", None: "pending"}[final]
    said: dict[str, Any] = {"farm": {"id": "f1", "name": "Texas"}, "id": f"t{number}", "name": "miner.system.reboot"}
    times = {
        "createdAt": created,
        "pendingAt": created,
        "failedAt": None,
        "succeedAt": None,
        "timedOutAt": None,
        **ends,
    }
    return {**said, "status": status, **times, "miner": {"id": miner}}


HISTORY = [
    row(3, "m1", "2026-03-01T01:00:00Z", succeedAt="2026-03-01T01:05:00.250Z"),
    row(1, "m1", "2026-03-01T00:00:00Z", failedAt="2026-03-01T00:05:00.500Z"),
    row(2, "m2", "2026-03-01T00:01:00Z", failedAt="2026-03-01T00:08:00Z"),
    row(4, "m3", "2026-03-01T02:00:00Z"),
]


def backtest(folder: Path, rows: list[dict[str, Any]], *more: str, rules: str = RULES) -> Result:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "a.yaml").write_text(rules)
    history = folder / "history.jsonl"
    history.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return CliRunner().invoke(
        app, ["rules", "backtest", "--rules", str(folder / "rules"), "--history", str(history), *more]
    )


def test_the_json_tells_every_episode(tmp_path: Path) -> None:
    result = backtest(tmp_path, HISTORY, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [
        {
            "rule": "reboot-failed",
            "labels": {"farm": "Texas", "task": "miner.system.reboot", "miner": "m1"},
            "started_at": "2026-03-01T00:05:00.500Z",
            "ended_at": "2026-03-01T01:05:00.250Z",
            "count": 1,
            "total": None,
        },
        {
            "rule": "reboot-failed",
            "labels": {"farm": "Texas", "task": "miner.system.reboot", "miner": "m2"},
            "started_at": "2026-03-01T00:08:00.000Z",
            "ended_at": None,
            "count": 1,
            "total": None,
        },
        {
            "rule": "rebooting-fails",
            "labels": {"farm": "Texas"},
            "started_at": "2026-03-01T00:08:00.000Z",
            "ended_at": "2026-03-01T00:15:00.500Z",
            "count": 2,
            "total": None,
        },
    ]


def test_nothing_after_until_exists(tmp_path: Path) -> None:
    found = json.loads(backtest(tmp_path, HISTORY, "--json", "--until", "2026-03-01T00:06:00Z").stdout)
    assert [(one["rule"], one["ended_at"]) for one in found] == [("reboot-failed", None)]


def test_a_task_that_is_there_twice_is_one(tmp_path: Path) -> None:
    early = row(1, "m1", "2026-03-01T00:00:00Z")
    found = json.loads(backtest(tmp_path, [early, *HISTORY], "--json").stdout)
    assert [one["rule"] for one in found].count("reboot-failed") == 2


def test_the_figures_for_people(tmp_path: Path) -> None:
    result = backtest(tmp_path, HISTORY)
    assert result.exit_code == 0, result.output
    assert "4 tasks" in result.stdout
    assert "3 episodes" in result.stdout
    assert "console" in result.stdout
    assert "rebooting-fails" in result.stdout


def test_a_comparison_tells_what_an_edit_changes(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = RULES.replace("at_least: 2", "at_least: 1").replace("reboot-failed", "reboot-went-wrong")
    (tmp_path / "old" / "a.yaml").write_text(old)
    result = backtest(tmp_path, HISTORY, "--against", str(tmp_path / "old"))
    assert "2 new, 2 gone, 0 earlier, 1 later" in result.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "history.jsonl:2: no row of List Miner Tasks"),
        ('{"id": "t", "name": "a", "status": "failed"}', "farm: Field required"),
        ('{"farm": {"id": "f"}, "id": "t", "status": "failed"}', "history.jsonl:2"),
    ],
)
def test_a_line_that_is_no_row_is_told(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    history = tmp_path / "history.jsonl"
    history.write_text(json.dumps(HISTORY[0]) + "\n" + line + "\n")
    result = CliRunner().invoke(
        app, ["rules", "backtest", "--rules", str(tmp_path / "rules"), "--history", str(history)]
    )
    assert result.exit_code == 2
    assert said in result.output
