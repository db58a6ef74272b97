"""The schema for editors, held against the language: it takes what loads, and refuses what people get wrong."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import ConfigError
from watcher.model.message import Severity
from watcher.model.trouble import TroubleKind
from watcher.rules.conditions import KINDS
from watcher.rules.document import parse
from watcher.rules.fields import FIELDS, GROUPABLE
from watcher.rules.json_schema import rule_file_schema
from watcher.rules.load import load_rules
from watcher.rules.quantities import parse_confidence, parse_duration, parse_duration_or_zero, parse_percent
from watcher.rules.schema import RuleFile, RulePart

FOLDER = Path(__file__).resolve().parents[2] / "rules"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
SCHEMA = rule_file_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
DEFINITIONS = SCHEMA["definitions"]


def keys(definition: str) -> dict[str, Any]:
    properties: dict[str, Any] = DEFINITIONS[definition]["properties"]
    return properties


def accepts(text: str) -> bool:
    """Whether an editor leaves a file unmarked."""
    valid: bool = VALIDATOR.is_valid(json.loads(json.dumps(parse(text.encode(), "a.yaml").data)))
    return valid


def loads(text: str, folder: Path) -> bool:
    (folder / "a.yaml").write_text(text)
    try:
        load_rules(folder)
    except ConfigError:
        return False
    return True


def test_it_is_a_schema_and_becomes_the_same_text_every_time() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.dumps(SCHEMA) == json.dumps(rule_file_schema())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_file_is_valid(path: Path) -> None:
    assert accepts(path.read_text())


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_reference_is_valid(example: str) -> None:
    assert accepts(example)


GOOD = [
    "rules: [{name: r, match: {}}]",
    "rules: [{name: r, match: {status: anything, agent_status: [online, '!offline', /o.*/]}}]",
    "rules: [{name: r, match: {duration: ['> 10m', '<=1h30m'], queue_time: '= 0s'}}]",
    "rules: [{name: r, match: {watcher: ['!clock', 'b*', /./]}}]",
    "rules: [{name: r, match: {status: failed}, resolve: never, expire: never}]",
    "rules: [{name: r, match: {status: failed}, new: {field: actor, memory: 7d, learn: 1d}, resolve: {after: 1h}}]",
    "rules: [{name: r, sequence: {steps: [{status: failed}, {status: succeed}], within: 1h}}]",
    "rules: [{name: r, match: {status: failed}, ratio: {at_least: 100%, within: 1h, confidence: 99.9%}, by: []}]",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_loads_is_valid(text: str, tmp_path: Path) -> None:
    assert loads(text, tmp_path)
    assert accepts(text)


MISTAKES = {
    "a misspelt field": "{name: r, match: {statsu: failed}}",
    "a misspelt key": "{name: r, match: {}, severty: info}",
    "no name": "{match: {status: failed}}",
    "no match": "{name: r, count: {at_least: 3, within: 1h}}",
    "an unknown severity": "{name: r, match: {}, severity: fatal}",
    "two conditions": "{name: r, match: {}, count: {at_least: 3, within: 1h}, stuck: {longer_than: 5m}}",
    "a condition without what it needs": "{name: r, match: {}, count: {at_least: 3}}",
    "a key of another condition": "{name: r, match: {}, count: {at_least: 3, within: 1h, min_total: 5}}",
    "keys in each": "{name: r, match: {}, each: {within: 1h}}",
    "a duration without a unit": "{name: r, match: {}, for: 10}",
    "a duration in words": "{name: r, match: {}, for: 10 minutes}",
    "a duration in the wrong order": "{name: r, match: {}, for: 30m1h}",
    "no duration at all": "{name: r, match: {}, stuck: {longer_than: 0s}}",
    "a part without a percent sign": "{name: r, match: {}, ratio: {at_least: 0.2, within: 1h}}",
    "more than all": "{name: r, match: {}, ratio: {at_least: 120%, within: 1h}}",
    "too sure": "{name: r, match: {}, ratio: {at_least: 20%, within: 1h, confidence: 100%}}",
    "a count in quotes": '{name: r, match: {}, count: {at_least: "3", within: 1h}}',
    "a count of none": "{name: r, match: {}, count: {at_least: 0, within: 1h}}",
    "a number as text": "{name: r, match: {rack: 12}}",
    "an empty list": "{name: r, match: {status: []}}",
    "a comparison without a unit": '{name: r, match: {duration: "> 10"}}',
    "an unknown field in by": "{name: r, match: {}, by: [farms]}",
    "a field that tells nothing apart": "{name: r, match: {}, by: [duration]}",
    "by as a text": "{name: r, match: {}, by: farm}",
    "an ending of a window": "{name: r, match: {}, count: {at_least: 3, within: 1h}, resolve: on_success}",
    "an unknown ending": "{name: r, match: {}, resolve: on_sucess}",
    "two endings": "{name: r, match: {}, resolve: {after: 1h, on: {status: succeed}}}",
    "an unknown trouble": "{name: r, match: {watcher: blnd}}",
    "a task in a rule about the watcher": "{name: r, match: {watcher: blind, status: failed}}",
    "a channel without the watcher": "{name: r, match: {channel: ops}}",
    "unless_same alone": "{name: r, match: {}, unless_same: [farm]}",
    "one step": "{name: r, sequence: {steps: [{status: failed}], within: 1h}}",
    "a new of a list": "{name: r, match: {}, new: {field: health, memory: 7d, learn: 1d}}",
    "a label that is a number": "{name: r, match: {}, labels: {tier: 1}}",
    "where beside a condition's match": "{name: r, match: {}, sequence: {steps: [{where: 'true'}, {}], within: 1h}}",
    "a rule that is a text": "firmware",
}


@pytest.mark.parametrize("rule", MISTAKES.values(), ids=MISTAKES)
def test_a_typical_mistake_is_marked_and_does_not_load(rule: str, tmp_path: Path) -> None:
    text = f"rules:\n  - {rule}\n"
    assert not accepts(text)
    assert not loads(text, tmp_path)


def test_a_key_beside_the_rules_is_marked() -> None:
    assert not accepts("rules: []\nroutes: []\n")
    assert not accepts("rules: {name: r}")


OF_A_RULE = {
    "for": "1m",
    "keep_firing_for": "1m",
    "by": "[farm]",
    "where": "'true'",
    "resolve": "never",
    "expire": "never",
    "unless": "[other]",
    "notify": "[ops]",
    "labels": "{team: a}",
    "runbook": "x",
    "summary": "x",
    "severity": "info",
    "message": "{title: x}",
    "each": "{}",
    "count": "{at_least: 1, within: 1h}",
}


@pytest.mark.parametrize("key", OF_A_RULE)
def test_what_a_rule_about_the_watcher_does_without_is_marked_and_nothing_else(key: str, tmp_path: Path) -> None:
    rule = f"rules:\n  - {{name: r, match: {{watcher: blind}}, {key}: {OF_A_RULE[key]}}}\n"
    other = "  - {name: other, match: {}}\n"
    assert accepts(rule) == loads(rule + other, tmp_path)


def test_every_field_can_be_matched_and_every_condition_chosen() -> None:
    assert list(keys("MatchPart")) == list(FIELDS)
    assert keys("RuleMatch").keys() == {*FIELDS, "watcher", "channel"}
    assert keys("RulePart").keys() == {field.alias or name for name, field in RulePart.model_fields.items()}
    assert KINDS.keys() <= keys("RulePart").keys()
    assert SCHEMA["properties"].keys() == RuleFile.model_fields.keys()


@pytest.mark.parametrize("name", KINDS)
def test_every_key_of_a_condition_is_there_and_the_required_ones_are_required(name: str) -> None:
    spec = KINDS[name].spec
    fields = {field.alias or key: field for key, field in spec.model_fields.items()}
    assert keys(spec.__name__).keys() == fields.keys()
    required = {key for key, field in fields.items() if field.is_required()}
    assert set(DEFINITIONS[spec.__name__].get("required", [])) == required


def test_an_editor_can_propose_what_there_is() -> None:
    assert keys("RulePart")["severity"]["enum"] == list(Severity)
    assert keys("RulePart")["by"]["items"]["enum"] == list(GROUPABLE)
    assert set(TroubleKind) <= set(keys("RuleMatch")["watcher"]["anyOf"][0]["anyOf"][0]["enum"])


def test_every_key_is_explained_and_no_key_is_open() -> None:
    for definition in (SCHEMA, *DEFINITIONS.values()):
        assert definition["additionalProperties"] is False
        for name, said in definition["properties"].items():
            assert said["description"].endswith("."), name


def test_nothing_that_an_older_draft_would_not_see_stands_beside_a_reference() -> None:
    def nodes(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield node
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from nodes(inner)

    assert all(len(node) == 1 for node in nodes(SCHEMA) if "$ref" in node)
    assert "$defs" not in json.dumps(SCHEMA)


def test_the_default_by_of_every_condition_is_said() -> None:
    said = keys("RulePart")["by"]["description"]
    assert all(f"[{', '.join(kind.by)}]" in said for kind in KINDS.values())


NUMBERS = st.text("0123456789dhms.%", max_size=8)


@given(NUMBERS)
def test_an_editor_and_the_loader_agree_on_what_a_duration_and_a_part_are(text: str) -> None:
    for said, read in (
        (keys("StuckSpec")["longer_than"], parse_duration),
        (keys("RulePart")["for"], parse_duration_or_zero),
        (keys("RatioSpec")["at_least"], parse_percent),
        (keys("RatioSpec")["confidence"], parse_confidence),
    ):
        try:
            read(text)
        except ValueError as error:
            right = "100 years" in str(error)  # a pattern can't tell
        else:
            right = True
        assert jsonschema.Draft7Validator(said).is_valid(text) == right, text
