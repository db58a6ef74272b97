"""The farms that are watched, taken up from the store: each with its miners and the batches that are to be read."""

from watcher.model.task import PENDING
from watcher.store.batches import BatchRecord
from watcher.store.fleet import FarmRecord
from watcher.store.store import Store
from watcher.watch.farm import FarmState, Followed, Strategy
from watcher.watch.plan import Plan
from watcher.watch.watermarks import Watermarks


def enrol(store: Store, plan: Plan, watermarks: Watermarks, strategy: str, *, some_miners: bool) -> None:
    """Every farm that stands, with its miners as the store has them now; what is known of a farm already stays.

    Args:
        strategy: as the configuration has it: auto, batches or miners.
        some_miners: only some miners are to be watched, which batches don't know.
    """
    for record in store.fleet.standing():
        farm_id = record.farm.id
        if farm_id not in plan.farms:
            chosen = _strategy(record, strategy, some_miners=some_miners)
            plan.farms[farm_id] = _farm(record, chosen, store.batches.to_read(farm_id))
        farm = plan.farms[farm_id]
        miners = store.fleet.miners(farm_id)
        farm.turns.reset(
            [(miner.id, miner.watermark, miner.active_at) for miner in miners], store.tasks.miners_with_open(farm_id)
        )
        watermarks.reset(
            farm_id,
            [(miner.id, miner.watermark) for miner in miners],
            by_batches=farm.by_batches,
            known_to=record.watermark,
            batches=farm.batches_read(),
        )


def _strategy(record: FarmRecord, wanted: str, *, some_miners: bool) -> Strategy | None:
    if wanted == "miners" or (wanted == "auto" and some_miners):
        return Strategy.MINERS
    found = None if record.strategy is None else Strategy(record.strategy)
    return None if wanted == "batches" and found is Strategy.MINERS else found


def _farm(record: FarmRecord, strategy: Strategy | None, batches: list[BatchRecord]) -> FarmState:
    farm = FarmState(
        record.farm.id,
        strategy,
        record.probed_at,
        record.t0,
        record.listed_at,
        agent_status=record.agent_status,
    )
    for one in batches:
        batch = one.batch
        over = batch.status != PENDING and record.t0 is not None and (batch.created_at or record.t0) < record.t0
        farm.batches[batch.id] = Followed(
            batch.id,
            batch.created_at,
            one.listed_at,
            one.read_at,
            row=batch,
            history=one.read_at is None and over,
        )
    return farm
