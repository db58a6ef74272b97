"""The watch: inventory, then look after look in the plan's order, each one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

import structlog

from watcher.errors import ApiError, ApiRejected, StoreFailed, StoreUnusable
from watcher.model.look import Reading
from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis, iso
from watcher.nonce.pace import Pace
from watcher.rules.tracker import Scope
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.ingest import Look, ingest
from watcher.watch.inventory import InventoryApi, Wanted, read_inventory, write_inventory
from watcher.watch.plan import Choice, Place, Plan
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_OVERLAP: Millis = HOUR
"""A look asks for what is later than the last one and this much more."""
_REACH: Millis = 7 * DAY - 10 * MINUTE
"""The API refuses what lies more than 7 days back, by its own clock; the margin is for ours."""
_INVENTORY_RETRY: Millis = 5 * MINUTE
_GAP: Millis = 5 * MINUTE
"""What nobody saw for longer than this is spoken of as a gap."""
_LONGEST_NAP = 5.0
_MOMENT: Millis = SECOND * 5 // 4
"""The present of a look is a `Date`, cut to its second: so much after a moment, a look is sure to be past it."""
_AHEAD: Millis = MINUTE
"""How far ahead of the API's present something may lie for one look at everything to wait for it."""
_TRIES = 3
_PATIENCE = 30.0


