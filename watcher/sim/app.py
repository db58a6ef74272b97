"""The documented endpoints (2.1 to 2.7) over a simulated fleet; it refuses what the documentation refuses."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watcher.sim import rows
from watcher.sim.faults import envelope, error, faulty
from watcher.sim.sim import Request, Sim, most_within

_WEEK = timedelta(days=7)
_LARGEST_PAGE = 10_000

Handler = Callable[[Sim, HttpRequest], Response]


class Refused(Exception):
    """A request that the API refuses, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def make_app(sim: Sim) -> Starlette:
    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        async def answer(request: HttpRequest) -> Response:
            return await _answered(sim, request, handler)

        return Route(f"/private-api/v1/{{workspace}}{path}", answer, methods=[method])

    return Starlette(
        routes=[
            route("/farms", _farms),
            route("/agents", _agents),
            route("/farms/{farm}/miner/latest", _miners),
            route("/farms/{farm}/miners/{miner}/tasks", _tasks),
            route("/farms/{farm}/tasks/search", _search, "POST"),
            route("/farms/{farm}/tasks/batches", _batches),
            route("/farms/{farm}/tasks/batches/{batch}", _batch),
        ]
    )


async def _answered(sim: Sim, request: HttpRequest, handler: Handler) -> Response:
    if request.method == "POST":
        try:
            request.state.body = await request.json()
        except ValueError:
            return error(400, "the body is not JSON")
        if not isinstance(request.state.body, dict):
            return error(400, "the body is not an object")
    fault = sim.take_fault(request.url.path)
    response = await faulty(fault) if fault is not None else _judged(sim, request, handler)
    with sim.lock:
        sim.requests.append(Request(request.method, request.url.path, response.status_code, time.monotonic()))
    if sim.switches.date:
        response.headers["Date"] = format_datetime(sim.clock.now(), usegmt=True)
    return response


def _judged(sim: Sim, request: HttpRequest, handler: Handler) -> Response:
    with sim.lock:
        try:
            _check_rate(sim, request)
            _check_key(sim, request)
            return handler(sim, request)
        except Refused as refused:
            return error(refused.status, str(refused), _retry_after(sim) if refused.status == 429 else None)


def _check_rate(sim: Sim, request: HttpRequest) -> None:
    limit = sim.switches.rate_limit
    if limit is None or (request.method == "POST" and not sim.switches.counts_searches):
        return
    now = time.monotonic()
    counted = [one.at for one in sim.requests if one.at > now - 60 and one.status != 429]
    if most_within([*counted, now], 60.0) > limit:
        raise Refused(429, "Rate limit exceeded")


def _retry_after(sim: Sim) -> dict[str, str]:
    match sim.switches.retry_after:
        case "seconds":
            return {"Retry-After": "10"}
        case "date":
            return {"Retry-After": format_datetime(sim.clock.now() + timedelta(seconds=10), usegmt=True)}
        case _:
            return {}


def _check_key(sim: Sim, request: HttpRequest) -> None:
    given = {
        "x-api-key": request.headers.get("x-api-key"),
        "bearer": request.headers.get("authorization", "").removeprefix("Bearer ") or None,
    }
    taken = given if sim.switches.auth == "both" else {sim.switches.auth: given[sim.switches.auth]}
    if sim.switches.api_key not in taken.values():
        raise Refused(401, "Invalid API key")
    if request.path_params["workspace"] != sim.workspace:
        raise Refused(403, "This key is not for this workspace")


# --- lists


