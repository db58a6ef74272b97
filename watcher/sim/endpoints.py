"""The documented endpoints, 2.1 to 2.7: what each finds, and which rows it makes of it."""

from collections.abc import Callable
from datetime import datetime
from itertools import takewhile
from typing import Any

from watcher.sim import rows
from watcher.sim.call import Call
from watcher.sim.fleet import SimFarm
from watcher.sim.replies import Document, Refused, envelope
from watcher.sim.tasks import SimBatch, SimTask

Endpoint = Callable[[Call], Document]


def miner_tasks(call: Call) -> Document:
    """2.1."""
    farm = call.farm()
    miner = farm.miners.get(call.place["miner"])
    if miner is None:
        raise Refused(404, "No such miner")
    start, end = call.span()
    name, status = call.query.get("task_name"), call.query.get("status")
    found = [
        task
        for task in reversed(call.sim.by_miner[miner.id])
        if task.created_at <= call.now
        and start <= _filtered(call, task) <= end
        and name in (None, task.name)
        and (status is None or status == task.status(call.now))
    ]
    return call.page(found, lambda task: rows.task_row(task, farm, miner, call.now, call.switches))


def _filtered(call: Call, task: SimTask) -> datetime:
    return task.created_at if call.switches.from_time_filters == "created" else task.updated_at(call.now)


def search_batches(call: Call) -> Document:
    """2.2."""
    farm, query = _batches_of(call), call.query
    found = [
        batch
        for batch in _shown(call, farm, _oldest(query.get("created_at")))
        if _in_time(query.get("created_at"), batch.created_at)
        and _allowed(query.get("task_name"), batch.name)
        and _allowed(query.get("actor_type"), batch.actor)
        and (query.get("status") is None or _allowed(query["status"], batch.status(call.now)))
    ]
    return call.page(found, lambda batch: rows.batch_row(batch, call.now, call.switches))


def list_batches(call: Call) -> Document:
    """2.3."""
    farm, name = _batches_of(call), call.query.get("task_name")
    found = [batch for batch in _shown(call, farm, None) if name in (None, batch.name)]
    return call.page(found, lambda batch: rows.batch_row(batch, call.now, call.switches))


def one_batch(call: Call) -> Document:
    """2.4."""
    farm = _batches_of(call)
    batch = call.sim.batches.get(call.place["batch"])
    if batch is None or batch.farm_id != farm.id or batch.created_at > call.now:
        raise Refused(404, "No such batch")
    tasks = [rows.batch_task_row(task, call.now, call.switches) for task in batch.shown(call.now)]
    return envelope({"batch": rows.batch_head(batch, call.now, call.switches), "tasks": tasks})


def farms(call: Call) -> Document:
    """2.5."""
    return call.page(
        list(call.sim.farms.values()),
        lambda farm: {"id": farm.id, "name": farm.name, "workspace_id": call.sim.workspace},
    )


def miners(call: Call) -> Document:
    """2.6."""
    farm = call.farm()
    found = list(farm.miners.values())
    return call.page(found, lambda miner: rows.miner_row(miner, farm, call.now, call.switches))


def agents(call: Call) -> Document:
    """2.7."""
    return call.page(list(call.sim.farms.values()), lambda farm: rows.agent_row(farm, call.now, call.switches))


# --- which batches


def _batches_of(call: Call) -> SimFarm:
    if call.switches.batches != 200:
        raise Refused(call.switches.batches, "Cannot access batches")
    return call.farm()


def _shown(call: Call, farm: SimFarm, oldest: datetime | None) -> list[SimBatch]:
    """Newest first; none that is still to come, nor any created before `oldest`."""
    known = reversed(call.sim.by_farm[farm.id])
    young = takewhile(lambda batch: oldest is None or batch.created_at >= oldest, known)
    return [batch for batch in young if batch.created_at <= call.now]


def _allowed(said: dict[str, Any] | None, value: str) -> bool:
    return said is None or (value == said.get("eq", value) and value in said.get("in", [value]))


def _oldest(said: dict[str, str] | None) -> datetime | None:
    bounds = [_moment(said[sign]) for sign in ("gt", "gte", "eq") if sign in said] if said is not None else []
    return max(bounds, default=None)


def _in_time(said: dict[str, str] | None, at: datetime) -> bool:
    compare = {"eq": at.__eq__, "gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return said is None or all(compare[sign](_moment(bound)) for sign, bound in said.items() if sign in compare)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "created_at must be an ISO 8601 time") from None
    if at.tzinfo is None:
        raise Refused(400, "created_at must carry an offset")
    return at


GET: dict[str, Endpoint] = {
    "/farms": farms,
    "/agents": agents,
    "/farms/{farm}/miner/latest": miners,
    "/farms/{farm}/miners/{miner}/tasks": miner_tasks,
    "/farms/{farm}/tasks/batches": list_batches,
    "/farms/{farm}/tasks/batches/{batch}": one_batch,
}
POST: dict[str, Endpoint] = {"/farms/{farm}/tasks/search": search_batches}
