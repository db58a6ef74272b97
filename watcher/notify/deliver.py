"""The loop that empties the outbox: one worker per channel, so that no channel waits for another."""

import asyncio
from collections.abc import Sequence

from watcher.notify.targets import Channel
from watcher.notify.worker import Means, Worker


class Deliverer:
    """All channels' workers.

    Args:
        channels: those of the configuration, or `console_channel()` alone.
        means: what the workers share.
    """

    def __init__(self, channels: Sequence[Channel], means: Means) -> None:
        self._workers = [Worker(channel, means, self._gave_up) for channel in channels]
        self._given_up = False

    def wake(self) -> None:
        """Rows have been added."""
        for worker in self._workers:
            worker.wake()

    def _gave_up(self) -> None:
        self._given_up = True
        self.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until the stop; the messages then in flight are finished first."""
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.run(stop))

    async def drain(self) -> int:
        """Tries each due row once (`--once`) and says how many rows are left.

        A Retry-After up to 30 s is obeyed, with one more try. A row that is not delivered holds those behind
        it, for they would overtake it. What one channel gave up, its fallback channels are told.
        """
        while True:
            self._given_up = False
            left = sum(await asyncio.gather(*(worker.drain() for worker in self._workers)))
            if not self._given_up:
                return left
