"""`rules list`: the rules that are loaded, and how often each of them fired."""

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from watcher.cli.common import Config, Json, command, show

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.rules.load import RuleSet
    from watcher.rules.rule import Rule

_DAYS = 7


@command
def list_rules(config: Config = None, json: Json = False) -> None:
    """List the configured rules: what each looks for, where it stands, how often it fired in 7 days and fires now."""
    from watcher.config import find, for_reading
    from watcher.rules.load import load_rules

    found = for_reading(find(config, os.environ), os.environ)
    rules = load_rules(found.rules)
    fired, firing = _counts(found.store) or (None, None)
    numbers_there = [] if fired is None else ["fired 7d", "firing"]
    columns = ["rule", "severity", "condition", "by", *numbers_there, "place"]
    rows = []
    for rule in rules.rules:
        numbers = [None if counts is None else counts[rule.name] for counts in (fired, firing)]
        rows.append((_for_programs if json else _for_people)(rule, rules, *numbers))
    show(rows, columns, as_json=json, empty="no rules")


def _for_people(rule: "Rule", rules: "RuleSet", fired: int | None, firing: int | None) -> dict[str, Any]:
    path, line = _place(rule, rules)
    return {
        "rule": rule.name,
        "severity": rule.severity.value,
        "condition": rule.condition.phrase(),
        "by": ", ".join(rule.by) or "(one alert)",
        "fired 7d": fired,
        "firing": firing,
        "place": f"{path}:{line}",
    }


def _for_programs(rule: "Rule", rules: "RuleSet", fired: int | None, firing: int | None) -> dict[str, Any]:
    path, line = _place(rule, rules)
    return {
        "rule": rule.name,
        "severity": rule.severity.value,
        "condition": rule.condition.phrase(),
        "by": list(rule.by),
        "fired_7d": fired,
        "firing": firing,
        "file": path,
        "line": line,
    }


def _place(rule: "Rule", rules: "RuleSet") -> tuple[str, int]:
    place = rules.places[rule.name]
    return place.document.path, place.document.place(("rules", place.index)).line


def _counts(path: "Path") -> tuple[Counter[str], Counter[str]] | None:
    """By rule: how often it fired in the last days, how many of its alerts fire now. None before the first run.

    What was learnt at the first contact has not fired.

    Raises:
        StoreError: there is a store, but it can't be read.
    """
    from watcher.assembly import wall
    from watcher.model.alert import Origin
    from watcher.model.times import DAY
    from watcher.store.database import open_reader
    from watcher.store.store import Store

    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        pass  # opening it says what is wrong
    since = wall() - _DAYS * DAY
    store = Store(open_reader(path))
    told = [episode for episode in store.episodes.since(since) if episode.origin is not Origin.BASELINE]
    store.close()
    fired = Counter(episode.alert.rule for episode in told if episode.started_at > since)
    return fired, Counter(episode.alert.rule for episode in told if episode.firing)
