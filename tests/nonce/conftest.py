import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from watcher.model.secret import Secret
from watcher.nonce.client import ApiSettings, NonceClient

KEY = "canary-9f31c7"


class Clock:
    """Monotonic seconds that pass only in `sleep`."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def answer(
    value: object = None,
    status: int = 200,
    *,
    body: bytes | None = None,
    kind: str = "application/json",
    **headers: str,
) -> bytes:
    """A whole HTTP answer; underscores in the headers' names are hyphens. None leaves a header out."""
    content = json.dumps(value).encode() if body is None else body
    lines = [f"HTTP/1.1 {status} Some Reason", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def page(rows: list[Any], **pagination: Any) -> dict[str, Any]:
    return {"success": True, "data": rows, "pagination": pagination or None, "error": None}


Writes = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Speaks bytes over real TCP: the next answer to each request, the last one for ever."""

    answers: list[bytes | Writes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    port: int = 0
    tasks: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.current_task())
        try:
            while True:
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(reply, bytes):
                    writer.write(reply)
                else:
                    await reply(self.requests[-1], writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            """The client went away, or the test is over."""
        finally:
            writer.transport.abort()


@asynccontextmanager
async def listening(*answers: bytes | Writes, tls: Any = None) -> AsyncIterator[RawServer]:
    raw = RawServer(list(answers))
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for task in raw.tasks:
            task.cancel()
        await asyncio.gather(*raw.tasks)


def client_of(url: str, clock: Clock | None = None, *, key: str = KEY, **more: Any) -> NonceClient:
    """A client of the server at `url`; `more` are settings and arguments alike."""
    clock = clock or Clock()
    names = ("auth", "timeout", "requests_per_minute", "body_cap", "count_searches")
    settings = {name: more.pop(name) for name in names if name in more}
    return NonceClient(
        ApiSettings(url, "org_1", Secret(key), **settings),
        monotonic=clock,
        random=Random(7),
        sleep=clock.sleep,
        **more,
    )


class Kit:
    """What the tests of this folder share; they are no package and cannot import each other."""

    key = KEY
    Clock = Clock
    answer = staticmethod(answer)
    page = staticmethod(page)
    listening = staticmethod(listening)
    client = staticmethod(client_of)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def kit() -> Kit:
    return Kit()