def _page(sim: Sim, query: Any, found: Sequence[Any], make: Callable[[Any], Any]) -> JSONResponse:  # noqa: ANN401 - query of either method
    number = _whole(query.get("page", 1), "page", 1, None)
    asked = query.get("limit" if isinstance(query, dict) else "pageSize", 10)
    size = min(_whole(asked, "the size of a page", 1, _LARGEST_PAGE), sim.switches.page_cap)
    start = (number - 1) * size
    data = [make(one) for one in found[start : start + size]]
    total = len(found)
    if sim.switches.pagination == "page":
        said: dict[str, Any] = {"total": total, "page": number, "page_size": size, "total_pages": -(-total // size)}
    else:
        more = start + size < total
        said = {"total": total, "limit": size, "offset": start, "hasNext": more, "hasPrevious": start > 0}
    return JSONResponse(envelope(data, said))


def _whole(value: object, name: str, least: int, most: int | None) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise Refused(400, f"{name} must be a whole number") from None
    if number < least or (most is not None and number > most):
        raise Refused(400, f"{name} is out of range")
    return number


def _farms(sim: Sim, request: HttpRequest) -> Response:
    return _page(
        sim,
        request.query_params,
        list(sim.farms.values()),
        lambda farm: {"id": farm.id, "name": farm.name, "workspace_id": sim.workspace},
    )


def _agents(sim: Sim, request: HttpRequest) -> Response:
    def row(farm: Any) -> dict[str, Any]:  # noqa: ANN401 - a SimFarm
        return {
            "id": f"agent-{farm.id}",
            "farm_id": farm.id,
            "farm": {"id": farm.id, "name": farm.name},
            "status": "online" if farm.agent_online else "offline",
            "last_online_at": rows.stamp(sim.clock.now(), sim.switches),
            "version": "1.4.2",
            "host": {},
        }

    return _page(sim, request.query_params, list(sim.farms.values()), row)


def _farm(sim: Sim, request: HttpRequest) -> Any:  # noqa: ANN401 - a SimFarm
    farm = sim.farms.get(request.path_params["farm"])
    if farm is None:
        raise Refused(404, "No such farm")
    return farm


def _miners(sim: Sim, request: HttpRequest) -> Response:
    farm, now = _farm(sim, request), sim.clock.now()
    return _page(
        sim,
        request.query_params,
        list(farm.miners.values()),
        lambda miner: rows.miner_row(miner, farm, now, sim.switches),
    )


def _tasks(sim: Sim, request: HttpRequest) -> Response:
    farm, now, query = _farm(sim, request), sim.clock.now(), request.query_params
    miner = farm.miners.get(request.path_params["miner"])
    if miner is None:
        raise Refused(404, "No such miner")
    start = _moment(query.get("from_time"), now - _WEEK, now)
    end = _moment(query.get("to_time"), now, now)
    found = [
        task
        for task in reversed(sim.by_miner[miner.id])
        if task.times["created"] <= now
        and start <= _compared(task, sim, now) <= end
        and query.get("task_name", task.name) == task.name
        and query.get("status", task.status(now)) == task.status(now)
    ]
    return _page(sim, query, found, lambda task: rows.task_row(task, farm, miner, now, sim.switches))


def _compared(task: Any, sim: Sim, now: datetime) -> datetime:  # noqa: ANN401 - a SimTask
    if sim.switches.from_time_filters == "created":
        created: datetime = task.times["created"]
        return created
    updated: datetime = max(task.shown(now).values(), default=task.times["created"])
    return updated


def _moment(text: str | None, default: datetime, now: datetime) -> datetime:
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "times are ISO 8601") from None
    if at.tzinfo is None:
        raise Refused(400, "times carry an offset")
    if not now - _WEEK <= at <= now:
        raise Refused(400, "from_time and to_time lie within the last 7 days")
    return at


# --- batches


def _check_batches(sim: Sim) -> None:
    if sim.switches.batches != 200:
        raise Refused(sim.switches.batches, "Cannot access batches")


def _shown_batches(sim: Sim, farm_id: str, now: datetime) -> list[Any]:
    found = [batch for batch in sim.batches.values() if batch.farm_id == farm_id and batch.created_at <= now]
    return sorted(found, key=lambda batch: batch.created_at, reverse=True)


def _search(sim: Sim, request: HttpRequest) -> Response:
    _check_batches(sim)
    farm, now, body = _farm(sim, request), sim.clock.now(), request.state.body
    found = [
        batch
        for batch in _shown_batches(sim, farm.id, now)
        if _allowed(body.get("status"), batch.status(now))
        and _allowed(body.get("task_name"), batch.name)
        and _in_time(body.get("created_at"), batch.created_at)
    ]
    return _page(sim, body, found, lambda batch: rows.batch_row(batch, now, sim.switches))


def _allowed(said: dict[str, Any] | None, value: str) -> bool:
    return said is None or (value == said.get("eq", value) and value in said.get("in", [value]))


def _in_time(said: dict[str, str] | None, at: datetime) -> bool:
    compare = {"eq": at.__eq__, "gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return said is None or all(compare[sign](datetime.fromisoformat(bound)) for sign, bound in said.items())


def _batches(sim: Sim, request: HttpRequest) -> Response:
    _check_batches(sim)
    farm, now, query = _farm(sim, request), sim.clock.now(), request.query_params
    found = [batch for batch in _shown_batches(sim, farm.id, now) if query.get("task_name", batch.name) == batch.name]
    return _page(sim, query, found, lambda batch: rows.batch_row(batch, now, sim.switches))


def _batch(sim: Sim, request: HttpRequest) -> Response:
    _check_batches(sim)
    batch, now = sim.batches.get(request.path_params["batch"]), sim.clock.now()
    if batch is None or batch.farm_id != request.path_params["farm"] or batch.created_at > now:
        raise Refused(404, "No such batch")
    data = {
        "batch": {
            "id": batch.id,
            "task_name": batch.name,
            "status": batch.status(now),
            "created_by": None,
            "created_at": rows.stamp(batch.created_at, sim.switches),
        },
        "tasks": [rows.batch_task_row(task, now, sim.switches) for task in batch.tasks],
    }
    return JSONResponse(envelope(data))
