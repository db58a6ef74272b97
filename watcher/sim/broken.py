"""Answers that are none: what servers, proxies and networks send instead of the API's reply, or make of it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from watcher.sim.replies import Document, envelope

_JSON = "application/json"
_MEGABYTE = b" " * 1_000_000


class Silence(Response):
    """No reply at all, until the client goes."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 0

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def instead(kind: str, drip_seconds: float) -> Response:
    """What something between the client and the API answers.

    Args:
        kind: one of `faults.INSTEAD`.
        drip_seconds: between two bytes of a `drip`.
    """
    match kind:
        case "html":
            return Response("<html><body>Please log in to the Wi-Fi</body></html>", media_type="text/html")
        case "empty":
            return Response(b"", media_type=_JSON)
        case "wrong_type":
            return Response(b"\x00\x01\x02", media_type="application/octet-stream")
        case "bare_list":
            return JSONResponse([1, "two", None])
        case "empty_list":
            nothing = {"total": 0, "limit": 500, "offset": 0, "hasNext": False, "hasPrevious": False}
            return JSONResponse(envelope([], nothing))
        case "huge":
            return StreamingResponse(_huge(), media_type=_JSON)
        case "gzip_bomb":
            return Response(_bomb(), media_type=_JSON, headers={"Content-Encoding": "gzip"})
        case "drip":
            return StreamingResponse(_drip(drip_seconds), media_type=_JSON)
        case "redirect":
            return RedirectResponse("http://127.0.0.1:9/elsewhere")
        case "hang":
            return Silence()
        case "reset":
            return StreamingResponse(_half(), media_type=_JSON, headers={"Content-Length": "100000"})
        case _:
            raise ValueError(f"no such fault: {kind}")


def distorted(kind: str, document: Document) -> Response:
    """A true reply, spoilt in one of the ways of `faults.DISTORTED`."""
    match kind:
        case "truncated":
            whole = json.dumps(document).encode()
            return Response(whole[: len(whole) // 2], media_type=_JSON)
        case "page_loop":
            return JSONResponse({**document, "pagination": _endless(document.get("pagination") or {})})
        case "odd_fields":
            return JSONResponse({**document, "data": _odd(document["data"]), "servedBy": ["edge", 7]})
        case _:
            raise ValueError(f"no such fault: {kind}")


def _endless(pagination: Document) -> Document:
    """Says that there is always one more page."""
    if "total_pages" in pagination:
        return {**pagination, "total_pages": pagination["page"] + 1}
    return {**pagination, "hasNext": True}


def _odd(data: Any) -> Any:  # noqa: ANN401 - JSON
    """Rows with a word, types and fields that nobody documented; what a row is known by stays."""
    if isinstance(data, list):
        return [_odd(row) for row in data]
    odd = {"status": "paused_by_moon", "payload": 7, "logs": None, "result": "text", "miner": [], "hashrate": "fast"}
    return {**data, **{name: value for name, value in odd.items() if name in data}, "newField": {"a": [1]}}


async def _half() -> AsyncIterator[bytes]:
    """Ends long before its announced length: the connection is gone."""
    yield b'{"success": true, "data": ['


async def _huge() -> AsyncIterator[bytes]:
    for _ in range(256):
        yield _MEGABYTE


@cache
def _bomb() -> bytes:
    """200 MB, as 200 kB."""
    return gzip.compress(_MEGABYTE * 200, compresslevel=9)


async def _drip(seconds: float) -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(seconds)
