"""How the condition of one alert stood at a moment, told again from the log."""

from collections.abc import Iterator
from dataclasses import dataclass

from watcher.model.subject import Subject
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Past
from watcher.rules.event import Event
from watcher.rules.log import Log
from watcher.rules.placing import part_of, reach
from watcher.rules.rule import Rule
from watcher.rules.tracker import AlertKey, Tracker, new_tracker, run


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one alert at one moment, by what is known today.

    Args:
        words: what the condition has and what it needs.
        since: since when it has held without firing, for `for`.
        fires_at: when `for` will have passed, unless it is over before.
        firing: it fires.
        ends_at: it fires although it no longer holds, for `keep_firing_for`, up to here.
    """

    at: Millis
    holds: bool
    count: int
    total: int | None
    words: str
    since: Millis | None = None
    fires_at: Millis | None = None
    firing: bool = False
    ends_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class Retelling:
    """Tells alerts of one rule again.

    Args:
        past: the log.
        edited_at: when the rule was edited last.
    """

    rule: Rule
    past: Past
    edited_at: Millis | None = None

    def at(self, key: AlertKey, moment: Millis) -> Figures:
        """How an alert stood at a moment."""
        return self.best(key, moment, moment)

    def best(self, key: AlertKey, begin: Millis, end: Millis) -> Figures:
        """The moment between two at which the condition came closest: where it holds, the first."""
        told = self._told(key, begin, end)
        best = next(told)
        while not best.holds and (now := next(told, None)) is not None:
            if now.holds or now.count > best.count:
                best = now
        return best

    def _told(self, key: AlertKey, begin: Millis, end: Millis) -> Iterator[Figures]:
        """The figures at a moment, and at every later one at which something came."""
        tracker, events = self._begun(key, begin, end)
        taken = 0
        for moment in sorted({begin, *(event.at for event in events if event.at > begin)}):
            begun = taken
            while taken < len(events) and events[taken].at <= moment:
                taken += 1
            run(tracker.signal, tracker.life, events[begun:taken], moment)
            yield _figures(tracker, moment)

    def _begun(self, key: AlertKey, begin: Millis, end: Millis) -> tuple[Tracker, list[Event]]:
        """An empty memory of the alert, and all its events up to the end, from far enough before the beginning on."""
        rule, scope = self.rule, part_of(self.rule, key)
        log = Log(self.past, {} if self.edited_at is None else {rule.name: self.edited_at})
        since = reach(rule, begin)
        tracker = new_tracker(rule, key, scope)
        if since and rule.condition.warm_up:
            tracker.life.believes_from = since + rule.condition.warm_up
        known = {event.identity: event for event in self._events(log, key, since, end) if event.at <= end}
        return tracker, sorted(known.values())

    def _events(self, log: Log, key: AlertKey, since: Millis | None, until: Millis) -> Iterator[Event]:
        condition = self.rule.condition
        for subject in self._subjects(key, since, until):
            for placed in log.placed(self.rule, subject):
                if placed.key == key and not placed.hit.moot:
                    yield placed.hit.event
                    yield from condition.spoken_before(placed.hit.event, key[1], self.past)
        yield from log.before(self.rule, key, since)
        seed, _ = log.seeds(self.rule).get(key, (None, None)) if condition.seeded else (None, None)
        if seed is not None:
            yield seed

    def _subjects(self, key: AlertKey, since: Millis | None, until: Millis) -> Iterator[Subject]:
        """The tasks that moved between two moments; the log is read no further than that."""
        condition, scope = self.rule.condition, part_of(self.rule, key)
        narrowed = {"farm_id": scope.farm_id, "miner_id": scope.miner_id, "batch_id": scope.batch_id}
        if condition.of_open_tasks:
            yield from self.past.subjects(
                since=since or None, names=condition.names(), statuses=condition.statuses(), with_open=True, **narrowed
            )
            return
        told: set[int] = set()
        for subject, at in self.past.history(
            until=until, names=condition.names(), statuses=condition.statuses(), newest_first=True, **narrowed
        ):
            if since and at <= since:
                return
            if subject.key not in told:
                told.add(subject.key)
                yield subject


def _figures(tracker: Tracker, moment: Millis) -> Figures:
    signal, life = tracker.signal, tracker.life
    signal.advance(moment)
    holds = signal.holds() and life.believes_from is None
    since = life.since if holds and life.firing is None else None
    fires_at = None if since is None else since + life.hold
    ends_at = life.next_timer() if life.firing is not None else None
    firing, words = life.firing is not None, signal.figures(moment)
    return Figures(moment, holds, signal.count(), signal.total(), words, since, fires_at, firing, ends_at)
