"""Looks at miners: the tasks of one, in full (2.1)."""

from functools import partial

import structlog

from watcher.model.times import DAY, HOUR, MINUTE, Millis, iso
from watcher.rules.scope import Scope
from watcher.watch.farm import FarmState
from watcher.watch.ingest import Look, concede, ingest
from watcher.watch.purpose import Purpose
from watcher.watch.workbench import Workbench, tell

_log = structlog.get_logger()

_OVERLAP: Millis = HOUR
"""A look at a miner asks for what is later than the last one and this much more."""
_REACH: Millis = 7 * DAY - 10 * MINUTE
"""The API refuses what lies more than 7 days back, by its own clock; the margin is for ours."""


async def look_at_miner(bench: Workbench, farm: FarmState, miner_id: str, purpose: Purpose) -> None:
    store, place = bench.store, (farm.id, miner_id)
    last = bench.watermarks.own(farm.id, miner_id)
    whole = purpose in (Purpose.RECORD, Purpose.REASON) or last is None
    start = None if whole else _from_time(bench, place, last)
    known = None if whole else bench.digests.get(place)
    reading = await bench.api.miner_tasks(farm.id, miner_id, from_time=start, known=known)
    if not bench.watches(farm):
        return
    present = bench.present(reading.date, reading.read_at)
    look = Look(
        farm.id,
        miner_id,
        None,
        reading.tasks,
        present,
        last,
        bench.t0(farm, present),
        unchanged=reading.unchanged,
        whole=start is None,
        agent_status=farm.agent_status,
        seen=lambda task: bench.watermarks.batch(farm.id, task.batch_id),
    )
    active_at = max((at for row in reading.tasks for at in row.times.values()), default=None)
    with store.atomic():
        _note_lost_history(bench, farm, last, present)
        taken = ingest(store, look)
        store.fleet.set_t0(farm.id, present)
        store.fleet.looked(farm.id, miner_id, present, active_at)
        has_open = store.tasks.oldest_open(farm.id, miner_id) is not None
        farm.t0 = present if farm.t0 is None else farm.t0
        mark = partial(bench.watermarks.looked, farm.id, miner_id, present)
        bench.conclude(farm, taken.changes, [Scope(farm.id, miner_id)], mark)
        if last is None and not farm.by_batches and bench.watermarks.of(Scope(farm.id)) is not None:
            bench.desk.introduce()  # that was the last of them
    bench.remember(place, reading, taken)
    farm.turns.looked(miner_id, present, has_open=has_open, active_at=active_at)
    farm.reasons.pop(miner_id, None)
    tell(farm.id, miner_id, purpose, len(reading.tasks), taken.changes)


def _from_time(bench: Workbench, place: tuple[str, str], last: Millis | None) -> Millis | None:
    """From when on to ask: whatever the API filters by, nothing that can still change is left out."""
    if last is None:
        return None
    oldest = bench.store.tasks.oldest_open(*place)
    start = min(last, oldest if oldest is not None else last) - _OVERLAP
    return start if start > bench.clock.now() - _REACH else None


def _note_lost_history(bench: Workbench, farm: FarmState, last: Millis | None, present: Millis) -> None:
    """What lies beyond the API's reach and was not seen in time, nobody will ever know."""
    if last is None or farm.by_batches or present - last <= 7 * DAY or farm.gap_noted:
        return
    farm.gap_noted = True
    bench.store.fleet.add_gap(farm.id, last, present - 7 * DAY, present)
    _log.error("history is out of the API's reach", farm=farm.id, since=iso(last), until=iso(present - 7 * DAY))


def give_up_on(bench: Workbench, farm: FarmState, miner_id: str) -> None:
    """A miner's own record can't be had: what is known of its tasks is all."""
    farm.reasons.pop(miner_id, None)
    with bench.store.atomic():
        bench.conclude(farm, concede(bench.store, farm.id, miner_id), [])
