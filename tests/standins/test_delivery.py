"""The delivery loop over real connections, in hurried time: waits are obeyed, and no channel waits for another."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from apprise.plugins.slack import NotifySlack

from tests.notify.test_deliver import MemoryOutbox
from tests.standins import plays, slack
from tests.standins.hostile import alerts
from tests.standins.plays import Play
from tests.standins.script import Script
from watcher.model.times import Millis
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.deliver import Deliverer
from watcher.notify.targets import Channel
from watcher.notify.worker import Means

NOW = datetime(2026, 11, 23, 22, 6, tzinfo=UTC)
MESSAGE = next(alerts(1))


class Hurried:
    """Time that goes `factor` times as fast as the wall's."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._began = time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._factor

    def now(self) -> Millis:
        return 1_795_471_560_000 + round(self.monotonic() * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)


def channel(name: str, url: str, spacing: float = 0.0) -> Channel:
    return Channel(name, open_targets(name, [url]), spacing)


def delivered(channels: list[Channel], clock: Hurried, until: Callable[[], bool], copies: int = 1) -> MemoryOutbox:
    """What is in the outbox when `until` says so, at most ten real seconds later."""
    outbox = MemoryOutbox()
    for number in range(copies):
        for one in channels:
            outbox.add(one.targets[0], replace(MESSAGE, id=f"m{number}"))

    async def story() -> None:
        stop = asyncio.Event()
        means = Means(outbox, AppriseSender(2.0), clock, UTC, clock.sleep, Random(1))
        running = asyncio.ensure_future(Deliverer(channels, means).run(stop))
        async with asyncio.timeout(10):
            while not until():  # noqa: ASYNC110 - the servers' threads know of no event of this loop
                await asyncio.sleep(0.005)
        stop.set()
        await running

    asyncio.run(story())
    return outbox


@pytest.mark.parametrize(
    "busy",
    [
        lambda: plays.busy(7),
        lambda: plays.busy(20, 503),
        lambda: plays.busy_until(NOW, 12),
        lambda: plays.busy(9, 429, b'{"ok": false, "parameters": {"retry_after": 3}}'),
    ],
    ids=["429 with seconds", "503 with seconds", "429 with a date", "a header and a shorter body"],
)
def test_nothing_is_asked_inside_a_retry_after(busy: Callable[[], Play]) -> None:
    clock = Hurried(20)
    with Script(busy(), busy(), plays.answer(200, b"ok"), clock=clock.monotonic) as server:
        ops = channel("ops", f"json://127.0.0.1:{server.port}/hook")
        outbox = delivered([ops], clock, lambda: len(server.ledger) >= 4, copies=2)
    assert server.early() == []
    assert [kept.state for kept in outbox.kept] == ["sent", "sent"]


def test_slack_s_pace_is_kept_by_waiting_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Hurried(10)
    with slack.Stand(allowed=None, clock=clock.monotonic) as stand:
        monkeypatch.setattr(NotifySlack, "webhook_url", stand.url)
        delivered([channel("ops", slack.APPRISE_URL)], clock, lambda: len(stand.received) == 4, copies=4)
    times = [message.at for message in stand.received]
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
    assert len(stand.refused) <= 4


def test_a_channel_that_hangs_holds_up_no_other() -> None:
    clock = Hurried(1)
    with ExitStack() as stack:
        hanging = stack.enter_context(Script(plays.hang()))
        others = [stack.enter_context(Script(clock=clock.monotonic)) for _ in range(2)]
        channels = [
            channel(f"c{number}", f"json://127.0.0.1:{server.port}/hook?rto=1", spacing=0.1)
            for number, server in enumerate((hanging, *others))
        ]
        began = clock.monotonic()
        outbox = delivered(channels, clock, lambda: all(len(server.ledger) == 5 for server in others), copies=5)
    assert all(asked.at - began < 1 for server in others for asked in server.ledger)
    assert {kept.state for kept in outbox.kept if kept.row.channel != "c0"} == {"sent"}
    assert {kept.state for kept in outbox.kept if kept.row.channel == "c0"} == {"waiting"}
