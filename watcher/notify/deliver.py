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
        self._workers = [Worker(channel, means) for channel in channels]

    def wake(self) -> None:
        """Rows have been added."""
        for worker in self._workers:
            worker.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until the stop; the messages then in flight are finished first."""
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.run(stop))

    async def drain(self) -> int:
        """Tries each due row once (`--once`) and says how many rows are left.

        A Retry-After up to 30 s is obeyed, with one more try. A row that is not delivered holds those behind
        it, for they would overtake it.
        """
        return sum(await asyncio.gather(*(worker.drain() for worker in self._workers)))
