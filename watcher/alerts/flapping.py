"""`alerts.flapping`: an alert that fires and ends again and again is told as such, once, and then kept quiet until it
has been calm for a while. Pure."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from watcher.model.alert import EndReason, Episode, Origin
from watcher.model.times import DAY, HOUR, Millis

REACH: Millis = DAY
"""How far back the changes of an alert that goes on changing are looked at."""


@dataclass(frozen=True, slots=True)
class Damping:
    """When an alert flaps: it fired or ended so many times within so long (ms). It is calm again after as long
    without a change."""

    changes: int = 4
    within: Millis = HOUR


@dataclass(frozen=True, slots=True)
class Flaps:
    """A stretch in which an alert flaps.

    Args:
        since: the change that was one too many; `known_at`: when that was known.
        until: when it will have been calm for long enough, if it does not change again.
        changes: within the last window of it.
    """

    since: Millis
    known_at: Millis
    until: Millis
    changes: int
    within: Millis


Change = tuple[Millis, Millis]
"""When an alert fired or ended, and when that was known."""


@dataclass(slots=True)
class Flapping:
    """The changes of late, of all alerts.

    Args:
        damping: None: nothing ever flaps.
    """

    damping: Damping | None
    _ended: dict[str, dict[int, tuple[Change, Change]]] = field(default_factory=dict)
    """Of each alert, its episodes that ended of late."""
    _ends: deque[tuple[Millis, str]] = field(default_factory=deque)

    def note(self, episode: Episode, now: Millis) -> None:
        """Take in an episode that began, changed or ended."""
        damping, alert = self.damping, episode.alert.fingerprint
        if damping is None or episode.origin is not Origin.NEWS:
            return
        if episode.ended_at is None or episode.end_reason is EndReason.CORRECTED:
            known = self._ended.get(alert)
            if known is not None:
                known.pop(episode.id, None)
        else:
            end = episode.ended_at, episode.end_known_at or episode.ended_at
            self._ended.setdefault(alert, {})[episode.id] = ((episode.started_at, episode.known_at), end)
            self._ends.append((episode.ended_at, alert))
        self._forget(now, damping)

    def _forget(self, now: Millis, damping: Damping) -> None:
        while self._ends and self._ends[0][0] + 2 * damping.within < now:
            _, alert = self._ends.popleft()
            known = self._ended.get(alert, {})
            if all(end[0] + 2 * damping.within < now for _, end in known.values()):
                self._ended.pop(alert, None)
            else:
                for number in [number for number, (_, end) in known.items() if end[0] + REACH < now]:
                    del known[number]

    @property
    def changed(self) -> Container[str]:
        """The alerts that ended of late: no other one can flap."""
        return self._ended

    def of(self, episode: Episode, at: Millis) -> Flaps | None:
        """How the alert of an episode flaps at a moment; None where it does not."""
        damping = self.damping
        known = None if damping is None else self._ended.get(episode.alert.fingerprint)
        if damping is None or not known:
            return None
        changes = [change for number, pair in known.items() if number != episode.id for change in pair]
        changes.append((episode.started_at, episode.known_at))
        if episode.ended_at is not None:
            changes.append((episode.ended_at, episode.end_known_at or episode.ended_at))
        found = [one for one in stretches(changes, damping) if one.since <= at < one.until]
        return found[0] if found else None


def stretches(changes: Iterable[Change], damping: Damping) -> Iterator[Flaps]:
    """When an alert that changed so flapped, or does."""
    within, ordered = damping.within, sorted(changes)
    since: Change | None = None
    for place, (at, known_at) in enumerate(ordered):
        if since is not None and at - ordered[place - 1][0] >= within:
            yield _flaps(since, ordered[:place], within)
            since = None
        enough = place + 1 >= damping.changes and at - ordered[place + 1 - damping.changes][0] <= within
        if since is None and enough:
            since = at, known_at
    if since is not None:
        yield _flaps(since, ordered, within)


def _flaps(since: Change, changes: list[Change], within: Millis) -> Flaps:
    last = changes[-1][0]
    return Flaps(*since, last + within, sum(at >= last - within for at, _ in changes), within)
