"""A night that passes in seconds: the daemon's own loops, a farm over HTTP, and a receiver for each channel, in a
virtual time that stands still while anything is under way. So each message has its moment, the same in every run."""

import asyncio
import heapq
import math
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from random import Random
from textwrap import indent
from typing import TYPE_CHECKING, Any

from tests.stories.conftest import Receiver
from watcher.assembly import Host
from watcher.daemon import Daemon
from watcher.loading import load_all
from watcher.nonce import transport
from watcher.notify.text import BREAK
from watcher.sim import Sim, SimClock, Switches
from watcher.sim.server import SimServer

if TYPE_CHECKING:
    from types import CodeType

REBOOT = "miner.system.reboot"
GRAIN = 5.0
"""Seconds by which time goes on: whoever waits less waits so long."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message, when it came and where."""

    at: datetime
    channel: str
    title: str
    body: str


def passes(night: "Night", story: Callable[["Night"], Coroutine[Any, Any, None]], lines: int = 2) -> str:
    """What is told in it: of each message so many lines below its title."""
    asyncio.run(story(night))
    return told(night.heard, lines)


def told(heard: Iterable[Said], lines: int | None = None) -> str:
    """Every message in order: its time, who got it, its title, and of its body so many lines (None: all but its id)."""
    entries = []
    for (at, title, body), group in groupby(heard, lambda one: (one.at, one.title, _shown(one.body, lines))):
        channels = ", ".join(one.channel for one in group)
        entries.append(f"{at:%a %H:%M:%S}  {channels}: {title}\n{indent(body, '    ')}")
    return "\n\n".join(entries).replace(BREAK, "") + "\n"


def _shown(body: str, lines: int | None) -> str:
    whole = body.split("\n")
    return "\n".join(whole[: lines if lines is not None else -2]).rstrip()


class Night:
    """Args:
    rules: the rule file.
    routes: and whatever else belongs into the configuration.
    began: when the daemon first starts, UTC.
    """

    def __init__(
        self,
        folder: Path,
        rules: str,
        routes: str,
        *,
        channels: Iterable[str] = ("ops",),
        miners: int = 12,
        farms: int = 1,
        began: datetime = datetime(2026, 11, 23, 20, 0, tzinfo=UTC),
    ) -> None:
        self.sim = Sim(farms=farms, miners=miners, seed=4, clock=SimClock(began, scale=0), switches=Switches())
        self.farm = next(iter(self.sim.farms))
        self.heard: list[Said] = []
        self.file = folder / "rules" / "rules.yaml"
        self._receivers = {name: Receiver() for name in channels}
        self._server = SimServer(self.sim)
        self._server.__enter__()
        self._began = began
        self._passed = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self.file.parent.mkdir()
        self.file.write_text(rules)
        self._config = folder / "config.yaml"
        urls = ", ".join(f"{name}: {{url: '{one.url}'}}" for name, one in self._receivers.items())
        self._config.write_text(
            f"nonce: {{base_url: '{self._server.base_url}', workspace: {self.sim.workspace}}}\n"
            f"timezone: UTC\nchannels: {{{urls}}}\n{routes}"
        )

    def close(self) -> None:
        self._server.__exit__(None, None, None)
        for receiver in self._receivers.values():
            receiver.close()

    @property
    def now(self) -> datetime:
        return self.sim.clock.now()

    def miners(self, first: int, number: int) -> list[str]:
        return [miner.id for miner in self.sim.miners(self.farm)[first : first + number]]

    def fails(
        self, place: int, *, ago: float = 20, ends: str = "failed", error: str = "no answer", task: str = REBOOT
    ) -> None:
        """A task that began a minute before its end."""
        (miner,) = self.sim.miners(self.farm)[place : place + 1]
        end = self.now - timedelta(seconds=ago)
        begun = end - timedelta(seconds=60)
        times = {"created": begun - timedelta(seconds=5), "pending": begun, ends: end}
        self.sim.add_raw(miner, task, times, error=None if ends == "succeed" else error)

    def works(self, place: int, *, task: str = REBOOT) -> None:
        """A task that succeeds just so."""
        self.fails(place, ends="succeed", task=task)

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[None]:
        """It runs as long as the block."""
        host = Host(
            {"NONCE_API_KEY": self.sim.switches.api_key},
            wall=lambda: int(self.now.timestamp() * 1000),
            monotonic=lambda: 1000.0 + self._passed,
            sleep=self._sleep,
            random=Random(4),
        )
        daemon = Daemon(self._config, load_all(self._config, host.environ), host)
        running = asyncio.create_task(daemon.run())
        await self._settled()
        try:
            yield
            assert not running.done()
        finally:
            daemon.stop()
            await running

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        due = math.ceil((self._passed + seconds + 0.001) / GRAIN) * GRAIN
        heapq.heappush(self._sleeping, (due, next(self._order), woken))
        await woken

    async def later(self, grain: float = GRAIN, **length: float) -> None:
        """So much time passes, and everything happens that is due in it; in strides of `grain`, for long calm hours."""
        end = self._passed + timedelta(**length).total_seconds()
        while self._passed < end:
            self._move(min(end, self._passed + grain))
            while self._sleeping and self._sleeping[0][0] <= self._passed:
                _, _, woken = heapq.heappop(self._sleeping)
                if not woken.done():
                    woken.set_result(None)
            await self._settled()

    def away(self, **length: float) -> None:
        """Time passes while there is no daemon."""
        self._move(self._passed + timedelta(**length).total_seconds())
        self._sleeping.clear()

    def _move(self, to: float) -> None:
        self.sim.clock.advance(to - self._passed)
        self._passed = to

    async def _settled(self) -> None:
        """Until nobody does anything but wait for time to pass."""
        calm = 0
        while calm < 20:
            under_way = _sends() or any(_asks(task) for task in asyncio.all_tasks())
            calm = 0 if under_way else calm + 1
            await asyncio.sleep(0.001 if under_way else 0)
        for channel, receiver in self._receivers.items():
            self.heard += [Said(self.now, channel, one["title"], one["message"]) for one in receiver.take()]


def _sends() -> bool:
    return any(thread.name == "apprise" for thread in threading.enumerate())


def _asks(task: "asyncio.Task[Any]") -> bool:
    """Whether it waits for an answer over HTTP."""
    coroutine: Any = task.get_coro()
    while coroutine is not None:
        code: CodeType | None = getattr(coroutine, "cr_code", None)
        if code is not None and code.co_filename == transport.__file__:
            return True
        coroutine = getattr(coroutine, "cr_await", None)
    return False
