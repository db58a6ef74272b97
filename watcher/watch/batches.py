"""Looks at batches: which there are (2.2, 2.3), and each one's tasks (2.4)."""

from collections.abc import Iterable
from functools import partial

from watcher.errors import ApiError, ApiRefused, ApiRejected
from watcher.model.batch import Listing
from watcher.model.subject import TaskChange
from watcher.model.task import FAILED, TIMED_OUT, Part
from watcher.model.times import Millis
from watcher.rules.scope import Scope
from watcher.watch.farm import FarmState, Strategy
from watcher.watch.ingest import Look, ingest, lost
from watcher.watch.purpose import Purpose
from watcher.watch.workbench import Workbench, tell

_SAMPLES = 5
"""So many failures of a batch are asked for their reasons: enough for the commonest."""


async def list_batches(bench: Workbench, farm: FarmState) -> None:
    """Which batches there are, or that the API tells of none."""
    store = bench.store
    farm.asked_at = bench.clock.now()
    listing = await _listing(bench, farm, farm.window(bench.clock.now()))
    if listing is None or not bench.watches(farm):
        return
    present = bench.present(listing.date, listing.read_at)
    t0 = present if farm.t0 is None else farm.t0

    def read_before(batch_id: str) -> bool:
        record = store.batches.record(farm.id, batch_id)
        return record is not None and record.read_at is not None and not record.open

    first, farm.t0 = farm.t0 is None, t0
    with store.atomic():
        news = farm.listed(listing.batches, present, read_before)
        store.batches.write(news, present)
        store.fleet.set_t0(farm.id, t0)
        if first:
            bench.desk.introduce()
        store.fleet.set_listed(farm.id, present)
        bench.conclude(farm, lost(store, farm.id, present), [])


async def _listing(bench: Workbench, farm: FarmState, since: Millis) -> Listing | None:
    """By whichever way the API allows; None if by none, and the farm's miners are to be read one by one."""
    ways = {Strategy.SEARCH: bench.api.search_batches, Strategy.LIST: bench.api.list_batches}
    order = sorted(ways, key=lambda way: way is not farm.strategy) if farm.strategy else list(ways)
    refusal: ApiError | None = None
    for way in order:
        try:
            listing = await ways[way](farm.id, since=since)
        except (ApiRejected, ApiRefused) as error:
            if isinstance(error, ApiRefused) and error.status == 401:
                raise
            refusal = error
            continue
        if farm.strategy is not way:
            bench.settle_on(farm, way)
        return listing
    if refusal is not None and (bench.forced or farm.refused):
        raise refusal
    bench.settle_on(farm, Strategy.MINERS)
    return None


async def read_batch(bench: Workbench, farm: FarmState, batch_id: str, purpose: Purpose) -> None:
    store, place = bench.store, (farm.id, f"batch/{batch_id}")
    followed = farm.batches[batch_id]
    last = followed.read_at
    reading = await bench.api.batch(farm.id, batch_id, known=bench.digests.get(place))
    if not bench.watches(farm):
        return
    present = bench.present(reading.date, reading.read_at)
    tasks = bench.watched(farm.id, reading.tasks)
    look = Look(
        farm.id,
        None,
        batch_id,
        tasks,
        present,
        last,
        bench.t0(farm, present),
        unchanged=reading.unchanged,
        agent_status=farm.agent_status,
        seen=lambda task: bench.watermarks.own(farm.id, task.miner_id or ""),
    )
    with store.atomic():
        taken = ingest(store, look)
        if reading.unchanged:
            farm.reread(batch_id, present)
            still_open = True
        else:
            still_open = farm.read(batch_id, tasks, reading.batch, present)
        store.batches.was_read(farm.id, batch_id, present, still_open=still_open)
        mark = partial(bench.watermarks.read, farm.id, batch_id, present, followed=still_open)
        bench.conclude(farm, taken.changes, [Scope(farm.id, batch_id=batch_id)], mark)
    bench.remember(place, reading, taken, keep=still_open)
    _sample_reasons(farm, taken.changes, bench.clock.now())
    bench.mind_strangers(farm, tasks)
    tell(farm.id, batch_id, purpose, len(tasks), taken.changes)


def _sample_reasons(farm: FarmState, changes: Iterable[TaskChange], now: Millis) -> None:
    """A few failures of a reading that doesn't say why are looked at; the rest are counted without."""
    dumb = [
        change.after.task
        for change in changes
        if change.after.task.status in (FAILED, TIMED_OUT)
        and change.after.task.error is None
        and Part.LOGS in change.after.task.lacks
        and change.after.transitions[-1].baseline is None
    ]
    room = max(0, 4 * _SAMPLES - len(farm.reasons))
    for task in dumb[: min(_SAMPLES, room)]:
        if task.miner_id is not None:
            farm.reasons[task.miner_id] = now


def close_batch(bench: Workbench, farm: FarmState, batch_id: str) -> None:
    """A batch is gone: its open tasks are missing from its last reading on."""
    store = bench.store
    followed = farm.batches.pop(batch_id)
    present = bench.clock.now()
    with store.atomic():
        ingest(store, Look(farm.id, None, batch_id, (), present, followed.read_at, None))
        store.batches.close(farm.id, batch_id)
        mark = partial(bench.watermarks.read, farm.id, batch_id, present, followed=False)
        bench.conclude(farm, [], [], mark)
