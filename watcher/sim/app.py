"""The API's front: routes, key, rate limit, the faults that were ordered, and the ledger of what was asked."""

import json
import math
import time
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watcher.sim.broken import distorted, instead
from watcher.sim.call import Call
from watcher.sim.endpoints import GET, POST, Endpoint
from watcher.sim.faults import DISTORTED
from watcher.sim.ledger import Request
from watcher.sim.rate import SlidingWindow
from watcher.sim.replies import Refused, error
from watcher.sim.sim import Sim


def make_app(sim: Sim) -> Starlette:
    front = _Front(sim)
    tables = (("GET", GET), ("POST", POST))
    routes = [front.route(path, endpoint, method) for method, table in tables for path, endpoint in table.items()]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})


async def _not_routed(_: HttpRequest, failure: Exception) -> Response:
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    return error(status, "No such endpoint")


class _Front:
    def __init__(self, sim: Sim) -> None:
        self._sim = sim
        self._window = SlidingWindow()

    def route(self, path: str, endpoint: Endpoint, method: str) -> Route:
        async def answer(request: HttpRequest) -> Response:
            return self._answer(request, endpoint, await request.body())

        return Route(f"/private-api/v1/{{workspace}}{path}", answer, methods=[method])

    def _answer(self, request: HttpRequest, endpoint: Endpoint, body: bytes) -> Response:
        sim, path = self._sim, request.url.path
        arrived, virtual = time.monotonic(), sim.clock.now()
        with sim.lock:
            try:
                response = self._judged(request, endpoint, body, sim.faults.take(path))
            except Refused as refused:
                response = error(refused.status, str(refused), refused.headers)
        sim.requests.add(Request(request.method, path, response.status_code, arrived, virtual))
        if sim.switches.date:
            response.headers["Date"] = format_datetime(sim.clock.now(), usegmt=True)
        return response

    def _judged(self, request: HttpRequest, endpoint: Endpoint, body: bytes, fault: str | None) -> Response:
        if fault is not None and fault.isdigit():
            raise Refused(int(fault), "simulated fault", self._retry_after(10) if fault == "429" else None)
        if fault is not None and fault not in DISTORTED:
            return instead(fault, self._sim.switches.drip_seconds)
        self._check_rate(request)
        self._check_key(request)
        document = endpoint(self._call(request, body, first_page=fault == "page_loop"))
        return JSONResponse(document) if fault is None else distorted(fault, document)

    def _call(self, request: HttpRequest, body: bytes, *, first_page: bool) -> Call:
        search = request.method == "POST"
        query: dict[str, Any] = _document(body) if search else dict(request.query_params)
        if first_page:
            query["page"] = 1
        size_name = "limit" if search else self._sim.switches.size_name
        return Call(self._sim, request.path_params, query, size_name, self._sim.clock.now())

    def _check_rate(self, request: HttpRequest) -> None:
        switches = self._sim.switches
        if switches.rate_limit is None or (request.method == "POST" and not switches.counts_searches):
            return
        wait = self._window.admit(time.monotonic(), switches.rate_limit, switches.rate_window)
        if wait is not None:
            raise Refused(429, "Rate limit exceeded", self._retry_after(wait))

    def _retry_after(self, seconds: float) -> dict[str, str]:
        match self._sim.switches.retry_after:
            case "seconds":
                return {"Retry-After": str(math.ceil(seconds))}
            case "date":
                at = self._sim.clock.now() + timedelta(seconds=math.ceil(seconds))
                return {"Retry-After": format_datetime(at, usegmt=True)}
            case _:
                return {}

    def _check_key(self, request: HttpRequest) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = {
            "x-api-key": request.headers.get("x-api-key"),
            "bearer": bearer if scheme.lower() == "bearer" else None,
        }
        auth = self._sim.switches.auth
        taken = given.values() if auth == "both" else [given[auth]]
        if self._sim.switches.api_key not in taken:
            raise Refused(401, "Invalid API key")
        if request.path_params["workspace"] != self._sim.workspace:
            raise Refused(403, "This key is not for this workspace")


def _document(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body or b"{}")
    except ValueError:
        raise Refused(400, "The body must be JSON") from None
    if not isinstance(said, dict):
        raise Refused(400, "The body must be an object")
    return said
