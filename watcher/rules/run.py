"""One rule over a finished history: its events in the order of time, through its alerts."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from watcher.model.subject import Subject
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Condition
from watcher.rules.event import Event, Role, repairs
from watcher.rules.fields import By, by_values
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.stretch import Stretch
from watcher.rules.tracker import AlertKey, Tracker, new_tracker, run

_FULL = 64
"""So many events of an alert wait before they are judged together."""
_MANY = 256
"""So many events of the rule wait before they are put in order, and at least twice as many as had to go on waiting."""
_EVERYWHERE = Scope()
_Waiting = tuple[Millis, int, int, int, Any, Event]
"""Time, task, place in its life, a number to tell the rest apart; the alert's `by` values, or the topic."""


@dataclass(slots=True)
class Firing:
    """One stretch of one alert."""

    key: AlertKey
    stretch: Stretch


@dataclass(slots=True, eq=False)
class Run:
    """Args:
    until: nothing after this moment exists.
    traced: stretches remember how their counts went.
    """

    rule: Rule
    until: Millis
    traced: bool = False
    _trackers: dict[By, Tracker] = field(default_factory=dict)
    _listeners: defaultdict[Hashable, dict[By, None]] = field(default_factory=lambda: defaultdict(dict))
    _waiting: list[_Waiting] = field(default_factory=list)
    _begun: dict[By, Event] = field(default_factory=dict)
    _begins: dict[By, Millis] = field(default_factory=dict)
    _succeeded: dict[Hashable, Event] = field(default_factory=dict)
    _found: list[Firing] = field(default_factory=list)
    _number: int = 0
    _full: int = _MANY
    _by_status: bool = field(init=False)
    _needs_beginning: bool = field(init=False)
    _listens: bool = field(init=False)

    def __post_init__(self) -> None:
        self._by_status = "status" in self.rule.by  # then one task's transitions may be of several alerts
        self._needs_beginning = self.rule.condition.needs_beginning
        self._listens = self.rule.condition.listens

    def feed(self, subject: Subject, condition: Condition, values: dict[tuple[str, ...], By]) -> None:
        """A task that may matter; no later one has an earlier first transition.

        Args:
            condition: the rule's own, as it is for this kind of task.
            values: of the `by` fields that are known of it already.
        """
        by = self.rule.by
        for event, transition, moot in condition.hits(subject):
            if moot or event.at > self.until:
                continue
            own = None if self._by_status else values.get(by)
            if own is None:
                own = values[by] = by_values(by)(subject, transition)
            self._push(own, event)
        if len(self._waiting) >= self._full:
            self._deliver(subject.transitions[0].at)

    def hear(self, subject: Subject) -> None:
        """A task that speaks of what alerts may wait for; likewise."""
        for topic, event in self.rule.condition.speaks(subject):
            self._push(topic, event)
        if len(self._waiting) >= self._full:
            self._deliver(subject.transitions[0].at)

    def begin(self, subject: Subject, values: By) -> bool:
        """Whether the watch of these values has begun by now; no earlier beginning will come."""
        if not self._by_status and values in self._begins:
            return True
        for event, transition, _ in self.rule.condition.beginnings(subject):
            own = by_values(self.rule.by)(subject, transition) if self._by_status else values
            if event.at < self._begins.get(own, event.at + 1):
                self._begins[own] = event.at
                self.push(own, event)
        return not self._by_status and values in self._begins

    def push(self, values: By, event: Event) -> None:
        """An event of the alert with these values."""
        if event.at <= self.until:
            self._push(values, event)

    def finish(self) -> list[Firing]:
        """Every stretch up to the end, the open ones included."""
        self._deliver(self.until + 1)
        for tracker in list(self._trackers.values()):
            self._settle(tracker, self.until)
            if tracker.life.firing is not None:
                self._found.append(Firing(tracker.key, tracker.life.firing))
        self._trackers.clear()
        return self._found

    def _push(self, where: Hashable, event: Event) -> None:
        self._number += 1
        at, key, life = event.order
        self._waiting.append((at, key, life, self._number, where, event))

    def _deliver(self, before: Millis) -> None:
        """What happened before a moment, in order; all of that has been pushed."""
        waiting = self._waiting
        waiting.sort()
        due = bisect_left(waiting, (before,))
        for _, _, _, _, where, event in waiting[:due]:
            role = event.role
            if role is Role.SUCCESS or role is Role.RESOLVE:
                self._tell(where, event)
            else:
                self._give(where, event)
        del waiting[:due]
        self._full = max(_MANY, 2 * len(waiting))

    def _give(self, values: By, event: Event) -> None:
        tracker = self._trackers.get(values)
        if self._needs_beginning:
            begun = self._begun.setdefault(values, event)
            if begun is not event and event.role is Role.SEEN:
                return  # that there is something to watch is known
            if tracker is None and begun is not event:
                tracker = self._made(values)
                tracker.pending.append(begun._replace(role=Role.SEEN))
        if tracker is None:
            tracker = self._made(values)
        if self._listens:
            topic = self.rule.condition.listens_for(event, values)
            if topic is not None:
                success = self._succeeded.get(topic)
                if success is not None and repairs(success, event):
                    return  # its time was only observed: it was over by then
                self._listeners[topic][values] = None
                tracker.topics.add(topic)
        tracker.pending.append(event)
        if len(tracker.pending) >= _FULL:
            self._settle(tracker, event.at - 1)

    def _made(self, values: By) -> Tracker:
        tracker = self._trackers[values] = new_tracker(self.rule, (self.rule.name, values), _EVERYWHERE)
        tracker.life.traced = self.traced
        return tracker

    def _tell(self, topic: Hashable, event: Event) -> None:
        if event.role is Role.SUCCESS:
            last = self._succeeded.get(topic)
            if last is None or (event.created_at or event.at) > (last.created_at or last.at):
                self._succeeded[topic] = event
        for values in list(self._listeners.get(topic, ())):
            tracker = self._trackers[values]
            tracker.pending.append(event)
            self._settle(tracker, event.at - 1)

    def _settle(self, tracker: Tracker, until: Millis) -> None:
        due = 0
        while due < len(tracker.pending) and tracker.pending[due].at <= until:
            due += 1
        events, tracker.pending = tracker.pending[:due], tracker.pending[due:]
        self._found += [Firing(tracker.key, one) for one in run(tracker.signal, tracker.life, events, until)]
        if tracker.idle():
            self._forget(tracker)

    def _forget(self, tracker: Tracker) -> None:
        values = tracker.key[1]
        del self._trackers[values]
        for topic in tracker.topics:
            del self._listeners[topic][values]
            if not self._listeners[topic]:
                del self._listeners[topic]
