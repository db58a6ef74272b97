"""ElastAlert 2's own rule classes, driven as it drives them over a history, for the nearest equivalents of our rules.

What it leaves to Elasticsearch (searching, filtering, decoding times, joining compound keys) is done before the clock
runs. It is no dependency: without `pip install '.[bench]'` there is nothing to compare with.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from itertools import groupby
from typing import Any

from watcher.model.subject import Subject
from watcher.model.task import Transition
from watcher.model.times import MINUTE, Millis, to_datetime
from watcher.rules.conditions.absent import Absent
from watcher.rules.conditions.count import Count
from watcher.rules.conditions.each import Each
from watcher.rules.conditions.new import New
from watcher.rules.conditions.ratio import Ratio
from watcher.rules.conditions.spike import Spike
from watcher.rules.fields import by_value
from watcher.rules.rule import Rule

BUFFER: Millis = 15 * MINUTE
"""Its example configuration's `buffer_time`: so long are the parts in which it runs over a history."""

TIME = "@timestamp"
_FIELDS = (
    "task",
    "status",
    "farm",
    "miner",
    "batch",
    "ip",
    "mac",
    "serial",
    "make",
    "model",
    "firmware_version",
    "error",
)
Event = dict[str, Any]
Happened = tuple[Millis, Subject, Transition]


def installed() -> bool:
    return find_spec("elastalert") is not None


@dataclass(frozen=True, slots=True)
class Work:
    """What a rule of its did.

    Args:
        kind: its name for the class.
        events: those given.
        matches: what it would have told, were nothing hushed.
        seconds: of CPU, in `add_data` and `garbage_collect`.
    """

    kind: str
    events: int
    matches: int
    seconds: float


def nearest(rule: Rule) -> tuple[str, dict[str, Any]] | None:
    """The class that comes nearest to a rule and its options; None for `stuck` and `sequence`, which it has not."""
    named: dict[str, Any] = {"name": rule.name, "timestamp_field": TIME}
    if rule.by:
        named["query_key"] = ",".join(rule.by)
    match rule.condition:
        case Each():
            return "AnyRule", named
        case Count(spec=spec) if spec.distinct:
            asked = {
                "timeframe": _length(spec.within),
                "cardinality_field": "miner",
                "max_cardinality": spec.at_least - 1,
            }
            return "CardinalityRule", named | asked
        case Count(spec=spec):
            return "FrequencyRule", named | {"timeframe": _length(spec.within), "num_events": spec.at_least}
        case Ratio(spec=spec):
            # Its PercentageMatchRule is given both counts by Elasticsearch; so many failures are the nearest
            # that it counts itself.
            enough = max(1, int(spec.at_least * spec.min_total))
            return "FrequencyRule", named | {"timeframe": _length(spec.within), "num_events": enough}
        case Spike(spec=spec):
            asked = {"spike_height": float(spec.times), "spike_type": "up", "threshold_cur": spec.least}
            return "SpikeRule", named | asked | {"timeframe": _length(spec.within)}
        case Absent(spec=spec):
            return "FlatlineRule", named | {"timeframe": _length(spec.within), "threshold": 1}
        case New(spec=spec):
            del named["query_key"]
            return "NewTermsRule", named | {"fields": [[*rule.by, spec.what]]}
        case _:
            return None


def _length(within: Millis) -> timedelta:
    return timedelta(milliseconds=within)


def in_order(subjects: Iterable[Subject]) -> list[Happened]:
    """Every transition, by time."""
    found = [(one.at, subject, one) for subject in subjects for one in subject.transitions]
    return sorted(found, key=lambda one: one[0])


def work_of(rule: Rule, history: Sequence[Happened], until: Millis) -> Work | None:
    """The rule's equivalent over the transitions that fit its match; None where it has none."""
    found = nearest(rule)
    if found is None:
        return None
    kind, options = found
    its = _class(kind)(options)
    told, spent, given = 0, 0.0, 0
    for events, end in _parts(rule, history, until):
        began = time.process_time()
        if events:
            its.add_data(events)
        its.garbage_collect(end)
        spent += time.process_time() - began
        told += len(its.matches)
        its.matches.clear()
        given += len(events)
    return Work(kind, given, told, spent)


def _class(kind: str) -> Any:
    from elastalert import ruletypes

    if kind != "NewTermsRule":
        return getattr(ruletypes, kind)

    class FromNothing(ruletypes.NewTermsRule):  # type: ignore[misc]
        """Without asking Elasticsearch for the terms of before."""

        def get_all_terms(self, args: object) -> None:
            self.seen_values: dict[Any, list[Any]] = {tuple(field): [] for field in self.fields}

    return FromNothing


def _parts(rule: Rule, history: Sequence[Happened], until: Millis) -> Iterator[tuple[list[Event], datetime]]:
    """What its filter passes, query by query, with the end of each; made anew for each rule, as it changes them."""
    key = ",".join(rule.by)
    matching = (one for one in history if rule.condition.match(one[1], one[2]))
    parts = {part: [_event(*one, rule, key) for one in found] for part, found in groupby(matching, _part)}
    for part in range(_part(history[0]), until // BUFFER + 1):
        yield parts.pop(part, []), to_datetime((part + 1) * BUFFER)


def _part(one: Happened) -> int:
    return one[0] // BUFFER


def _event(at: Millis, subject: Subject, transition: Transition, rule: Rule, key: str) -> Event:
    found: Event = {name: by_value(name, subject, transition) for name in (*_FIELDS, *rule.by)}
    found |= {TIME: to_datetime(at), "_id": f"{subject.key}-{transition.status}", "_index": "tasks"}
    if len(rule.by) > 1:
        found[key] = ", ".join(str(found[name]) for name in rule.by)
    return found
