"""Where every request waits for its place in the budget, and is turned back while the API wants to be left alone.
Nobody passes it any other way, so looks that run at once cannot hammer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random

from watcher.errors import ApiRefused, ApiThrottled
from watcher.nonce.budget import Budget
from watcher.nonce.pace import Pace

_PATIENCE = 1.0
"""Seconds after which a patient request looks again whether there is room."""


class Gate:
    """Lets requests out one after another.

    It keeps the waits that the API demands, by a 429 or a 401. How to treat an API that is down is up to the
    caller, as are a 403 and a 404: they concern what was asked for.

    Args:
        on_spend: told the time of each counted request before it goes out; what it raises keeps the request in.
        on_learnt: told the limit that a 429 taught, and whenever it has changed; None when it is as configured.
        learnt: what of it is known already.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
        on_spend: Callable[[float], object],
        on_learnt: Callable[[float | None], object] = lambda _: None,
        learnt: float | None = None,
    ) -> None:
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep
        self._random = random
        self._on_spend = on_spend
        self._on_learnt = on_learnt
        self._told = learnt
        self._turn = asyncio.Lock()
        self._pace = Pace()
        self._demand: ApiThrottled | ApiRefused | None = None

    @asynccontextmanager
    async def place(self, *, counted: bool = True, patient: bool = False) -> AsyncIterator[None]:
        """A place in the budget, taken until a minute after the request has ended.

        Args:
            counted: whether the API counts this request; one that it does not takes no place.
            patient: it leaves half of the places to those that can't wait.

        Raises:
            ApiThrottled: the API's wait is not over. Nothing was sent.
            ApiRefused: likewise.
        """
        if not counted:
            self._turn_back()
            yield
            return
        while patient and self._crowded():
            await self._sleep(_PATIENCE)
        async with self._turn:
            self._turn_back()
            while (wait := self._budget.wait(self._monotonic())) > 0:
                await self._sleep(wait)
                self._turn_back()
            now = self._monotonic()
            self._tell_learnt(now)
            self._on_spend(now)
            self._budget.spend(now)
        try:
            yield
        finally:
            self._budget.settle(self._monotonic())

    def _crowded(self) -> bool:
        """Whether half of the places are taken: what can wait leaves the others to those who can't."""
        left = self._budget.allowance(self._monotonic())
        return left.free <= left.places // 2

    @contextmanager
    def hearing(self, *, counted: bool = True) -> Iterator[None]:
        """Hears how the understanding of a reply ends. A 429 for what is not counted teaches no limit."""
        try:
            yield
        except (ApiThrottled, ApiRefused) as demand:
            if isinstance(demand, ApiThrottled) or demand.status == 401:
                now = self._monotonic()
                self._demand = demand
                self._pace = self._pace.after(demand, now, self._random)
                if counted and isinstance(demand, ApiThrottled):
                    self._budget.throttled(now)
                    self._tell_learnt(now)
            raise
        self._pace = self._pace.after(None, self._monotonic(), self._random)

    def _tell_learnt(self, now: float) -> None:
        learnt = self._budget.learnt(now)
        if learnt != self._told:
            self._on_learnt(learnt)
            self._told = learnt

    def _turn_back(self) -> None:
        rest = self._pace.resume_at - self._monotonic()
        if rest <= 0:
            return
        match self._demand:
            case ApiThrottled():
                raise ApiThrottled(str(self._demand), rest)
            case ApiRefused(status=status):
                raise ApiRefused(str(self._demand), status)
