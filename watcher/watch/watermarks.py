"""Up to when everything is known: of each miner, and from that of each farm and of all farms."""

from collections.abc import Iterable

from watcher.model.times import Millis
from watcher.rules.tracker import Scope


class Watermarks:
    """Watermarks of the `miners` strategy: a miner's last look; a farm's, the oldest of its miners'."""

    def __init__(self) -> None:
        self._miners: dict[str, dict[str, Millis | None]] = {}
        self._farms: dict[str, Millis | None] = {}

    def reset(self, farm_id: str, miners: Iterable[tuple[str, Millis | None]]) -> None:
        """A farm's miners as they are now; one that never was looked at has no watermark."""
        self._miners[farm_id] = dict(miners)
        self._farms[farm_id] = self._oldest(farm_id)

    def drop(self, farm_id: str) -> None:
        self._miners.pop(farm_id, None)
        self._farms.pop(farm_id, None)

    def looked(self, farm_id: str, miner_id: str, at: Millis) -> bool:
        """Note a look; returns whether the farm's watermark moved. Watermarks never go back."""
        miners = self._miners.setdefault(farm_id, {})
        before = miners.get(miner_id)
        if before is not None and at <= before:
            return False
        miners[miner_id] = at
        oldest = self._farms.get(farm_id)
        if before is not None and oldest is not None and before > oldest:
            return False
        self._farms[farm_id] = self._oldest(farm_id)
        return self._farms[farm_id] != oldest

    def of(self, scope: Scope) -> Millis | None:
        if scope.farm_id is None:
            known = self._farms.values()
            return None if not known or None in known else min(at for at in known if at is not None)
        if scope.miner_id is None:
            return self._farms.get(scope.farm_id)
        return self._miners.get(scope.farm_id, {}).get(scope.miner_id)

    def _oldest(self, farm_id: str) -> Millis | None:
        known = self._miners[farm_id].values()
        return None if not known or None in known else min(at for at in known if at is not None)
