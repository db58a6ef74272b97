"""Up to when everything is known: of each miner, batch and farm, and of all farms that can be seen."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from watcher.model.times import Millis
from watcher.rules.scope import Scope


@dataclass(slots=True)
class _Farm:
    """One farm's marks.

    Args:
        miners: each miner's own last look (2.1); None for one that never was looked at.
        batches: the last reading (2.4) of each batch that is still followed.
        by_batches: its tasks are read batch by batch: `known_to` is then told, else it follows from the miners.
    """

    miners: dict[str, Millis | None] = field(default_factory=dict)
    batches: dict[str, Millis] = field(default_factory=dict)
    by_batches: bool = False
    known_to: Millis | None = None

    def oldest(self) -> Millis | None:
        known = self.miners.values()
        return None if not known or None in known else min(at for at in known if at is not None)


class Watermarks:
    """No watermark ever goes back."""

    def __init__(self) -> None:
        self._farms: dict[str, _Farm] = {}
        self._blind: set[str] = set()

    def reset(
        self,
        farm_id: str,
        miners: Iterable[tuple[str, Millis | None]],
        *,
        by_batches: bool = False,
        known_to: Millis | None = None,
        batches: Iterable[tuple[str, Millis]] = (),
    ) -> None:
        """A farm as it is now."""
        farm = self._farms[farm_id] = _Farm(dict(miners), dict(batches), by_batches, known_to)
        if not by_batches:
            farm.known_to = farm.oldest()

    def drop(self, farm_id: str) -> None:
        self._farms.pop(farm_id, None)
        self._blind.discard(farm_id)

    def looked(self, farm_id: str, miner_id: str, at: Millis) -> bool:
        """Note a look at a miner; returns whether the farm's watermark moved."""
        farm = self._farms.setdefault(farm_id, _Farm())
        before = farm.miners.get(miner_id)
        if before is not None and at <= before:
            return False
        farm.miners[miner_id] = at
        if farm.by_batches or (before is not None and farm.known_to is not None and before > farm.known_to):
            return False
        oldest, farm.known_to = farm.known_to, farm.oldest()
        return farm.known_to != oldest

    def read(self, farm_id: str, batch_id: str, at: Millis, *, followed: bool) -> None:
        """Note the reading of a batch; one that is no longer followed goes by its farm's watermark."""
        batches = self._farms.setdefault(farm_id, _Farm()).batches
        if followed:
            batches[batch_id] = max(at, batches.get(batch_id, at))
        else:
            batches.pop(batch_id, None)

    def advance(self, farm_id: str, known_to: Millis | None) -> bool:
        """A farm read by batches is known up to here; returns whether that is news."""
        farm = self._farms.setdefault(farm_id, _Farm(by_batches=True))
        if known_to is None or (farm.known_to is not None and known_to <= farm.known_to):
            return False
        farm.known_to = known_to
        return True

    def leave_out(self, blind: Iterable[str]) -> bool:
        """Farms that nobody can see hold up no alert across farms; returns whether that changes anything."""
        before, self._blind = self._blind, set(blind)
        return before != self._blind

    @property
    def left_out(self) -> frozenset[str]:
        return frozenset(self._blind)

    def batch(self, farm_id: str, batch_id: str | None) -> Millis | None:
        """The last reading of a batch that is followed."""
        farm = self._farms.get(farm_id)
        return None if farm is None else farm.batches.get(batch_id or "")

    def own(self, farm_id: str, miner_id: str) -> Millis | None:
        """A miner's own last look."""
        farm = self._farms.get(farm_id)
        return None if farm is None else farm.miners.get(miner_id)

    def of(self, scope: Scope) -> Millis | None:
        if scope.farm_id is None:
            known = [farm.known_to for farm_id, farm in self._farms.items() if farm_id not in self._blind]
            return None if not known or None in known else min(at for at in known if at is not None)
        farm = self._farms.get(scope.farm_id)
        if farm is None:
            return None
        if scope.miner_id is not None:
            own = farm.miners.get(scope.miner_id)
            return own if not farm.by_batches else _later(own, farm.known_to)
        if scope.batch_id is not None:
            return farm.batches.get(scope.batch_id, farm.known_to) if farm.by_batches else farm.known_to
        return farm.known_to


def _later(one: Millis | None, other: Millis | None) -> Millis | None:
    return max((at for at in (one, other) if at is not None), default=None)
