"""Which miner to look at next: where change is likely, without letting any miner starve."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from watcher.model.times import HOUR, Millis

Place = tuple[str, str]
"""A farm's id and a miner's id."""

_SWEEP_EVERY = 4
"""Every so many requests go to the miner that nobody has looked at for longest, whatever else is urgent."""
_RECENT: Millis = HOUR
_CALMER = 4
"""A recently active miner is looked at this many times less often than one with an open task."""


class Purpose(StrEnum):
    """Why a request is spent."""

    OPEN = "open"
    """the miner has an open task"""
    ACTIVE = "active"
    """something happened on it within the hour"""
    SWEEP = "sweep"
    """it is its turn"""


@dataclass(frozen=True, slots=True)
class Choice:
    place: Place
    purpose: Purpose


@dataclass(slots=True)
class _Seen:
    """When (API's present) a miner was last looked at and last did something."""

    looked_at: Millis | None
    active_at: Millis | None


class Plan:
    """The order of looks. Holds no clock: `now` is always an argument.

    Args:
        every: how often one miner is looked at, at most (ms).
    """

    def __init__(self, every: Millis) -> None:
        self.every = every
        self._seen: dict[Place, _Seen] = {}
        self._turn: OrderedDict[Place, None] = OrderedDict()
        self._open: OrderedDict[Place, None] = OrderedDict()
        self._active: OrderedDict[Place, None] = OrderedDict()
        self._requests = 0

    def reset(
        self, farm_id: str, miners: Iterable[tuple[str, Millis | None, Millis | None]], open_on: Iterable[str]
    ) -> None:
        """A farm's miners as they are now, each with its last look and last activity."""
        for place in [place for place in self._seen if place[0] == farm_id]:
            self._drop(place)
        having_open = set(open_on)
        for miner_id, looked_at, active_at in sorted(miners, key=lambda miner: (miner[1] or 0, miner[0])):
            place = (farm_id, miner_id)
            self._seen[place] = _Seen(looked_at, active_at)
            self._turn[place] = None
            if looked_at is None:
                self._turn.move_to_end(place, last=False)
            if miner_id in having_open:
                self._open[place] = None
            elif active_at is not None:
                self._active[place] = None

    def drop(self, farm_id: str, miner_id: str | None = None) -> None:
        """Forget a farm, or one miner of it."""
        for place in [p for p in self._seen if p[0] == farm_id and miner_id in (None, p[1])]:
            self._drop(place)

    def _drop(self, place: Place) -> None:
        del self._seen[place]
        for queue in (self._turn, self._open, self._active):
            queue.pop(place, None)

    def looked(self, place: Place, at: Millis, *, has_open: bool, active_at: Millis | None) -> None:
        """Note a look and what it showed."""
        seen = self._seen.get(place)
        if seen is None:
            return
        seen.looked_at = at
        if active_at is not None:
            seen.active_at = max(active_at, seen.active_at or 0)
        recent = seen.active_at is not None and at - seen.active_at < _RECENT
        for queue, belongs in (
            (self._turn, True),
            (self._open, has_open),
            (self._active, recent and not has_open),
        ):
            queue.pop(place, None)
            if belongs:
                queue[place] = None

    def skip(self, place: Place) -> None:
        """A look failed: the others come first, so that one miner's trouble is not everybody's."""
        for queue in (self._turn, self._open, self._active):
            if place in queue:
                queue.move_to_end(place)

    def choose(self, now: Millis) -> Choice | None:
        """The next look; None while every miner was looked at less than `every` ago."""
        self._requests += 1
        queues = [
            (Purpose.OPEN, self._open, self.every),
            (Purpose.ACTIVE, self._active, self.every * _CALMER),
            (Purpose.SWEEP, self._turn, self.every),
        ]
        if self._requests % _SWEEP_EVERY == 0:
            queues.insert(0, queues.pop())
        for purpose, queue, interval in queues:
            place = next(iter(queue), None)
            if place is not None and self._due(place, interval) <= now:
                return Choice(place, purpose)
        return None

    def next_due(self) -> Millis | None:
        """When the next look will be due; None without any miner."""
        return min(
            (self._due(next(iter(queue)), self.every) for queue in (self._turn, self._open) if queue), default=None
        )

    def _due(self, place: Place, interval: Millis) -> Millis:
        looked_at = self._seen[place].looked_at
        return 0 if looked_at is None else looked_at + interval

    def places(self) -> list[Place]:
        """Every miner, those never looked at first, then the one looked at longest ago."""
        return list(self._turn)
