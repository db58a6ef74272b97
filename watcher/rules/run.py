"""One rule over a finished history: its events through its alerts, each in the order of time."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from watcher.model.subject import Subject
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Condition
from watcher.rules.event import Event, Role, repairs
from watcher.rules.fields import By, by_values, untold
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.stretch import Stretch
from watcher.rules.tracker import AlertKey, Tracker, new_tracker, run

_FULL = 16
"""So many events of an alert wait before they are judged, and at least twice as many as had to go on waiting."""
_MOST = 20_000
"""So many events are held by all alerts of a rule before all are judged, and at least twice as many as had to be."""
_MANY = 256
"""So many events of a rule that listens wait before they are put in order; likewise."""
_EVERYWHERE = Scope()


@dataclass(slots=True)
class Firing:
    """One stretch of one alert."""

    key: AlertKey
    stretch: Stretch


@dataclass(slots=True, eq=False)
class Run:
    """Takes the tasks that may matter in the order of their first transitions.

    Args:
        until: nothing after this moment exists.
        traced: stretches remember how their counts went.
        found: every stretch that has ended.
        by_status: one task's transitions may be of several alerts.
    """

    rule: Rule
    until: Millis
    traced: bool = False
    found: list[Firing] = field(default_factory=list)
    _trackers: dict[By, Tracker] = field(default_factory=dict)
    _begun: dict[By, Event] = field(default_factory=dict)
    _held: int = 0
    _most: int = _MOST
    by_status: bool = field(init=False)
    _needs_beginning: bool = field(init=False)

    def __post_init__(self) -> None:
        self.by_status = "status" in self.rule.by
        self._needs_beginning = self.rule.condition.needs_beginning

    def feed(self, subject: Subject, condition: Condition, values: dict[tuple[str, ...], By]) -> None:
        """A task that may have events.

        Args:
            condition: the rule's own, as it is for this kind of task.
            values: of the `by` fields that are known of it already.
        """
        by, before = self.rule.by, subject.transitions[0].at
        for event, transition, moot in condition.hits(subject):
            if moot or event.at > self.until or untold(by, subject, transition):
                continue
            own = None if self.by_status else values.get(by)
            if own is None:
                own = values[by] = by_values(by)(subject, transition)
            self.push(own, event, before)

    def begin(self, subject: Subject, values: By) -> bool:
        """Whether the watch of these values has begun by now; no earlier beginning will come."""
        if not self.by_status and values in self._begun:
            return True
        for event, transition, _ in self.rule.condition.beginnings(subject):
            if untold(self.rule.by, subject, transition):
                continue
            own = by_values(self.rule.by)(subject, transition) if self.by_status else values
            if own not in self._begun or event.at < self._begun[own].at:
                self.push(own, event, subject.transitions[0].at)
        return not self.by_status and values in self._begun

    def hear(self, subject: Subject) -> None:
        """A task that speaks of what alerts may wait for."""

    def push(self, values: By, event: Event, before: Millis) -> None:
        """An event of the alert with these values.

        Args:
            before: all that happened before this moment has been pushed.
        """
        tracker = self._trackers.get(values) or self._made(values)
        if self._needs_beginning:
            begun = self._begun.get(values)
            if begun is None or event.at < begun.at:
                self._begun[values] = event
        tracker.pending.append(event)
        self._held += 1
        if len(tracker.pending) >= tracker.full:
            self._judge(tracker, before - 1)
        elif self._held >= self._most:
            self._sweep(before - 1)

    def finish(self) -> None:
        """Find every stretch up to the end, the open ones included."""
        for tracker in list(self._trackers.values()):
            self._judge(tracker, self.until)
            if tracker.life.firing is not None:
                self.found.append(Firing(tracker.key, tracker.life.firing))
        self._trackers.clear()

    def _sweep(self, until: Millis) -> None:
        """Judge all alerts: of many of them nothing more may come, and what they hold is held for nothing."""
        for tracker in list(self._trackers.values()):
            self._judge(tracker, until)
            tracker.signal.advance(until)
            if tracker.idle() and tracker.key[1] in self._trackers:
                self.forget(tracker)
        self._most = max(_MOST, 2 * self._held)

    def _made(self, values: By) -> Tracker:
        tracker = self._trackers[values] = new_tracker(self.rule, (self.rule.name, values), _EVERYWHERE)
        tracker.life.traced = self.traced
        tracker.full = _FULL
        begun = self._begun.get(values)
        if begun is not None:
            tracker.pending.append(begun._replace(role=Role.SEEN))
            self._held += 1
        return tracker

    def _judge(self, tracker: Tracker, until: Millis) -> None:
        pending = tracker.pending
        pending.sort()
        due = len(pending) if pending and pending[-1].at <= until else bisect_left(pending, (until + 1,))
        events, tracker.pending = pending[:due], pending[due:]
        self._held -= due
        tracker.full = max(_FULL, 2 * len(tracker.pending))
        self.found += [Firing(tracker.key, one) for one in run(tracker.signal, tracker.life, events, until)]
        if tracker.idle():
            self.forget(tracker)

    def forget(self, tracker: Tracker) -> None:
        """Nothing is held of it."""
        del self._trackers[tracker.key[1]]


_Waiting = tuple[Event, int, Any]
"""A number tells apart what nothing else does; the alert's `by` values, or the topic."""


