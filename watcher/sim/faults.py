"""Answers that are none: what servers, proxies and networks send instead of the API's reply."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

KINDS = (
    "reset",
    "page_loop",
    "odd_fields",
    "html",
    "empty",
    "truncated",
    "wrong_type",
    "huge",
    "gzip_bomb",
    "drip",
    "hang",
    "redirect",
    "empty_list",
)

_NAMES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error in the documented shape."""
    name = _NAMES.get(status, "Internal Server Error")
    return JSONResponse({"statusCode": status, "message": message, "error": name}, status, headers)


async def faulty(kind: str) -> Response:
    """The answer of one kind of fault; a number is a status."""
    if kind.isdigit():
        return error(int(kind), "simulated fault")
    match kind:
        case "html":
            return Response("<html><body>Please log in to the Wi-Fi</body></html>", media_type="text/html")
        case "empty":
            return Response(b"", media_type="application/json")
        case "truncated":
            return Response(b'{"success": true, "data": [{"id": "t', media_type="application/json")
        case "wrong_type":
            return Response(b"\x00\x01\x02", media_type="application/octet-stream")
        case "huge":
            return StreamingResponse(_huge(), media_type="application/json")
        case "gzip_bomb":
            body = gzip.compress(b" " * 200_000_000, 9)
            return Response(body, media_type="application/json", headers={"Content-Encoding": "gzip"})
        case "drip":
            return StreamingResponse(_drip(), media_type="application/json")
        case "hang":
            await asyncio.sleep(3600)
            return Response()
        case "reset":
            return StreamingResponse(_broken(), media_type="application/json", headers={"Content-Length": "100000"})
        case "page_loop":
            return JSONResponse(envelope([_ROW], {"total": 99, "limit": 1, "offset": 0, "hasNext": True}))
        case "odd_fields":
            return JSONResponse(envelope([_ODD], {"total": 1, "limit": 500, "offset": 0, "hasNext": False}))
        case "redirect":
            return RedirectResponse("http://127.0.0.1:9/elsewhere")
        case "empty_list":
            return JSONResponse(envelope([], {"total": 0, "limit": 500, "offset": 0, "hasNext": False}))
        case _:
            raise ValueError(f"no such fault: {kind}")


def envelope(data: Any, pagination: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A success in the documented shape."""
    paged = {} if pagination is None else {"pagination": pagination}
    return {"success": True, "data": data, **paged, "error": None}


_ROW = {"id": "the same again", "name": "miner.log.get", "status": "succeed", "createdAt": "2026-01-01T00:00:00Z"}
_ODD = {
    "id": "odd",
    "name": "miner.log.get",
    "status": "paused",
    "createdAt": 12.5,
    "logs": "none",
    "miner": [],
    "x": 1,
}


async def _broken() -> AsyncIterator[bytes]:
    """A body that ends long before its announced length: the connection is gone."""
    yield b'{"success": true, "data": ['


async def _huge() -> AsyncIterator[bytes]:
    for _ in range(4096):
        yield b" " * 65536


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(3600):
        yield b" "
        await asyncio.sleep(1)
