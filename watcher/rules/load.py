"""A folder of rule files as a set of rules, or every fault in it at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watcher.errors import ConfigError, Fault
from watcher.model.task import STATUSES
from watcher.rules.document import Document, read
from watcher.rules.fields import FIELDS
from watcher.rules.rule import Rule
from watcher.rules.schema import RuleFile, RulePart
from watcher.rules.template import TemplateFailed
from watcher.rules.validation import validate
from watcher.rules.wording import quoted, suggestion

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands, for faults that only the configuration beside it can show."""

    document: Document
    index: int

    def fault(self, key: str, text: str) -> Fault:
        name = self.document.data["rules"][self.index]["name"]
        return self.document.fault(("rules", self.index, key), f"rule {quoted(name)}: {text}")


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
    rules: dict[str, Rule] = {}
    places: dict[str, Place] = {}
    for path in _files(folder):
        try:
            document = read(path)
            file = _validated(document)
        except ConfigError as error:
            faults += error.faults
            continue
        for index, part in enumerate(file.rules):
            if part.name in rules:
                first = places[part.name]
                where = first.document.place(("rules", first.index, "name"))
                faults.append(
                    document.fault(
                        ("rules", index, "name"),
                        f"rule {quoted(part.name)} is there already, "
                        f"at {first.document.path}:{where.line}: give one of them another name",
                    )
                )
                continue
            rules[part.name] = part.compiled()
            places[part.name] = Place(document, index)
            faults += _sample_faults(places[part.name], rules[part.name])
            warnings += _odd_words(document, index, part)
    if not rules and not faults:
        faults.append(
            Fault(str(folder), 0, 0, "no rules here: at least one is needed (nonce-watcher init writes some)")
        )
    if faults:
        raise ConfigError(faults)
    return RuleSet(tuple(rules.values()), places, tuple(sorted(warnings)))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError([Fault(str(folder), 0, 0, "no such folder: rules are read from here")])
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except OSError as error:
        raise ConfigError([Fault(str(folder), 0, 0, f"cannot be read: {error.strerror}")]) from error
    return [path for path in found if not path.name.startswith(".")]


def _validated(document: Document) -> RuleFile:
    """The file's rules; each rule's faults carry its name."""
    faults: list[Fault] = []
    rules = document.data.get("rules")
    if isinstance(rules, tuple):
        for index, data in enumerate(rules):
            name = data.get("name") if isinstance(data, dict) else None
            about = f"rule {quoted(name)}" if isinstance(name, str) else ""
            try:
                validate(document, RulePart, under=("rules", index), about=about)
            except ConfigError as error:
                faults += error.faults
    try:
        file = validate(document, RuleFile)
    except ConfigError as error:
        told = {(fault.line, fault.column) for fault in faults}
        faults += [fault for fault in error.faults if (fault.line, fault.column) not in told]
        raise ConfigError(faults) from error
    return file


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
            where = ("rules", place.index, "message", name)
            yield place.document.fault(where, f"rule {quoted(rule.name)}: {error}")


def _odd_words(document: Document, index: int, part: RulePart) -> Iterator[Fault]:
    """Statuses are an open set, so an undocumented one is allowed; a misspelt one would never match."""
    written = document.data["rules"][index].get("match", {}).get("status", ())
    for status in written if isinstance(written, tuple) else (written,):
        plain = status.removeprefix("!")
        if plain not in STATUSES and plain.isidentifier() and suggestion(plain, STATUSES):
            yield document.fault(
                ("rules", index, "match", "status"),
                f"rule {quoted(part.name)}: {quoted(plain)} is no documented status{suggestion(plain, STATUSES)}",
            )
