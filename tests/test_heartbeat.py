"""The dead man's ping: when it goes out, and what is said when it does not arrive."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from watcher.heartbeat import Heartbeat, is_due
from watcher.model.secret import Secret
from watcher.model.times import MINUTE

Logs = list[MutableMapping[str, Any]]


@pytest.mark.parametrize(
    ("now", "beaten_at", "tried_at", "due"),
    [
        (0.0, None, None, True),  # the first one goes out at once
        (59.9, 0.0, 0.0, False),
        (60.0, 0.0, 0.0, True),
        (70.0, 0.0, 60.0, True),  # one that did not arrive is tried again, a little later
        (69.9, 0.0, 60.0, False),
        (69.9, None, 60.0, False),  # also where none ever arrived
        (1e6, 0.0, 0.0, True),
    ],
)
def test_a_ping_is_due(now: float, beaten_at: float | None, tried_at: float | None, due: bool) -> None:
    assert is_due(now, 60.0, beaten_at, tried_at) is due


def test_a_short_interval_is_kept_although_pings_fail() -> None:
    assert not is_due(1.9, 2.0, None, 0.0)
    assert is_due(2.0, 2.0, None, 0.0)


@dataclass
class Listener:
    """Answers each ping with the next status, the last one for ever; None does not answer at all."""

    statuses: list[int | None]
    pings: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readline()).decode():
                while (await reader.readline()).strip():
                    pass
                self.pings.append(" ".join(line.split()[:2]))
                status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                if status is None:
                    await asyncio.sleep(30)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: {self.url}/moved\r\n\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(*statuses: int | None) -> AsyncIterator[Listener]:
    listener = Listener(list(statuses))
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        server.close()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def heart(url: str, clock: Clock, *, deadline: float = 5.0) -> AsyncIterator[Heartbeat]:
    made = Heartbeat(Secret(url), MINUTE, monotonic=clock, deadline=deadline)
    try:
        yield made
    finally:
        await made.aclose()


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> Logs:
    """What a story has logged."""
    with capture_logs() as logs:
        asyncio.run(story())
    return logs


def test_it_pings_the_address_every_so_often() -> None:
    async def story() -> None:
        clock = Clock()
        async with listening(200) as listener, heart(f"{listener.url}/hush?a=b", clock) as one:
            arrived = []
            for _ in range(121):
                arrived.append(await one.beat())
                clock.seconds += 1
            assert [second for second, here in enumerate(arrived) if here] == [0, 60, 120]
            assert listener.pings == ["GET /hush?a=b"] * 3

    assert told(story) == []


def test_a_ping_that_does_not_arrive_is_told_once_and_so_is_its_return() -> None:
    async def story() -> None:
        clock = Clock()
        async with listening(500, 500, 404, 204) as listener, heart(f"{listener.url}/hush", clock) as one:
            arrived = []
            for _ in range(5):
                arrived.append(await one.beat())
                clock.seconds += 10
            assert arrived == [False, False, False, True, False]  # soon again, until one arrives
            assert len(listener.pings) == 4

    logs = told(story)
    assert [(entry["log_level"], entry.get("reason")) for entry in logs] == [
        ("warning", "answered 500"),
        ("warning", "answered 404"),
        ("info", None),
    ]
    assert all(entry["host"] == "127.0.0.1" for entry in logs)
    assert "hush" not in repr(logs)


def test_a_redirect_is_not_followed() -> None:
    async def story() -> None:
        async with listening(302) as listener, heart(f"{listener.url}/hush", Clock()) as one:
            assert not await one.beat()
            assert listener.pings == ["GET /hush"]

    assert [entry["reason"] for entry in told(story)] == ["answered 302"]


def test_silence_is_waited_for_only_so_long() -> None:
    async def story() -> None:
        async with listening(None) as listener, heart(f"{listener.url}/hush", Clock(), deadline=0.05) as one:
            assert not await one.beat()

    assert [entry["reason"] for entry in told(story)] == ["no answer within 0.05 s"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/hush", "ConnectError"),
        ("http://127.0.0.1:port/hush", "InvalidURL"),
        ("http://127.0.0.1/hush\0", "InvalidURL"),
    ],
)
def test_an_address_that_leads_nowhere_stays_a_secret(url: str, reason: str) -> None:
    async def story() -> None:
        async with heart(url, Clock()) as one:
            assert not await one.beat()

    logs = told(story)
    assert [entry["reason"] for entry in logs] == [reason]
    assert "hush" not in repr(logs)


@pytest.mark.parametrize("address", ["http://127.0.0.1/hush", "http://[::1]/hush"])
def test_no_picture_of_it_shows_the_address(address: str) -> None:
    async def story() -> None:
        async with heart(address, Clock()) as one:
            assert "hush" not in f"{one!r} {vars(one)!r}"

    assert told(story) == []
