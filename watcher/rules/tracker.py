"""One alert's memory: what is settled up to its watermark, and the events that lie beyond it."""

from bisect import insort
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from watcher.model.times import Millis
from watcher.rules.conditions.condition import Signal
from watcher.rules.event import Event, Role
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.stretch import Life, Stretch

AlertKey = tuple[str, tuple[str | None, ...]]
"""A rule's name and the values of its `by` fields: an alert's identity."""


@dataclass(slots=True)
class Verdict:
    """What an alert's history says, as far as it may be judged.

    Args:
        closed: stretches that ended since the last verdict, or (after a replay) that the log shows.
        open: the stretch that still fires.
        by_facts: it was told again only because what a task is like has changed (its agent, its miner), not
            because its history was corrected.
        judged_from: the verdict replaces all that was known of the alert from this moment on, and says
            nothing of what ended before; None: it continues the last one.
    """

    key: AlertKey
    closed: list[Stretch]
    open: Stretch | None
    judged_from: Millis | None = None
    by_facts: bool = False


@dataclass(slots=True)
class Tracker:
    """An alert in memory.

    Args:
        pending: events beyond the watermark, by event time; `known` holds their identities.
        topics: what it listens for beside its own events.
        full: how many pending events are judged together, in a replay.
        gated: see `Condition.gated`; `of_open_tasks` likewise.
        begun_at: of the earliest event it was given.
        settled_to: the watermark up to which it was judged for good.
        judged_firing_at: the API's present when it was last found firing; None where it was not.
    """

    key: AlertKey
    scope: Scope
    signal: Signal
    life: Life
    pending: list[Event] = field(default_factory=list)
    known: set[tuple[int, str, Role]] = field(default_factory=set)
    topics: set[Hashable] = field(default_factory=set)
    full: int = 0
    gated: bool = False
    of_open_tasks: bool = False
    begun_at: Millis | None = None
    settled_to: Millis | None = None
    judged_firing_at: Millis | None = None

    def insert(self, event: Event) -> None:
        if event.identity not in self.known:
            self.known.add(event.identity)
            self.begun_at = event.at if self.begun_at is None else min(self.begun_at, event.at)
            insort(self.pending, event)

    def settle(self, watermark: Millis | None) -> Verdict:
        """Judge everything up to the watermark for good, and what lies beyond it as far as it may be.

        Beyond the watermark only positive evidence counts: a condition that comes true there fires at the
        event's own time, but nothing ends and no `for` passes before everything is known.
        """
        closed: list[Stretch] = []
        if watermark is not None:
            due = 0
            while due < len(self.pending) and self.pending[due].at <= watermark:
                due += 1
            events, self.pending = self.pending[:due], self.pending[due:]
            self.known.difference_update(event.identity for event in events)
            closed = run(self.signal, self.life, events, watermark)
            self.settled_to = max(watermark, self.settled_to or watermark)
        if not self.pending or self.gated:
            firing = self.life.firing
            return Verdict(self.key, closed, None if firing is None else firing.copy())
        return Verdict(self.key, closed, self._beyond())

    def _beyond(self) -> Stretch | None:
        signal, life = self.signal.copy(), self.life.copy()
        for index, event in enumerate(self.pending):
            signal.advance(event.at)
            signal.take(event)
            last_of_moment = index + 1 == len(self.pending) or self.pending[index + 1].at > event.at
            if not last_of_moment:
                continue
            if life.firing is not None:
                life.firing.add(signal.arrived)
                signal.arrived = []
                if signal.holds():
                    life.firing.measure(signal)
            elif life.hold == 0:
                life.step(event.at, signal)
        return life.firing

    def next_moment(self) -> Millis | None:
        """The next moment of event time at which it may change without anything new being learnt."""
        first = self.pending[0].at if self.pending else None
        moments = (first, self.signal.next_edge(), self.life.next_timer())
        return min((moment for moment in moments if moment is not None), default=None)

    def idle(self) -> bool:
        return not self.pending and self.life.idle() and self.signal.idle()


def new_tracker(rule: Rule, key: AlertKey, scope: Scope) -> Tracker:
    condition = rule.condition
    life = Life(rule.hold, rule.keep, condition.by_time)
    return Tracker(key, scope, condition.signal(), life, gated=condition.gated, of_open_tasks=condition.of_open_tasks)


def run(signal: Signal, life: Life, events: Sequence[Event], until: Millis) -> list[Stretch]:
    """Drive a condition through events (sorted by time, none after `until`) and its own edges up to `until`.

    At each moment everything that changes there is applied before the condition is judged once, so the
    order of events of one moment does not matter.
    """
    closed: list[Stretch] = []
    position, known = 0, len(events)
    while True:
        # The next moment at which anything may change. Here is where replays spend their time, nearly all of it with
        # alerts that do not fire.
        quiet = life.firing is None and life.since is None and life.believes_from is None
        at = events[position].at if position < known else until + 1
        edge = signal.next_edge()
        if edge is not None and edge < at:
            at = edge
        for moment in () if quiet else (life.next_timer(), life.believes_from):
            if moment is not None and moment < at:
                at = moment
        if at > until:
            return closed
        signal.advance(at)
        while position < known and events[position].at == at:
            signal.take(events[position])
            position += 1
        if quiet and not signal.holds():
            if signal.arrived:
                signal.arrived = []
            continue
        if life.believes_from is not None:
            signal.arrived = []
            if at < life.believes_from:
                continue
            life.believes_from = None
            signal.warmed_up()
        ended = life.step(at, signal)
        if ended is not None:
            closed.append(ended)