@dataclass(slots=True, eq=False)
class ListeningRun(Run):
    """Of a rule whose alerts wait for transitions that are no events of theirs: who waits for what is known only where
    everything is taken in the order of time."""

    _waiting: list[_Waiting] = field(default_factory=list)
    _full: int = _MANY
    _listeners: defaultdict[Hashable, dict[By, None]] = field(default_factory=lambda: defaultdict(dict))
    _told: dict[By, None] = field(default_factory=dict)
    _asked: Counter[Hashable] = field(default_factory=Counter)
    _succeeded: dict[Hashable, Event] = field(default_factory=dict)

    def push(self, values: By, event: Event, before: Millis) -> None:
        topic = self.rule.condition.listens_for(event, values)
        if topic is not None:
            self._asked[topic] += 1
        self._wait(values, event, before)

    def hear(self, subject: Subject) -> None:
        for topic, event in self.rule.condition.speaks(subject, self._asked):
            self._wait(topic, event, subject.transitions[0].at)

    def finish(self) -> None:
        self._deliver(self.until + 1)
        Run.finish(self)

    def _wait(self, where: Hashable, event: Event, before: Millis) -> None:
        self._waiting.append((event, len(self._waiting), where))
        if len(self._waiting) >= self._full:
            self._deliver(before)

    def _deliver(self, before: Millis) -> None:
        """What happened before a moment."""
        waiting = sorted(self._waiting)
        due = bisect_left(waiting, ((before,),))
        for event, _, where in waiting[:due]:
            if event.role is Role.SUCCESS or event.role is Role.RESOLVE:
                self._tell(where, event)
            else:
                self._give(where, event)
        for values in self._told:  # they may be over, and then nobody waits any more
            if values in self._trackers:
                self._judge(self._trackers[values], before - 1)
        self._told.clear()
        self._waiting = [(event, number, where) for number, (event, _, where) in enumerate(waiting[due:])]
        self._full = max(_MANY, 2 * len(self._waiting))

    def _give(self, values: By, event: Event) -> None:
        topic = self.rule.condition.listens_for(event, values)
        if topic is not None:
            success = self._succeeded.get(topic)
            if success is not None and repairs(success, event):
                self._no_longer_asked(topic)
                return  # its time was only observed: it was over by then
        Run.push(self, values, event, event.at)
        if topic is not None:
            if values in self._listeners[topic]:
                self._no_longer_asked(topic)
            self._listeners[topic][values] = None
            self._trackers[values].topics.add(topic)

    def _tell(self, topic: Hashable, event: Event) -> None:
        if event.role is Role.SUCCESS:
            last = self._succeeded.get(topic)
            if last is None or (event.created_at or event.at) > (last.created_at or last.at):
                self._succeeded[topic] = event
        for values in self._listeners.get(topic, ()):
            self._trackers[values].pending.append(event)
            self._held += 1
            self._told[values] = None

    def forget(self, tracker: Tracker) -> None:
        Run.forget(self, tracker)
        for topic in tracker.topics:
            del self._listeners[topic][tracker.key[1]]
            self._no_longer_asked(topic)
            if not self._listeners[topic]:
                del self._listeners[topic]

    def _no_longer_asked(self, topic: Hashable) -> None:
        self._asked[topic] -= 1
        if not self._asked[topic]:
            del self._asked[topic]


def run_of(rule: Rule, until: Millis, *, traced: bool) -> Run:
    kind = ListeningRun if rule.condition.listens else Run
    return kind(rule, until, traced)
