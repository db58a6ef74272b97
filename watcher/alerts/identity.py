"""Who an alert is: its fingerprint and its labels."""

import json
from hashlib import sha256

from watcher.model.alert import Alert
from watcher.rules.rule import Rule


def fingerprint(rule: str, by: tuple[str | None, ...]) -> str:
    """A stable id of twelve hex digits, of a rule's name and the values of its `by` fields."""
    return sha256(json.dumps([rule, list(by)]).encode()).hexdigest()[:12]


def alert_of(rule: Rule, by: tuple[str | None, ...], farm_names: dict[str, str]) -> Alert:
    """The alert of a rule's `by` values; a farm is itself by its id and shown by its name."""
    labels: dict[str, str | None] = {"rule": rule.name, "severity": rule.severity.value, **rule.labels}
    for name, value in zip(rule.by, by, strict=True):
        labels[name] = farm_names.get(value, value) if name == "farm" and value is not None else value
    return Alert(fingerprint(rule.name, by), rule.name, rule.severity, by, labels)
