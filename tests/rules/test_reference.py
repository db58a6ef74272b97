"""The reference beside the rules is held to the code."""

import re
from pathlib import Path

import pytest

from watcher.rules.conditions import KINDS
from watcher.rules.fields import FIELDS
from watcher.rules.load import load_rules
from watcher.rules.schema import RulePart

FOLDER = Path(__file__).resolve().parents[2] / "rules"
TEXT = (FOLDER / "README.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_named(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`.*\|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", KINDS)
def test_every_condition_has_its_section(name: str) -> None:
    assert f"### {name}\n" in TEXT


@pytest.mark.parametrize("name", [field.alias or name for name, field in RulePart.model_fields.items()])
def test_every_key_of_a_rule_is_shown(name: str) -> None:
    assert any(re.search(rf"\b{name}:", example) for example in EXAMPLES) or name == "stuck"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(example)
    assert load_rules(tmp_path).rules


def test_every_shipped_rule_is_in_the_table_and_no_other() -> None:
    shown = set(re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE)) - set(FIELDS) - {"never", "failed", "resolve"}
    assert shown == {rule.name for rule in load_rules(FOLDER).rules}


def test_the_shipped_rules_raise_no_eyebrow() -> None:
    assert load_rules(FOLDER).warnings == ()
