"""One channel's worker: its targets in turn, its `rate` between any two messages."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import tzinfo
from random import Random
from typing import Any, Protocol

import structlog

from watcher.errors import StoreFailed
from watcher.model.times import SECOND, Millis
from watcher.notify.families import rendered
from watcher.notify.outbox import Outbox, Row
from watcher.notify.outcome import Outcome, Result
from watcher.notify.retry import Dead, Retry, next_attempt
from watcher.notify.sender import Sender
from watcher.notify.targets import Channel, Target

_log = structlog.get_logger()

_POISON_TRIES = 3
_STORE_PAUSE = 5.0
_SHORTEST_NAP = 0.05
_LONGEST_NAP = 30.0
"""Commands put rows into the store without waking anybody."""
_PATIENCE = 30.0
"""The longest Retry-After, in seconds, that `drain` waits for."""


class Clock(Protocol):
    def now(self) -> Millis:
        """The present, which does not step while the process runs: retries are due by it."""

    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What all workers share.

    Args:
        outbox: where the rows are.
        sender: what hands a text to a target.
        clock: see `Clock`.
        zone: in which messages show times.
        sleep: waits so many seconds.
        random: spreads the retries.
    """

    outbox: Outbox
    sender: Sender
    clock: Clock
    zone: tzinfo
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Random = field(default_factory=Random)


class Worker:
    """Args:
    gave_up: called after a message was: others may be told instead.
    """

    def __init__(self, channel: Channel, means: Means, gave_up: Callable[[], object] = lambda: None) -> None:
        self._channel = channel
        self._gave_up = gave_up
        self._means = means
        self._rows_added = asyncio.Event()
        self._not_before = means.clock.monotonic()

    def wake(self) -> None:
        self._rows_added.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until the stop; a message in flight is finished first."""
        while not stop.is_set():
            self._rows_added.clear()
            try:
                worked = await self._round(stop)
                nap = 0.0 if worked else max(self._time_to_next(), _SHORTEST_NAP)
            except StoreFailed as failure:
                _log.error("outbox not available", channel=self._channel.name, reason=str(failure))
                await self._wait(_STORE_PAUSE, stop)
            else:
                await self._wait(nap, stop, self._rows_added)

    async def drain(self) -> int:
        """See `Deliverer.drain`, for this channel."""
        for target in self._channel.targets:
            await self._drain(target)
        unfinished = self._means.outbox.unfinished
        return sum(unfinished(target.channel, target.key) for target in self._channel.targets)

    async def _round(self, stop: asyncio.Event) -> bool:
        """One attempt for each target that has a due row; says whether there was one."""
        worked = False
        for target in self._channel.targets:
            if not self._is_due(target):
                continue
            await self._wait(self._pause(), stop)
            row = self._due(target)
            if stop.is_set():
                break
            if row is not None:
                await self._attempt(row, target, stop)
                worked = True
        return worked

    async def _drain(self, target: Target) -> None:
        tried: set[int] = set()
        while (row := self._due(target)) is not None:
            if self._pause() > max(self._channel.spacing, _PATIENCE):
                return
            await self._means.sleep(self._pause())
            outcome, then = await self._attempt(row, target, None)
            if isinstance(then, Retry):
                if row.id in tried or outcome.retry_after is None or outcome.retry_after > _PATIENCE:
                    return
                tried.add(row.id)
                await self._means.sleep(max(0.0, (then.at - self._means.clock.now()) / SECOND))

    def _pause(self) -> float:
        """How long the channel must wait before its next message, in seconds."""
        return max(0.0, self._not_before - self._means.clock.monotonic())

    def _is_due(self, target: Target) -> bool:
        now = self._means.clock.now()
        at = self._means.outbox.next_due(target.channel, target.key, now)
        return at is not None and at <= now

    def _due(self, target: Target) -> Row | None:
        if not self._is_due(target):
            return None
        now = self._means.clock.now()
        self._means.outbox.fold(target.channel, target.key, now)
        return self._means.outbox.due(target.channel, target.key, now)

    async def _attempt(
        self, row: Row, target: Target, stop: asyncio.Event | None
    ) -> tuple[Outcome, Retry | Dead | None]:
        clock = self._means.clock
        began = clock.now()
        self._means.outbox.begin(row, began)
        self._not_before = clock.monotonic() + self._channel.spacing
        outcome = await self._outcome(row, target)
        if outcome.retry_after is not None:  # services count by token, so the whole channel waits
            self._not_before = max(self._not_before, clock.monotonic() + outcome.retry_after)
        now = clock.now()
        first = began if row.first_tried_at is None else row.first_tried_at
        sent = outcome.result is Result.SENT
        then = None
        if not sent:
            random, again = self._means.random, row.may_repeat
            then = next_attempt(row.attempts + 1, first, now, outcome, random, may_repeat=again)
        _tell(row, outcome, then, now)
        await self._record(row, outcome, then, stop)
        if isinstance(then, Dead):
            self._gave_up()
        return outcome, then

    async def _outcome(self, row: Row, target: Target) -> Outcome:
        try:
            text = rendered(row.message, target, self._means.zone, may_repeat=row.may_repeat)
        except Exception as error:  # noqa: BLE001 - a message that cannot be said must not stop those behind it
            last = row.attempts + 1 >= _POISON_TRIES
            reason = f"the message cannot be put into words ({type(error).__name__})"
            return Outcome(Result.PERMANENT if last else Result.PASSING, reason)
        return await self._means.sender.send(target, text)

    async def _record(self, row: Row, outcome: Outcome, then: Retry | Dead | None, stop: asyncio.Event | None) -> None:
        """Writes the result down. What was sent must not be sent again because the disk is full: until the
        stop, the channel waits for it."""
        while True:
            try:
                self._means.outbox.finish(row, outcome, then, self._means.clock.now())
            except StoreFailed as failure:
                if stop is None or stop.is_set():
                    raise
                _log.error("delivery not recorded", channel=row.channel, reason=str(failure))
                await self._wait(_STORE_PAUSE, stop)
            else:
                return

    def _time_to_next(self) -> float:
        outbox, now = self._means.outbox, self._means.clock.now()
        times = [outbox.next_due(target.channel, target.key, now) for target in self._channel.targets]
        return min([*((at - now) / SECOND for at in times if at is not None), _LONGEST_NAP])

    async def _wait(self, seconds: float, *events: asyncio.Event) -> None:
        """Until the time is over or one of the events is set."""
        if seconds > 0:
            await _first(self._sleep(seconds), *(event.wait() for event in events))

    async def _sleep(self, seconds: float) -> None:
        await self._means.sleep(seconds)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(row: Row, outcome: Outcome, then: Retry | Dead | None, now: Millis) -> None:
    log = _log.bind(
        channel=row.channel,
        target=row.target,
        message=row.message.id,
        attempt=row.attempts + 1,
        result=outcome.result.value,
        reason=outcome.reason,
    )
    match then:
        case None:
            log.info("message sent")
        case Retry(at):
            log.warning("message not sent", retry_in=round((at - now) / SECOND, 1))
        case Dead(reason):
            log.error("message given up", verdict=reason)
