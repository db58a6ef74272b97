"""The reference beside the rules is held to the code."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from watcher.cli.app import app
from watcher.model.message import Severity
from watcher.model.task import STATUSES
from watcher.model.trouble import TroubleKind
from watcher.rules.conditions import KINDS
from watcher.rules.conditions.watcher import WATCHER_FIELDS
from watcher.rules.document import parse
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.load import SAMPLE, load_rules
from watcher.rules.rule import DEFAULT_UNLESS_SAME, Rule
from watcher.rules.schema import RulePart
from watcher.rules.where import Where

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


def examples_of(title: str) -> list[dict[str, Any]]:
    """The rules that are shown under a heading, as they are written."""
    blocks = re.findall(r"```yaml\n(.*?)```", section(title), re.DOTALL)
    return [rule for block in blocks for rule in parse(block.encode(), title).data["rules"]]


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
    shown = [rule[name] for rule in examples_of(f"### {name}") if name in rule]
    assert shown, f"no example of {name}"
    assert shown[0].keys() == {field.alias or key for key, field in KINDS[name].spec.model_fields.items()}


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


def test_the_labels_that_unless_compares_by_default_are_said() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| `unless_same` |"))
    assert f"`[{', '.join(DEFAULT_UNLESS_SAME)}]`" in row


def test_unless_is_shown_with_both_its_keys() -> None:
    rules = examples_of("## unless")
    hushed = [rule for rule in rules if {"unless", "unless_same"} <= rule.keys()]
    assert hushed
    assert {name for rule in hushed for name in rule["unless"]} <= {rule["name"] for rule in rules}


def test_the_keys_that_only_some_conditions_take_are_said_to_go_with_these() -> None:
    single = [f"`{name}`" for name, kind in KINDS.items() if kind.of_single_events]
    for key in ("resolve", "expire"):
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{key}` |"))
        assert f"only with {' and '.join(single)} |" in row


def test_the_conditions_that_wait_until_everything_is_known_are_named() -> None:
    said = re.search(r"are known\. (.*?) and a\s`sequence` with `without`", section("## Conditions"), re.DOTALL)
    assert said is not None
    gated = {rule.name for rule in conditions() if rule.condition.gated}
    assert {name for name in KINDS if f"`{name}`" in said[1]} == gated - {"sequence"}
    assert "sequence" in gated  # with `without`, as it is shown


def conditions() -> list[Rule]:
    """The first rule that shows each condition, under the name of its condition."""
    shown = {name: next(rule for rule in examples_of(f"### {name}") if name in rule) for name in KINDS}
    return [replace(RulePart.model_validate(rule).compiled(), name=name) for name, rule in shown.items()]


def test_every_severity_is_named() -> None:
    assert all(f"`{severity.value}`" in section("## A rule, with every key") for severity in Severity)


def test_every_value_that_a_template_has_beside_the_fields_is_named() -> None:
    assert set(named_in_table(section("## Templates"))) == SAMPLE.keys() - FIELDS.keys()


def test_every_field_that_only_the_full_record_is_sure_to_tell_is_named() -> None:
    told = section("### What a batch does not tell").split("Unknown is not false")[0]
    named = {name for name in re.findall(r"`(\w+)`", told) if name in FIELDS}
    assert named == {name for name, field in FIELDS.items() if field.needs_record}
    assert all(f"`{raw}`" in told for raw in ("payload", "result"))


def test_every_kind_of_value_that_where_sees_is_named() -> None:
    named = set(named_in_table(section("## where")))
    numeric = {name for name, field in FIELDS.items() if field.numeric}
    listed = {name for name, field in FIELDS.items() if field.listed}
    assert {"payload", "result"} | numeric | listed <= named


def expressions() -> list[str]:
    """What the section on `where` writes in its sentences and tables that is more than a word."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", section("## where"), flags=re.DOTALL))
    return [span for span in spans if re.search(r"\S (>|&&|in|==) \S|\.exists\(", span)]


@pytest.mark.parametrize("source", expressions())
def test_every_expression_in_the_text_is_one(source: str) -> None:
    assert Where(source).names


def test_every_trouble_of_the_watch_is_named_and_no_other() -> None:
    table = section("## The watcher itself").split("| `watcher` | lasts while |")[1].split("\n\n")[0]
    assert named_in_table(table)[0] == "blind"
    firsts = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert firsts == list(TroubleKind)


def test_every_key_of_a_rule_about_the_watcher_is_said_to_go_or_not_to_go() -> None:
    table = section("## The watcher itself").split("| key | in a rule about the watcher |")[1].split("\n\n")[0]
    assert {*named_in_table(table), *KINDS, "match"} == set(KEYS)


def test_what_tells_the_alerts_of_the_watcher_apart_is_said() -> None:
    *most, last = [f"`{name}`" for name in WATCHER_FIELDS]
    assert f"told apart by {', '.join(most)} and {last}" in section("## The watcher itself")


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads_without_a_warning(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(example)
    loaded = load_rules(tmp_path)
    assert loaded.rules
    assert loaded.warnings == ()


@pytest.mark.parametrize("example", [one for one in EXAMPLES if "tests:" in one])
def test_every_test_that_is_shown_passes(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(example)
    done = CliRunner().invoke(app, ["rules", "test", str(tmp_path)])
    assert done.exit_code == 0, done.output


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
