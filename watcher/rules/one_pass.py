"""The engine over a finished history, in one pass: for tests of rules and replays, where everything is known.

What fires does not depend on when it was looked at (invariant 3), so that a history read in the order of time needs
no log to fall back on and nothing judged twice. The conditions, and how an alert is driven through its events, are
those of the live engine.
"""

import heapq
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from watcher.model.subject import Place, Subject, TaskChange
from watcher.model.task import SUCCEED
from watcher.model.times import Millis
from watcher.rules.conditions.condition import NoPast
from watcher.rules.event import Event, Role, repairs
from watcher.rules.log import Log
from watcher.rules.placing import Index, scope_of
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.stretch import Stretch
from watcher.rules.tracker import AlertKey, Tracker, run
from watcher.rules.trackers import Trackers

_FULL = 64
"""So many events of an alert wait before they are judged together."""
_Waiting = tuple[Millis, int, int, int, Rule, Any, Event]
"""Time, task, place in its life, a number to tell the rest apart; the rule; the alert and its scope, or a topic."""


@dataclass(slots=True)
class Firing:
    """One stretch of one alert."""

    rule: Rule
    key: AlertKey
    stretch: Stretch


@dataclass(slots=True)
class OnePass:
    """Takes tasks in the order of their first transitions.

    Args:
        until: nothing after this moment exists.
        traced: stretches remember how their counts went.
    """

    rules: Sequence[Rule]
    until: Millis
    places: Iterable[Place] = ()
    traced: bool = False
    _trackers: Trackers = field(default_factory=Trackers)
    _waiting: list[_Waiting] = field(default_factory=list)
    _begun: dict[AlertKey, Event] = field(default_factory=dict)
    _succeeded: dict[Hashable, Event] = field(default_factory=dict)
    _found: list[Firing] = field(default_factory=list)
    _log: Log = field(default_factory=lambda: Log(NoPast()))
    _number: int = 0
    _index: Index = field(init=False)
    _names: dict[str, Rule] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = [rule for rule in self.rules if not rule.of_watcher]
        self._index = Index(self.rules)
        self._names = {rule.name: rule for rule in self.rules}
        self._log = Log(NoPast(list(self.places)))
        for rule in self.rules:
            for key, (event, scope) in self._log.seeds(rule).items():
                if event.at <= self.until:
                    self._push(rule, (key, scope), event)

    def feed(self, subject: Subject) -> None:
        """The next task, with all that is known of it."""
        if not subject.transitions or subject.transitions[0].at > self.until:
            return
        if subject.transitions[-1].at > self.until:
            subject = _cut(subject, self.until)
        self._deliver(subject.transitions[0].at)
        for rule in self._index.concerned(TaskChange(None, subject)):
            scope: Scope | None = None
            for placed in self._log.placed(rule, subject):
                if placed.hit.moot or placed.hit.event.at > self.until:
                    continue
                scope = scope or scope_of(rule, subject)
                self._push(rule, (placed.key, scope), placed.hit.event)
            if rule.condition.listens:
                for transition in subject.transitions:
                    spoken = rule.condition.speaks_of(subject, transition)
                    if spoken is not None:
                        self._push(rule, spoken[0], spoken[1])

    def finish(self) -> list[Firing]:
        """Every stretch up to the end, the open ones included, by rule, alert and time."""
        self._deliver(self.until + 1)
        for tracker in list(self._trackers.all()):
            self._settle(tracker, self.until)
            firing = tracker.life.firing
            if firing is not None:
                self._found.append(Firing(self._names[tracker.key[0]], tracker.key, firing))
        self._trackers.clear()
        return self._found

    def _push(self, rule: Rule, where: object, event: Event) -> None:
        self._number += 1
        at, key, life = event.order
        heapq.heappush(self._waiting, (at, key, life, self._number, rule, where, event))

    def _deliver(self, before: Millis) -> None:
        waiting = self._waiting
        while waiting and waiting[0][0] < before:
            *_, rule, where, event = heapq.heappop(waiting)
            if event.role in (Role.SUCCESS, Role.RESOLVE):
                self._tell(rule, where, event)
            else:
                key, scope = where
                self._give(rule, key, scope, event)

    def _give(self, rule: Rule, key: AlertKey, scope: Scope, event: Event) -> None:
        condition, tracker = rule.condition, self._trackers.get(key)
        if condition.needs_beginning:
            if event.role is Role.SEEN and key in self._begun:
                return  # that there is something to watch is known
            begun = self._begun.setdefault(key, event)
            if tracker is None and begun is not event:
                tracker = self._trackers.made(rule, key, scope, traced=self.traced)
                tracker.pending.append(replace(begun, role=Role.SEEN))
        if tracker is None:
            tracker = self._trackers.made(rule, key, scope, traced=self.traced)
        topic = condition.listens_for(event, key[1])
        if topic is not None:
            success = self._succeeded.get((rule.name, topic))
            if success is not None and repairs(success, event):
                return  # its time was only observed: it was over by then
            self._trackers.listen(tracker, topic)
        tracker.pending.append(event)
        if len(tracker.pending) >= _FULL:
            self._settle(tracker, event.at - 1)

    def _tell(self, rule: Rule, topic: Hashable, event: Event) -> None:
        if event.status == SUCCEED and event.role is Role.SUCCESS:
            last = self._succeeded.get((rule.name, topic))
            if last is None or (event.created_at or event.at) > (last.created_at or last.at):
                self._succeeded[rule.name, topic] = event
        for key in self._trackers.listeners(rule.name, topic):
            tracker = self._trackers[key]
            tracker.pending.append(event)
            self._settle(tracker, event.at - 1)

    def _settle(self, tracker: Tracker, until: Millis) -> None:
        due = 0
        while due < len(tracker.pending) and tracker.pending[due].at <= until:
            due += 1
        events, tracker.pending = tracker.pending[:due], tracker.pending[due:]
        rule = self._names[tracker.key[0]]
        closed = run(tracker.signal, tracker.life, events, until)
        self._found += [Firing(rule, tracker.key, stretch) for stretch in closed]
        if tracker.idle():
            self._trackers.forget(tracker)


def _cut(subject: Subject, until: Millis) -> Subject:
    """The task as it was at a moment."""
    transitions = tuple(one for one in subject.transitions if one.at <= until)
    status = transitions[-1].status
    times = {name: at for name, at in subject.task.times.items() if at <= until}
    return replace(subject, task=replace(subject.task, status=status, times=times), transitions=transitions)


def in_order(subjects: Iterable[Subject]) -> Iterator[Subject]:
    """Tasks in the order of their first transitions."""
    yield from sorted((one for one in subjects if one.transitions), key=lambda one: one.transitions[0].at)
