"""How the condition of one alert stood at a moment, told again from the log."""

from collections.abc import Iterator
from dataclasses import dataclass

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
        tracker, events = self._begun(key, moment)
        run(tracker.signal, tracker.life, [event for event in events if event.at <= moment], moment)
        return _figures(tracker, moment)

    def best(self, key: AlertKey, begin: Millis, end: Millis) -> Figures:
        """The moment between two at which the condition came closest: where it holds, the first."""
        best = self.at(key, begin)
        if best.holds:
            return best
        tracker, events = self._begun(key, begin)
        moments = sorted({begin, *(event.at for event in events if begin < event.at <= end)})
        taken = 0
        for moment in moments:
            begun = taken
            while taken < len(events) and events[taken].at <= moment:
                taken += 1
            run(tracker.signal, tracker.life, events[begun:taken], moment)
            found = _figures(tracker, moment)
            if found.holds:
                return found
            best = max(best, found, key=lambda one: one.count)
        return best

    def _begun(self, key: AlertKey, moment: Millis) -> tuple[Tracker, list[Event]]:
        """An empty memory of the alert, and all its events from far enough before the moment on."""
        rule, scope = self.rule, part_of(self.rule, key)
        log = Log(self.past, {} if self.edited_at is None else {rule.name: self.edited_at})
        since = reach(rule, moment)
        tracker = new_tracker(rule, key, scope)
        if since and rule.condition.warm_up:
            tracker.life.believes_from = since + rule.condition.warm_up
        for event in self._events(log, key, since):
            tracker.insert(event)
        events, tracker.pending = tracker.pending, []
        return tracker, events

    def _events(self, log: Log, key: AlertKey, since: Millis | None) -> Iterator[Event]:
        condition = self.rule.condition
        for placed, _ in log.since(self.rule, since, part_of(self.rule, key)):
            if placed.key == key:
                yield placed.hit.event
                yield from condition.spoken_before(placed.hit.event, key[1], self.past)
        yield from log.before(self.rule, key, since)
        seed, _ = log.seeds(self.rule).get(key, (None, None)) if condition.seeded else (None, None)
        if seed is not None:
            yield seed


def _figures(tracker: Tracker, moment: Millis) -> Figures:
    signal, life = tracker.signal, tracker.life
    signal.advance(moment)
    holds = signal.holds() and life.believes_from is None
    since = life.since if holds and life.firing is None else None
    fires_at = None if since is None else since + life.hold
    ends_at = life.next_timer() if life.firing is not None else None
    firing, words = life.firing is not None, signal.figures(moment)
    return Figures(moment, holds, signal.count(), signal.total(), words, since, fires_at, firing, ends_at)
