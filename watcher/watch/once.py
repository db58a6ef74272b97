"""`run --once`: everything is looked at once, then everything new is told."""

from collections.abc import Callable

from watcher.model.times import MINUTE, SECOND, Millis
from watcher.watch.farm import FarmState
from watcher.watch.plan import Choice, Purpose
from watcher.watch.watch import Watch

_MOMENT: Millis = SECOND * 5 // 4
"""The present of a look is a `Date`, cut to its second: so much after a moment, a look is sure to be past it."""
_AHEAD: Millis = MINUTE
"""How far ahead of the API's present something may lie for one look at everything to wait for it."""
_TRIES = 4
_PATIENCE: Millis = 30 * SECOND


async def look_once(watch: Watch, announce: Callable[[int], object]) -> bool:
    """One complete look; says whether all could be read.

    Args:
        announce: told how many requests it will take.
    """
    return await _Once(watch).run(announce)


class _Once:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._desk = watch.means.desk
        self._farms = watch.plan.farms

    async def run(self, announce: Callable[[int], object]) -> bool:
        if not await self._inventory():
            return False
        # One look at everything speaks at its end, so that one trouble is one message.
        self._watch.bench.silent = True
        complete = not any(farm.refused for farm in self._watch.health.farms.values())
        await self._insist(Choice(Purpose.AGENTS))
        for farm in list(self._farms.values()):
            complete = await self._insist(Choice(Purpose.SEARCH, farm.id), farm) and complete
        choices = [choice for farm in self._farms.values() for choice in _everything(farm)]
        announce(len(choices))
        for choice in choices:
            complete = await self._insist(choice) and complete
        complete = await self._records() and complete
        complete = await self._again() and complete
        with self._watch.means.store.atomic():
            now = self._watch.means.clock.now()
            self._desk.judge_all(now)
            self._desk.speak(now, hurry=True)
        return complete

    async def _inventory(self) -> bool:
        for _ in range(_TRIES):
            if await self._watch.take_inventory():
                return True
            if not await self._waited(0):
                return False
        return False

    async def _records(self) -> bool:
        """The full records that the rules wait for."""
        wanted = [(farm.id, miner_id) for farm in self._farms.values() for miner_id in farm.records]
        return all([await self._insist(Choice(Purpose.RECORD, *place)) for place in wanted])

    async def _again(self) -> bool:
        """Where something ended in the seconds that a look's time leaves out: a single look would tell of a
        failure's repair only the next time it is run."""
        now = self._watch.means.clock.now()
        fresh = {scope: at for scope, at in self._desk.unsettled().items() if at <= now + _AHEAD and scope.farm_id}
        if not fresh:
            return True
        await self._watch.means.sleep((max(fresh.values()) + _MOMENT - now) / SECOND)
        complete = True
        for farm in {scope.farm_id: self._farms.get(scope.farm_id or "") for scope in fresh}.values():
            if farm is None:
                continue
            if not farm.by_batches:
                for scope in [one for one in fresh if one.farm_id == farm.id and one.miner_id is not None]:
                    complete = await self._insist(Choice(Purpose.OPEN, farm.id, scope.miner_id)) and complete
                continue
            complete = await self._insist(Choice(Purpose.SEARCH, farm.id), farm) and complete
            for choice in _everything(farm):
                complete = await self._insist(choice) and complete
        return complete

    async def _insist(self, choice: Choice, farm: FarmState | None = None) -> bool:
        if farm is not None and not farm.by_batches:
            return True
        for _ in range(_TRIES):
            self._watch.means.spending(choice.purpose.value)
            if await self._watch.attempts.look(choice):
                return True
            state = self._farms.get(choice.farm_id or "")
            resume_at = 0 if state is None else max(state.resume_at, state.held.get(choice.target or "", 0))
            batch = None if state is None else state.batches.get(choice.target or "")
            if batch is not None:
                resume_at = max(resume_at, batch.resume_at)
            if choice.target is not None and choice.purpose is not Purpose.OPEN and state is not None:
                gone = state.by_batches and batch is None and choice.purpose not in (Purpose.RECORD, Purpose.ROUND)
                if gone:
                    return True
            if not await self._waited(resume_at):
                return False
        return False

    async def _waited(self, until: Millis) -> bool:
        """Wait as long as is asked, if that is bearable."""
        now = self._watch.means.clock.now()
        wait = max(until, self._watch.plan.resume_at) - now
        if self._watch.stale or wait > _PATIENCE:
            return False
        await self._watch.means.sleep(max(wait, SECOND) / SECOND)
        return True


def _everything(farm: FarmState) -> list[Choice]:
    """A farm's batches that are not known up to its last list, or all of its miners."""
    if not farm.by_batches:
        return [Choice(Purpose.ROUND, farm.id, miner_id) for miner_id in farm.turns]
    behind = [one for one in farm.batches.values() if one.read_at is None or one.read_at < (farm.listed_at or 0)]
    newest = sorted(behind, key=lambda one: -(one.created_at or one.listed_at))
    return [Choice(Purpose.NEW if one.read_at is None else Purpose.REREAD, farm.id, one.id) for one in newest]
