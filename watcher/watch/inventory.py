"""Which farms and miners there are: read from the API, or named by the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from watcher.errors import ApiRefused, ApiRejected
from watcher.model.miner import Farm, Miner
from watcher.model.subject import TaskChange
from watcher.model.times import Millis
from watcher.store.store import Store

_log = structlog.get_logger()

_SUSPICIOUS = 10
"""A list that lacks more than half of this many known miners, or more, is read twice before it is believed."""


class InventoryApi(Protocol):
    async def farms(self) -> Sequence[Farm]: ...

    async def miners(self, farm_id: str, *, patient: bool = False) -> Sequence[Miner]: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says of it.

    Args:
        farms: ids or names; None for all.
        miners: farm id → miner ids; then nothing is read from the API. None for all.
    """

    farms: tuple[str, ...] | None = None
    miners: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is.

    Args:
        miners: by farm; a farm whose list was refused is missing.
        shown: every farm that the key shows, wanted or not.
        refused: the farms whose miners may not be listed, and why.
    """

    farms: tuple[Farm, ...]
    miners: Mapping[str, tuple[Miner, ...]]
    shown: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


async def read_inventory(
    api: InventoryApi, wanted: Wanted, known: Mapping[str, int], *, patient: bool = False
) -> Inventory:
    """The farms and miners to watch.

    Args:
        known: how many miners each farm had so far.
        patient: half of the request budget is left to the looks that go on meanwhile.

    Raises:
        ApiError: one of the lists could not be read; one that is refused concerns its farm alone.
    """
    if wanted.miners is not None:
        farms = tuple(Farm(farm_id, farm_id) for farm_id in wanted.miners)
        named = {one: tuple(Miner(one, miner) for miner in ids) for one, ids in wanted.miners.items()}
        return Inventory(farms, named, frozenset(named))
    shown = await _farms(api, len(known))
    farms = tuple(farm for farm in shown if _asked_for(farm, wanted))
    for name in wanted.farms or ():
        if not any(name in (farm.id, farm.name) for farm in farms):
            _log.warning("no such farm", farm=name, hint="nonce.farms names a farm the key does not show")
    miners: dict[str, tuple[Miner, ...]] = {}
    refused: dict[str, str] = {}
    for farm in farms:
        try:
            miners[farm.id] = await _miners(api, farm.id, known.get(farm.id, 0), patient=patient)
        except (ApiRefused, ApiRejected) as error:
            if error.status == 401:
                raise
            _log.error("a farm's miners can't be listed", farm=farm.id, reason=str(error))
            refused[farm.id] = str(error)
    return Inventory(farms, miners, frozenset(farm.id for farm in shown), refused)


async def _farms(api: InventoryApi, known: int) -> tuple[Farm, ...]:
    """Every farm. None at all, where there were some, is read twice before it is believed."""
    found = tuple(await api.farms())
    return found if found or not known else tuple(await api.farms())


def _asked_for(farm: Farm, wanted: Wanted) -> bool:
    return wanted.farms is None or farm.id in wanted.farms or farm.name in wanted.farms


async def _miners(api: InventoryApi, farm_id: str, known: int, *, patient: bool) -> tuple[Miner, ...]:
    found = tuple(await api.miners(farm_id, patient=patient))
    if known >= _SUSPICIOUS and len(found) < known / 2:
        _log.warning("a farm lost most of its miners: reading again", farm=farm_id, known=known, now=len(found))
        again = tuple(await api.miners(farm_id, patient=patient))
        found = max(found, again, key=len)
    return found


@dataclass(frozen=True, slots=True)
class Gone:
    """What the inventory no longer shows: whole farms, and miners of farms that are still there.

    Args:
        introduced: tasks of miners that were strangers until now, and what is known of them now.
    """

    farms: tuple[str, ...]
    miners: tuple[tuple[str, str], ...]
    introduced: tuple[TaskChange, ...] = ()


def write_inventory(store: Store, inventory: Inventory, now: Millis) -> Gone:
    """Bring the stored fleet up to date; inside the caller's transaction."""
    there = {farm.id for farm in inventory.farms}
    gone_farms = [
        record.farm.id for record in store.fleet.farms() if record.gone_at is None and record.farm.id not in there
    ]
    store.fleet.write_farms(inventory.farms, gone_farms, now)
    gone_miners: list[tuple[str, str]] = []
    introduced: list[TaskChange] = []
    for farm in inventory.farms:
        if farm.id not in inventory.miners:
            continue
        shown = {miner.id for miner in inventory.miners[farm.id]}
        missing = [record.id for record in store.fleet.miners(farm.id) if record.id not in shown]
        strangers = shown - store.fleet.ever_known(farm.id)
        store.fleet.write_miners(inventory.miners[farm.id], now)
        known_now = store.past.of_miners(farm.id, strangers)
        introduced += [TaskChange(replace(one, miner=one.task.miner), one) for one in known_now]
        store.fleet.mark_gone(farm.id, missing, now)
        gone_miners += [(farm.id, miner_id) for miner_id in missing]
    return Gone(tuple(gone_farms), tuple(gone_miners), tuple(introduced))
