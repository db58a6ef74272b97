"""A folder of rule files as a set of rules, or every fault in it at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watcher.errors import ConfigError, Fault
from watcher.rules.composing import Where
from watcher.rules.document import Document, read
from watcher.rules.fields import FIELDS
from watcher.rules.odd_words import odd_words
from watcher.rules.rule import Rule
from watcher.rules.schema import RuleFile, RulePart
from watcher.rules.template import TemplateFailed
from watcher.rules.unless import unless_faults
from watcher.rules.validation import validate
from watcher.rules.wording import listed, quoted, suggestion
from watcher.rules.written_test import TestPart

SUFFIXES = (".yaml", ".yml")

_UNDEFINED = re.compile(r"'(\w+)' is undefined")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands, for faults that only the configuration beside it can show."""

    document: Document
    index: int

    @property
    def data(self) -> Mapping[str, Any]:
        """What the operator wrote of it."""
        data: Mapping[str, Any] = self.document.data["rules"][self.index]
        return data

    def fault(self, where: str | Where, text: str) -> Fault:
        """A fault of a key's value, or of what lies deeper in it."""
        inner = (where,) if isinstance(where, str) else where
        return self.document.fault(("rules", self.index, *inner), f"rule {quoted(self.data['name'])}: {text}")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The loaded rules, in the order of their files' names.

    Args:
        places: where each rule stands, by its name.
        warnings: what is allowed but hardly meant.
    """

    rules: tuple[Rule, ...]
    places: Mapping[str, Place]
    warnings: tuple[Fault, ...] = ()

    @property
    def label_names(self) -> frozenset[str]:
        return frozenset(label for rule in self.rules for label in rule.label_names)


def load_rules(folder: Path) -> RuleSet:
    """Load every rule file of a folder (`*.yaml`, `*.yml`, not hidden, not in folders below).

    Raises:
        ConfigError: with every fault of every file; a set with no rule at all is one.
    """
    faults: list[Fault] = []
    warnings: list[Fault] = []
    rules: list[tuple[Place, Rule]] = []
    places: dict[str, Place] = {}
    complete = True
    for path in rule_files(folder):
        try:
            document = read(path)
        except ConfigError as error:
            faults += error.faults
            complete = False
            continue
        parts, wrong = _validated(document)
        faults += wrong
        for index, name in _names(document):
            place = Place(document, index)
            first = places.setdefault(name, place)
            if first is not place:
                line = first.document.place(("rules", first.index, "name")).line
                text = f"it is there already, at {first.document.path}:{line}: give one of them another name"
                faults.append(place.fault("name", text))
        for index, part in parts.items():
            place, rule = Place(document, index), part.compiled()
            rules.append((place, rule))
            faults += _sample_faults(place, rule)
        warnings += (
            Place(document, index).fault(where, text) for index, where, text in odd_words(document, parts, SAMPLE)
        )
    if not rules and not faults:
        faults.append(
            Fault(str(folder), 0, 0, "no rules here: at least one is needed (nonce-watcher init writes some)")
        )
    faults += unless_faults(rules, places, complete=complete)
    if faults:
        raise ConfigError(faults)
    return RuleSet(tuple(rule for _, rule in rules), places, tuple(sorted(warnings)))


def rule_files(folder: Path) -> list[Path]:
    """The rule files of a folder, by name.

    Raises:
        ConfigError: the folder cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError([Fault(str(folder), 0, 0, "no such folder: rules are read from here")])
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except OSError as error:
        raise ConfigError([Fault(str(folder), 0, 0, f"cannot be read: {error.strerror}")]) from error
    return [path for path in found if not path.name.startswith(".")]


def _names(document: Document) -> Iterator[tuple[int, str]]:
    """Every rule that has a name, right or wrong: its position, its name."""
    rules = document.data.get("rules")
    for index, data in enumerate(rules if isinstance(rules, tuple) else ()):
        if isinstance(data, dict) and isinstance(data.get("name"), str):
            yield index, data["name"]


def _validated(document: Document) -> tuple[Mapping[int, RulePart], list[Fault]]:
    """The file's rules that are right, by position, and every fault; those of a rule or test carry its name."""
    parts: dict[int, RulePart] = {}
    faults: list[Fault] = []
    names = dict(_names(document))
    rules = document.data.get("rules")
    for index in range(len(rules) if isinstance(rules, tuple) else 0):
        about = f"rule {quoted(names[index])}" if index in names else ""
        try:
            parts[index] = validate(document, RulePart, under=("rules", index), about=about)
        except ConfigError as error:
            faults += error.faults
    tests = document.data.get("tests")
    for index, test in enumerate(tests if isinstance(tests, tuple) else ()):
        about = f"test {quoted(test['name'])}" if isinstance(test, dict) and isinstance(test.get("name"), str) else ""
        try:
            validate(document, TestPart, under=("tests", index), about=about)
        except ConfigError as error:
            faults += error.faults
    try:
        validate(document, RuleFile)
    except ConfigError as error:
        told = {(fault.line, fault.column) for fault in faults}
        faults += [fault for fault in error.faults if (fault.line, fault.column) not in told]
    return parts, faults


SAMPLE: Mapping[str, Any] = {name: "" if not field.listed else () for name, field in FIELDS.items()} | {
    "count": 3,
    "total": 20,
    "ratio": 0.15,
    "miners": ["m1", "m2", "m3"],
    "reasons": [("checksum mismatch", 2), ("no answer", 1)],
    "first": "2026-01-01 03:00",
    "last": "2026-01-01 03:04",
    "runbook": "",
    "duration": "4m",
    "queue_time": "10s",
    "watcher": "blind",
    "channel": "ops",
    "cause": "The Nonce API cannot be reached.",
}
"""What every template is rendered against once when it is loaded."""


def _sample_faults(place: Place, rule: Rule) -> Iterator[Fault]:
    for name, template in (("title", rule.title), ("body", rule.body)):
        if template is None:
            continue
        try:
            template.render(SAMPLE)
        except TemplateFailed as error:
            yield place.fault(("message", name), f"{error}{_meant(str(error))}")


def _meant(failure: str) -> str:
    """What a name that no template has was perhaps meant to be."""
    unknown = _UNDEFINED.search(failure)
    if unknown is None:
        return ""
    others = sorted(SAMPLE.keys() - FIELDS.keys())
    return suggestion(unknown[1], SAMPLE) or f"; a template has the fields, and {listed(others, 'and')}"