class Api(InventoryApi, Protocol):
    async def miner_tasks(
        self, farm_id: str, miner_id: str, *, from_time: Millis | None = None, known: bytes | None = None
    ) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What the watch works with.

    Args:
        inventory_every: how often the inventory is read (ms).
        changed: called after something was put into the outbox.
        alive: called whenever the loop has finished a step: a look, a refusal, a short wait.
    """

    store: Store
    api: Api
    desk: Desk
    plan: Plan
    watermarks: Watermarks
    clock: ApiClock
    wanted: Wanted
    inventory_every: Millis
    learn: bool = True
    changed: Callable[[], object] = lambda: None
    alive: Callable[[], object] = lambda: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Random | None = None


class Watch:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._pace = Pace()
        self._random = means.random or Random()  # noqa: S311 - spreads retries, guards nothing
        self._inventory_due: Millis = 0
        self._t0: dict[str, Millis | None] = {}
        self._digests: dict[Place, bytes] = {}
        self._trouble: str | None = None
        self._known_to: Millis | None = None
        self._silent = False
        """One look at everything speaks at its end, so that one trouble is one message."""
        self.stale = False
        """A commit failed: memory must be taken up from the store before anything else."""

    # --- memory

    def restore(self) -> None:
        """Take everything up from the store.

        Raises:
            StoreFailed: the store can't be written now.
        """
        means, store = self._means, self._means.store
        self._digests.clear()
        for record in store.fleet.farms():
            farm_id = record.farm.id
            if record.gone_at is not None:
                continue
            self._t0[farm_id] = record.t0
            self._enrol(farm_id)
        with store.atomic():
            means.desk.restore(means.clock.now())
        self.stale = False
        self._known_to = means.watermarks.of(Scope())

    def _enrol(self, farm_id: str) -> None:
        miners = self._means.store.fleet.miners(farm_id)
        self._means.watermarks.reset(farm_id, [(miner.id, miner.watermark) for miner in miners])
        self._means.plan.reset(
            farm_id,
            [(miner.id, miner.watermark, miner.active_at) for miner in miners],
            self._means.store.tasks.miners_with_open(farm_id),
        )

    # --- loops

    def refresh(self) -> None:
        """Read the inventory again as soon as possible."""
        self._inventory_due = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look, until the stop."""
        while not stop.is_set():
            self._means.alive()
            rest = self._pace.resume_at - self._means.clock.monotonic()
            if rest > 0:
                await self._pause(min(rest, _LONGEST_NAP), stop)
                continue
            if self.stale:
                await self._mend(stop)
                continue
            now = self._means.clock.now()
            if now >= self._inventory_due:
                await self._try(self._take_inventory())
                continue
            choice = self._means.plan.choose(now)
            if choice is None:
                await self._pause(self._time_to_next(now), stop)
                continue
            if not await self._try(self.look(choice.place, choice)):
                self._means.plan.skip(choice.place)

    def _time_to_next(self, now: Millis) -> float:
        due = min(self._means.plan.next_due() or self._inventory_due, self._inventory_due)
        return min(max((due - now) / SECOND, 0.05), _LONGEST_NAP)

    async def _mend(self, stop: asyncio.Event) -> None:
        try:
            self.restore()
        except StoreFailed as failure:
            _log.error("the store can't be written", reason=str(failure))
            await self._pause(5.0, stop)

    async def _try(self, work: Awaitable[object]) -> bool:
        """One piece of work; what goes wrong sets the pace."""
        clock = self._means.clock
        try:
            await work
        except ApiRejected as error:
            self._tell_trouble(error)
            self._inventory_due = min(self._inventory_due, clock.now() + _INVENTORY_RETRY)
            return False
        except ApiError as error:
            self._tell_trouble(error)
            self._pace = self._pace.after(error, clock.monotonic(), self._random)
            return False
        except StoreFailed as failure:
            _log.error("nothing saved", reason=str(failure))
            self.stale = True
            return False
        except StoreUnusable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is told and the others go on
            # One miner's row that nobody foresaw must not stop the watch over all others.
            _log.exception("a look failed unexpectedly")
            self.stale = True
            await self._means.sleep(1.0)
            return False
        if self._trouble is not None:
            _log.info("the API answers again")
            self._trouble = None
        self._pace = self._pace.after(None, clock.monotonic(), self._random)
        return True

    def _tell_trouble(self, error: ApiError) -> None:
        """A repeated error is told when it changes."""
        said = str(error)
        if said != self._trouble:
            self._trouble = said
            _log.error("the API can't be read", reason=said)

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        if seconds <= 0 or stop.is_set():
            return
        stopping = asyncio.ensure_future(stop.wait())
        sleeping = asyncio.ensure_future(self._means.sleep(seconds))
        try:
            await asyncio.wait({stopping, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (stopping, sleeping):
                waiting.cancel()

    # --- one look at everything

    async def once(self, announce: Callable[[int], object]) -> bool:
        """Inventory and every miner once; says whether all could be read.

        Args:
            announce: told how many miners will be looked at.
        """
        if not await self._insist(self._take_inventory):
            return False
        self._silent = True
        places = self._means.plan.places()
        announce(len(places))
        complete = True
        for place in places:
            complete = await self._insist(partial(self.look, place)) and complete
        complete = await self._look_again() and complete
        with self._means.store.atomic():
            now = self._means.clock.now()
            self._means.desk.judge_all(now)
            self._means.desk.speak(now, hurry=True)
        return complete

    async def _look_again(self) -> bool:
        """At the miners that ended something in the seconds that a look's time leaves out: a single look
        would tell of a failure's repair only the next time it is run."""
        now = self._means.clock.now()
        fresh = {
            scope: at for scope, at in self._means.desk.unsettled().items() if at <= now + _AHEAD and scope.miner_id
        }
        if not fresh:
            return True
        await self._means.sleep((max(fresh.values()) + _MOMENT - now) / SECOND)
        places = [(scope.farm_id or "", scope.miner_id or "") for scope in fresh]
        return all([await self._insist(partial(self.look, place)) for place in places])

    async def _insist(self, work: Callable[[], Awaitable[object]]) -> bool:
        for _ in range(_TRIES):
            if await self._try(work()):
                return True
            wait = self._pace.resume_at - self._means.clock.monotonic()
            if self.stale or wait > _PATIENCE:
                return False
            await self._means.sleep(max(wait, 0.0))
        return False

    # --- work

    async def _take_inventory(self) -> None:
        means, store = self._means, self._means.store
        known = {record.farm.id: len(store.fleet.miners(record.farm.id)) for record in store.fleet.farms()}
        inventory = await read_inventory(means.api, means.wanted, known)
        now = means.clock.now()
        with store.atomic():
            gone = write_inventory(store, inventory, now)
            for farm_id, miner_id in (*((farm_id, None) for farm_id in gone.farms), *gone.miners):
                means.desk.remove(farm_id, miner_id, now)
        for farm_id in gone.farms:
            means.plan.drop(farm_id)
            means.watermarks.drop(farm_id)
        for record in store.fleet.farms():
            if record.gone_at is None:
                self._t0[record.farm.id] = record.t0
                self._enrol(record.farm.id)
        self._inventory_due = now + means.inventory_every
        miners = sum(len(found) for found in inventory.miners.values())
        _log.info("inventory", farms=len(inventory.farms), miners=miners, gone=len(gone.miners))

    async def look(self, place: Place, choice: Choice | None = None) -> None:
        """Look at one miner: read, write, judge and speak in one transaction.

        Raises:
            ApiError: the miner could not be read.
            StoreFailed: nothing was saved.
        """
        means, store = self._means, self._means.store
        farm_id, miner_id = place
        last = means.watermarks.of(Scope(farm_id, miner_id))
        start, known = self._from_time(place, last), self._digests.get(place)
        reading = await means.api.miner_tasks(farm_id, miner_id, from_time=start, known=known)
        present = means.clock.seen(reading.date, reading.read_at)
        self._note_gap(present)
        t0 = self._t0.get(farm_id)
        learnt_at = present if t0 is None else t0
        with store.atomic():
            store.fleet.set_t0(farm_id, learnt_at)
            taken = ingest(
                store,
                Look(
                    farm_id,
                    miner_id,
                    reading.tasks,
                    present,
                    last,
                    learnt_at if means.learn else None,
                    unchanged=reading.unchanged,
                ),
            )
            means.desk.take(taken.changes)
            store.fleet.looked(farm_id, miner_id, present, taken.active_at)
            moved = means.watermarks.looked(farm_id, miner_id, present)
            farm_mark = means.watermarks.of(Scope(farm_id))
            if moved and farm_mark is not None:
                store.fleet.set_watermark(farm_id, farm_mark)
            now = means.clock.now()
            scopes = [Scope(farm_id, miner_id), *([Scope(farm_id), Scope()] if moved else [])]
            judged = means.desk.judge(scopes, now)
            spoken = means.desk.speak(now) if (judged or moved) and not self._silent else 0
        self._t0[farm_id] = learnt_at
        if reading.digest is not None and taken.complete:
            self._digests[place] = reading.digest
        means.plan.looked(place, present, has_open=taken.has_open, active_at=taken.active_at)
        if spoken:
            means.changed()
        if taken.changes:
            _log.info(
                "look",
                farm=farm_id,
                miner=miner_id,
                purpose=None if choice is None else choice.purpose.value,
                rows=len(reading.tasks),
                changed=len(taken.changes),
            )

    def _note_gap(self, present: Millis) -> None:
        """The first look after a start tells how long nobody looked."""
        known_to, self._known_to = self._known_to, None
        if known_to is not None and present - known_to > _GAP:
            self._means.desk.unseen = (known_to, present)
            _log.info("nobody looked", since=iso(known_to), until=iso(present))

    def _from_time(self, place: Place, last: Millis | None) -> Millis | None:
        """From when on to ask: whatever the API filters by, nothing that can still change is left out."""
        if last is None:
            return None
        oldest = self._means.store.tasks.oldest_open(*place)
        start = min(last, oldest if oldest is not None else last) - _OVERLAP
        return start if start > self._means.clock.now() - _REACH else None

    def tick(self) -> None:
        """Say what has become due by time passing.

        Raises:
            StoreFailed: nothing was saved.
        """
        now = self._means.clock.now()
        due = self._means.desk.next_due(now)
        if self.stale or not (self._means.desk.postponed or (due is not None and due <= now)):
            return
        with self._means.store.atomic():
            self._means.desk.judge_all(now)
            spoken = self._means.desk.speak(now)
        if spoken:
            self._means.changed()
