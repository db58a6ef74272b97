"""The reference beside the rules is held to the code."""

import re
from pathlib import Path

import pytest

from watcher.model.message import Severity
from watcher.model.task import STATUSES
from watcher.rules.conditions import KINDS
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.load import SAMPLE, load_rules
from watcher.rules.schema import RulePart

FOLDER = Path(__file__).resolve().parents[2] / "rules"
TEXT = (FOLDER / "README.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
KEYS = [field.alias or name for name, field in RulePart.model_fields.items()]


def section(title: str) -> str:
    """What stands under a heading, down to the next one of the same depth or less."""
    depth = title.split(" ", maxsplit=1)[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{2,{len(depth)}}} |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no section {title}"
    return found[1]


def named_in_table(text: str) -> list[str]:
    """The names in the first column of the tables."""
    firsts = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]


def test_every_field_is_named_and_no_other() -> None:
    table = section("## match").split("| field | is |")[1]
    assert sorted(named_in_table(table)) == sorted(FIELDS)


def test_every_status_is_named() -> None:
    assert " ".join(STATUSES) in section("## match")


def test_every_field_that_cannot_tell_alerts_apart_is_named_as_such() -> None:
    said = re.search(r"Every field can stand there but (.*?)\. ", section("## by, for, keep_firing_for"), re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) == FIELDS.keys() - set(GROUPABLE)


@pytest.mark.parametrize("name", KINDS)
def test_every_condition_has_its_section_with_an_example_that_uses_all_its_keys(name: str) -> None:
    examples = "".join(re.findall(r"```yaml\n(.*?)```", section(f"### {name}"), re.DOTALL))
    keys = re.findall(rf"^    {name}: {{(.*?)}}", examples, re.MULTILINE)
    assert keys, f"no example of {name}"
    assert all(f"{key}:" in keys[0] for key in KINDS[name].spec.model_fields)


def test_the_default_by_of_every_condition_is_said() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| `by` |"))
    for kind in KINDS.values():
        assert f"`[{', '.join(kind.by)}]`" in row


def test_every_key_of_a_rule_is_in_the_table_with_its_default_and_no_other() -> None:
    table = section("## A rule, with every key").split("| key | default | is |")[1]
    assert sorted(named_in_table(table)) == sorted(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_rule_is_used_in_an_example(key: str) -> None:
    assert any(re.search(rf"^(  - |    ){key}:", example, re.MULTILINE) for example in EXAMPLES)


def test_every_severity_is_named() -> None:
    assert all(f"`{severity.value}`" in section("## A rule, with every key") for severity in Severity)


def test_every_value_that_a_template_has_beside_the_fields_is_named() -> None:
    assert set(named_in_table(section("## Templates"))) == SAMPLE.keys() - FIELDS.keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads_without_a_warning(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(example)
    loaded = load_rules(tmp_path)
    assert loaded.rules
    assert loaded.warnings == ()


def test_every_shipped_rule_is_in_the_table_and_no_other() -> None:
    named = named_in_table(section("## The shipped rules"))
    assert sorted(named) == sorted(rule.name for rule in load_rules(FOLDER).rules)


def test_every_critical_or_info_rule_of_the_pack_is_said_to_be_one() -> None:
    rows = {line.split("`")[1]: line for line in section("## The shipped rules").splitlines() if line.startswith("| `")}
    for rule in load_rules(FOLDER).rules:
        for severity in (Severity.CRITICAL, Severity.INFO):
            assert (f"({severity.value}" in rows[rule.name]) == (rule.severity is severity), rule.name


def test_the_shipped_rules_raise_no_eyebrow() -> None:
    assert load_rules(FOLDER).warnings == ()
