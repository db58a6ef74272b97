"""Where every request waits for its place in the budget, and is turned back while the API wants to be left alone.
Nobody passes it any other way, so looks that run at once cannot hammer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random

from watcher.errors import ApiRefused, ApiThrottled
from watcher.nonce.budget import Budget
from watcher.nonce.pace import Pace


class Gate:
    """Lets requests out one after another.

    It keeps the waits that the API demands, by a 429 or a 401. How to treat an API that is down is up to the
    caller, as are a 403 and a 404: they concern what was asked for.

    Args:
        on_spend: told the time of each request before it goes out; what it raises keeps the request in.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
        on_spend: Callable[[float], object],
    ) -> None:
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep
        self._random = random
        self._on_spend = on_spend
        self._turn = asyncio.Lock()
        self._pace = Pace()
        self._demand: ApiThrottled | ApiRefused | None = None

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the budget, taken until a minute after the request has ended.

        Raises:
            ApiThrottled: the API's wait is not over. Nothing was sent.
            ApiRefused: likewise.
        """
        async with self._turn:
            self._turn_back()
            while (wait := self._budget.wait(self._monotonic())) > 0:
                await self._sleep(wait)
                self._turn_back()
            now = self._monotonic()
            self._on_spend(now)
            self._budget.spend(now)
        try:
            yield
        finally:
            self._budget.settle(self._monotonic())

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Hears how the understanding of a reply ends."""
        try:
            yield
        except (ApiThrottled, ApiRefused) as demand:
            if isinstance(demand, ApiThrottled) or demand.status == 401:
                self._demand = demand
                self._pace = self._pace.after(demand, self._monotonic(), self._random)
            raise
        self._pace = self._pace.after(None, self._monotonic(), self._random)

    def _turn_back(self) -> None:
        rest = self._pace.resume_at - self._monotonic()
        if rest <= 0:
            return
        match self._demand:
            case ApiThrottled():
                raise ApiThrottled(str(self._demand), rest)
            case ApiRefused(status=status):
                raise ApiRefused(str(self._demand), status)
