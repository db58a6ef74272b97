"""One try at a look, and what its failure means: for the target, the farm, or the API as a whole."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import structlog

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled, StoreFailed, StoreUnusable
from watcher.model.times import MINUTE, SECOND, Millis
from watcher.nonce.pace import Pace
from watcher.watch.batches import close_batch
from watcher.watch.clock import ApiClock
from watcher.watch.farm import FarmState, Strategy
from watcher.watch.health import Health
from watcher.watch.look import take_look
from watcher.watch.miners import give_up_on
from watcher.watch.plan import Choice, Plan, Purpose
from watcher.watch.workbench import Workbench

_log = structlog.get_logger()

_REFUSED: Millis = 5 * MINUTE
_FIRST_HOLD: Millis = 5 * SECOND
_LONGEST_HOLD: Millis = 10 * MINUTE
_GONE = (404, 410)
_CERTAIN = 4
"""So often a batch must not be found before it is believed to be gone."""
_COMPLETE = frozenset({Purpose.SEARCH, Purpose.OPEN, Purpose.ACTIVE, Purpose.ROUND})
"""What shows a farm whole, as far as its strategy does."""


@dataclass(slots=True)
class Attempts:
    """Tries, and keeps score.

    Args:
        stale: a commit failed: memory must be taken up from the store before anything else.
        doubtful: the inventory may be wrong: something that it names was not found.
    """

    bench: Workbench
    plan: Plan
    health: Health
    clock: ApiClock
    random: Random
    sleep: Callable[[float], Awaitable[None]]
    stale: bool = False
    doubtful: bool = False
    _pace: Pace = field(default_factory=Pace)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _trouble: str | None = None

    async def look(self, choice: Choice) -> bool:
        """Take a look; whether it worked."""
        farm = self.plan.farms.get(choice.farm_id or "")
        self.plan.sent(choice, self.clock.now())
        if not await self.work(take_look(self.bench, choice), choice, farm):
            return False
        if farm is not None:
            farm.resume_at = 0
            farm.held.pop(choice.target or "", None)
            self._paces.pop(farm.id, None)
        self.health.saw(choice.farm_id, self.clock.now(), complete=choice.purpose in _COMPLETE)
        return True

    async def work(self, work: Awaitable[object], choice: Choice, farm: FarmState | None = None) -> bool:
        """Any piece of work; whatever goes wrong is told, and the others go on.

        Raises:
            StoreUnusable: nothing can go on.
        """
        try:
            await work
        except ApiError as error:
            self._tell(error)
            try:
                self._failed(error, choice, farm)
            except StoreFailed:
                self.stale = True
            return False
        except StoreFailed as failure:
            _log.error("nothing saved", reason=str(failure))
            self.stale = True
            return False
        except StoreUnusable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is told and the others go on
            # One row that nobody foresaw must not stop the watch over all others.
            _log.exception("a look failed unexpectedly", farm=choice.farm_id, target=choice.target)
            self._hold(choice, farm, _LONGEST_HOLD)
            self.stale = True
            return False
        if self._trouble is not None:
            _log.info("the API answers again")
            self._trouble = None
        self._pace = self._pace.after(None, self.clock.monotonic(), self.random)
        return True

    def _failed(self, error: ApiError, choice: Choice, farm: FarmState | None) -> None:
        cause = str(error)
        match error:
            case ApiThrottled():
                self._wait_for_all(error)
            case ApiRefused(status=401):
                self.health.refuse(cause, self.clock.now())
                self.health.failed(None, cause)
                self._wait_for_all(error)
            case ApiRefused() | ApiRejected():
                self._refused(error, choice, farm)
            case _:
                self._unavailable(error, choice, farm)

    def _refused(self, error: ApiRefused | ApiRejected, choice: Choice, farm: FarmState | None) -> None:
        """The request is understood and not answered: asking at once again is of no use."""
        if farm is None:
            return
        self.doubtful = True
        if choice.target is None:
            if farm.strategy is not None:
                self.bench.settle_on(farm, None)
            self.health.failed(farm.id, str(error), refused=isinstance(error, ApiRefused))
            farm.resume_at = self.clock.now() + _REFUSED
            return
        batch = farm.batches.get(choice.target)
        if batch is not None:
            gone = error.status in _GONE
            self._hold(choice, farm, _FIRST_HOLD << batch.failures if gone else _LONGEST_HOLD)
            if gone and batch.failures >= _CERTAIN:
                close_batch(self.bench, farm, batch.id)
            return
        self._hold(choice, farm, _LONGEST_HOLD)
        give_up_on(self.bench, farm, choice.target)
        if not farm.by_batches and self.health.farms[farm.id].seen_at <= (farm.probed_at or 0):
            # Not only its batches are refused, so that says nothing about them.
            self.health.failed(farm.id, str(error), refused=isinstance(error, ApiRefused))
            farm.resume_at = self.clock.now() + _REFUSED
            self.bench.settle_on(farm, None)

    def _unavailable(self, error: ApiError, choice: Choice, farm: FarmState | None) -> None:
        """Passing. A target, a farm that fails again and again waits longer and longer, and holds up no other."""
        now = self.clock.now()
        self.health.failed(choice.farm_id, str(error))
        key = choice.farm_id or ""
        pace = self._paces[key] = self._paces.get(key, Pace()).after(error, self.clock.monotonic(), self.random)
        resume_at = now + int((pace.resume_at - self.clock.monotonic()) * SECOND)
        if farm is None:
            self.plan.agents_at = resume_at
            return
        farm.resume_at = resume_at
        if choice.purpose is Purpose.SEARCH:
            return
        batch = farm.batches.get(choice.target or "")
        failures = 0 if batch is None else batch.failures
        self._hold(choice, farm, min(_FIRST_HOLD << min(failures, 10), _LONGEST_HOLD))

    def _hold(self, choice: Choice, farm: FarmState | None, length: Millis) -> None:
        if farm is None or choice.target is None:
            return
        until = self.clock.now() + length
        batch = farm.batches.get(choice.target)
        if batch is not None:
            batch.failures += 1
            batch.resume_at = until
        else:
            farm.held[choice.target] = until
            farm.turns.skip(choice.target)

    def _wait_for_all(self, error: ApiError) -> None:
        self._pace = self._pace.after(error, self.clock.monotonic(), self.random)
        self.plan.resume_at = self.clock.now() + int((self._pace.resume_at - self.clock.monotonic()) * SECOND)

    def _tell(self, error: ApiError) -> None:
        """A repeated error is told when it changes."""
        said = str(error)
        if said != self._trouble:
            self._trouble = said
            _log.error("the API can't be read", reason=said)


def probes_again(farm: FarmState, now: Millis, every: Millis) -> bool:
    """Whether it is time to find out whether the farm's batches can be read after all."""
    return farm.strategy is Strategy.MINERS and now - (farm.probed_at or 0) >= every
