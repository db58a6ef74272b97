"""`demo` with one's own rules, as the reference of the language tells newcomers."""

import re
from pathlib import Path

import pytest

from tests.cli.test_commands import run

REFERENCE = Path(__file__).resolve().parents[2] / "rules" / "README.md"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    first = re.search(r"^## A first rule.*?```yaml\n(.*?)```", REFERENCE.read_text(), re.DOTALL | re.MULTILINE)
    assert first is not None
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text(first[1])
    return tmp_path / "rules"


def test_the_first_rule_of_the_reference_fires_in_the_demo_and_in_its_history(rules: Path) -> None:
    history = rules.parent / "demo.jsonl"
    shown = run("demo", "--for", "8s", "--rules", str(rules), "--history", str(history))
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"\d+ of \d+ Antminer S19 Pro failed to update in Cedar Creek", shown.stdout)
    replayed = run("rules", "backtest", "--rules", str(rules), "--history", str(history))
    assert replayed.returncode == 0, replayed.stderr
    assert re.search(r"firmware-batch-failing\s+1 ", replayed.stdout)


def test_a_rule_that_is_wrong_is_told_before_anything_begins(rules: Path) -> None:
    (rules / "mine.yaml").write_text("rules:\n  - name: r\n    macth: {}\n")
    shown = run("demo", "--rules", str(rules))
    assert shown.returncode == 2
    assert 'mine.yaml:3:5: rule "r": unknown key "macth" (did you mean "match"?)' in shown.stderr
