"""`rules list` and `rules schema`, as a user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from watcher.assembly import wall
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Severity
from watcher.model.times import DAY, Millis
from watcher.store.database import open_database
from watcher.store.store import Store

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("NONCE")}
RULES = """\
rules:
  - name: failing
    match: {status: failed}

  - name: storm
    severity: critical
    match: {task: miner.system.reboot}
    count: {at_least: 5, within: 15m}
    by: []
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watcher", *words],
        cwd=folder,
        env={**CLEAN, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration without any secret, and its rules."""
    (tmp_path / "config.yaml").write_text("nonce: {workspace: org_x}\nchannels: {ops: {url: '${OPS_URL}'}}\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    return tmp_path


def episode(rule: str, begun: Millis, *, ended: Millis | None = None, origin: Origin = Origin.NEWS) -> Episode:
    labels = {"rule": rule, "severity": "warning"}
    alert = Alert(f"{rule}{begun}", rule, Severity.WARNING, (), labels)
    reason = None if ended is None else EndReason.RECOVERED
    return Episode(0, alert, begun, origin, 1, None, begun, begun, (), begun, ended, reason, None, ended)


def keep(folder: Path, *episodes: Episode) -> None:
    store = Store(open_database(folder / "state.db"))
    with store.atomic():
        for one in episodes:
            store.episodes.write(one)
    store.close()


def listed(folder: Path) -> list[dict[str, Any]]:
    done = run(folder, "rules", "list", "--json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_every_rule_is_listed_with_its_condition_in_words_and_its_place_and_no_secret_is_needed(folder: Path) -> None:
    assert listed(folder) == [
        {
            "rule": "failing",
            "severity": "warning",
            "condition": "each one",
            "by": ["farm", "task", "miner"],
            "fired_7d": None,
            "firing": None,
            "file": "rules/a.yaml",
            "line": 2,
        },
        {
            "rule": "storm",
            "severity": "critical",
            "condition": "at least 5 times within 15m",
            "by": [],
            "fired_7d": None,
            "firing": None,
            "file": "rules/a.yaml",
            "line": 5,
        },
    ]


def test_how_often_a_rule_fired_in_a_week_and_fires_now_comes_from_the_store_but_for_what_was_learnt(
    folder: Path,
) -> None:
    now = wall()
    keep(
        folder,
        episode("failing", now - 1 * DAY),  # fires
        episode("failing", now - 2 * DAY, ended=now - 1 * DAY),  # fired
        episode("failing", now - 9 * DAY),  # fires, but fired before
        episode("failing", now - 9 * DAY + 1, ended=now - 1 * DAY),  # ended this week, but fired before
        episode("failing", now - 3 * DAY, origin=Origin.BASELINE),  # learnt
        episode("failing", now - 4 * DAY, origin=Origin.ALREADY),  # fires since before the first contact
        episode("gone", now - 1 * DAY),  # of a rule that there is no more
    )
    assert [(row["rule"], row["fired_7d"], row["firing"]) for row in listed(folder)] == [
        ("failing", 3, 3),
        ("storm", 0, 0),
    ]


def test_people_get_a_table_without_numbers_before_the_first_run(folder: Path) -> None:
    said = run(folder, "rules", "list").stdout
    assert "at least 5 times within 15m" in said
    assert "(one alert)" in said
    assert "rules/a.yaml:5" in said
    assert "fired" not in said
    keep(folder)
    assert "fired 7d" in run(folder, "rules", "list").stdout


def test_a_fault_in_the_rules_is_told_with_its_place(folder: Path) -> None:
    (folder / "rules" / "a.yaml").write_text("rules:\n  - name: r\n    match: {statsu: failed}\n")
    done = run(folder, "rules", "list")
    assert done.returncode == 2
    assert "rules/a.yaml:3:13" in done.stderr


def test_a_store_that_is_none_of_ours_is_told(folder: Path) -> None:
    (folder / "state.db").write_bytes(b"no database" * 1000)
    done = run(folder, "rules", "list")
    assert done.returncode == 2
    assert "state.db" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_goes_to_standard_output_or_into_a_file(folder: Path) -> None:
    shown = run(folder, "rules", "schema")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["properties"]["rules"]
    assert run(folder, "rules", "schema", "rules.json").returncode == 0
    assert (folder / "rules.json").read_text() == shown.stdout
    assert run(folder, "rules", "schema", "nowhere/rules.json").returncode == 2


def test_the_help_of_schema_tells_how_an_editor_finds_it(folder: Path) -> None:
    assert "# yaml-language-server: $schema=" in run(folder, "rules", "schema", "--help").stdout
