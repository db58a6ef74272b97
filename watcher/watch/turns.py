"""A farm's miners in the order in which they are looked at one by one."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from watcher.model.times import HOUR, Millis

_RECENT: Millis = HOUR


@dataclass(slots=True)
class _Seen:
    """When (API's present) a miner was last looked at and last did something."""

    looked_at: Millis | None
    active_at: Millis | None


@dataclass(slots=True)
class Turns:
    """Queues of miner ids, the one that has waited longest first.

    Args:
        round: all of them.
        open: those with an open task.
        active: those on which something happened within the hour.
    """

    round: OrderedDict[str, None] = field(default_factory=OrderedDict)
    open: OrderedDict[str, None] = field(default_factory=OrderedDict)
    active: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def reset(self, miners: Iterable[tuple[str, Millis | None, Millis | None]], open_on: Iterable[str]) -> None:
        """The miners as they are now, each with its last look and last activity."""
        for queue in (self.round, self.open, self.active):
            queue.clear()
        self._seen.clear()
        having_open = set(open_on)
        for miner_id, looked_at, active_at in sorted(miners, key=lambda miner: (miner[1] or 0, miner[0])):
            self._seen[miner_id] = _Seen(looked_at, active_at)
            self.round[miner_id] = None
            if miner_id in having_open:
                self.open[miner_id] = None
            elif active_at is not None:
                self.active[miner_id] = None

    def looked(self, miner_id: str, at: Millis, *, has_open: bool, active_at: Millis | None) -> None:
        """Note a look and what it showed."""
        seen = self._seen.get(miner_id)
        if seen is None:
            return
        seen.looked_at = at
        if active_at is not None:
            seen.active_at = max(active_at, seen.active_at or 0)
        recent = seen.active_at is not None and at - seen.active_at < _RECENT
        for queue, belongs in ((self.round, True), (self.open, has_open), (self.active, recent and not has_open)):
            queue.pop(miner_id, None)
            if belongs:
                queue[miner_id] = None

    def skip(self, miner_id: str) -> None:
        """A look failed: the others come first, so that one miner's trouble is not everybody's."""
        for queue in (self.round, self.open, self.active):
            if miner_id in queue:
                queue.move_to_end(miner_id)

    def looked_at(self, miner_id: str) -> Millis:
        """Its last look; 0 for none."""
        return self._seen[miner_id].looked_at or 0

    def __contains__(self, miner_id: object) -> bool:
        return miner_id in self._seen

    def __len__(self) -> int:
        return len(self.round)

    def __iter__(self) -> Iterator[str]:
        return iter(self.round)
