"""Where a transition belongs: the rules it may matter to, the alert of each, and the watermark it goes by."""

from collections.abc import Sequence
from typing import NamedTuple

from watcher.model.subject import Place, Subject, TaskChange
from watcher.model.task import PENDING, QUEUING, Part
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Hit
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.tracker import AlertKey

_LARGEST_INDEX = 10_000
"""Names come from the API, and it may be mad."""


class Placed(NamedTuple):
    """A hit, with the alert it belongs to."""

    key: AlertKey
    hit: Hit

    @property
    def mark(self) -> tuple[object, ...]:
        """All that would make it another one."""
        event = self.hit.event
        return self.key, event.identity, event.at, event.value, event.steps


class Index:
    """The rules that a task may matter to, by its name and the statuses it was in."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._found: dict[tuple[str, frozenset[str]], tuple[Rule, ...]] = {}

    def concerned(self, change: TaskChange) -> Sequence[Rule]:
        statuses = {transition.status for transition in change.after.transitions}
        if change.before is not None:
            statuses |= {transition.status for transition in change.before.transitions}
        if Part.TIMES in change.after.task.lacks:
            statuses |= {QUEUING, PENDING}  # it may have passed them unseen
        key = (change.after.task.name, frozenset(statuses))
        found = self._found.get(key)
        if found is None:
            found = tuple(rule for rule in self._rules if _may_matter(rule, *key))
            if len(self._found) >= _LARGEST_INDEX:
                self._found.clear()
            self._found[key] = found
        return found


def _may_matter(rule: Rule, name: str, statuses: frozenset[str]) -> bool:
    condition = rule.condition
    return condition.concerns(name, statuses) or condition.heeds(name, statuses) or condition.begins(name)


def scope_of(rule: Rule, subject: Subject) -> Scope:
    """Whose watermark the alert of a task goes by."""
    task, by = subject.task, set(rule.by)
    if "miner" in by and task.miner_id is not None:
        return Scope(subject.farm.id, task.miner_id)
    if "batch" in by and task.batch_id is not None:
        return Scope(subject.farm.id, batch_id=task.batch_id if rule.condition.within_batch else None)
    return Scope(subject.farm.id) if {"farm", "farm_id"} & by else Scope()


def part_of(rule: Rule, key: AlertKey) -> Scope:
    """The part of the log in which everything about an alert is. A miner without its farm may have moved."""
    values = dict(zip(rule.by, key[1], strict=True))
    return Scope(values.get("farm_id") or values.get("farm"), values.get("miner"), values.get("batch"))


def place_scope(rule: Rule, place: Place) -> Scope:
    """Whose watermark the alert goes by that a farm or a miner has without a task."""
    if "miner" in rule.by and place.miner is not None:
        return Scope(place.farm.id, place.miner.id)
    return Scope(place.farm.id) if {"farm", "farm_id"} & set(rule.by) else Scope()


def reach(rule: Rule, moment: Millis) -> Millis | None:
    """After which moment the log matters to what a rule's alerts were just before `moment`; None: all of it."""
    return None if rule.memory is None else max(0, moment - rule.memory - 1)
