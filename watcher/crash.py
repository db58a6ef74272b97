"""Where the process dies on request, for tests alone: NONCE_WATCHER_CRASH_AT=POINT:N kills it (SIGKILL) when it comes
to the point for the N-th time. `decided`: messages are in the open transaction; `committed`: it is committed; `begun`:
an attempt is on record, nothing has left; `answered`: the service has answered, and nobody wrote it down; `marked`."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from watcher.notify.outbox import Outbox, Row
from watcher.notify.outcome import Outcome
from watcher.notify.sender import Sender
from watcher.notify.targets import Target
from watcher.notify.text import Text
from watcher.store.database import Database
from watcher.store.store import Store

VARIABLE = "NONCE_WATCHER_CRASH_AT"
POINTS = ("decided", "committed", "begun", "answered", "marked")

Reach = Callable[[str], None]


def crashing(wanted: str) -> Reach:
    """To be told each point that is reached; kills the process at the wanted one."""
    point, _, count = wanted.partition(":")
    if point not in POINTS:
        raise ValueError(f"{VARIABLE}: there is no point {point!r}; there are {', '.join(POINTS)}")
    left = int(count or 1)

    def reached(name: str) -> None:
        nonlocal left
        left -= name == point
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


class CrashingStore(Store):
    def __init__(self, database: Database, reached: Reach) -> None:
        super().__init__(database)
        self.reached = reached
        self._queued = False
        add = self.outbox.add

        def noted(*args: Any, **how: Any) -> int:  # noqa: ANN401 - passed on
            self._queued = True
            return add(*args, **how)

        self.outbox.add = noted  # type: ignore[method-assign]

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self._queued = False
        with super().atomic():
            yield
            if self._queued:
                self.reached("decided")
        if self._queued:
            self.reached("committed")


class CrashingSender:
    def __init__(self, sender: Sender, reached: Reach) -> None:
        self._sender = sender
        self._reached = reached

    async def send(self, target: Target, text: Text) -> Outcome:
        self._reached("begun")
        outcome = await self._sender.send(target, text)
        self._reached("answered")
        return outcome


class CrashingOutbox:
    """All but `finish` is the outbox's own."""

    def __init__(self, outbox: Outbox, reached: Reach) -> None:
        self._outbox = outbox
        self._reached = reached

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed on
        return getattr(self._outbox, name)

    def finish(self, row: Row, outcome: Outcome, then: Any, now: int) -> None:  # noqa: ANN401 - passed on
        self._outbox.finish(row, outcome, then, now)
        self._reached("marked")
