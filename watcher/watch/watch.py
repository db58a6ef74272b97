"""The watch: look after look in the plan's order, the inventory, and what time alone makes due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

import structlog

from watcher.errors import StoreFailed
from watcher.model.times import DAY, MINUTE, SECOND, Millis
from watcher.model.trouble import Trouble
from watcher.store.store import Store
from watcher.watch.attempt import Attempts, probes_again
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.health import Health
from watcher.watch.inventory import InventoryApi, Wanted, read_inventory, write_inventory
from watcher.watch.moments import Moments
from watcher.watch.plan import Allowance, Choice, Plan, Purpose, Rest, Wishes, choose
from watcher.watch.roster import enrol
from watcher.watch.watermarks import Watermarks
from watcher.watch.workbench import Api as LookApi
from watcher.watch.workbench import Workbench

_log = structlog.get_logger()

_INVENTORY_RETRY: Millis = 5 * MINUTE
_DOUBT_REST: Millis = 10 * MINUTE
"""How soon after the last inventory something unknown may make it be read again."""
_PROBE_EVERY: Millis = DAY
_LONGEST_NAP = 5.0
_SHORTEST_NAP = 0.01


class Api(InventoryApi, LookApi, Protocol):
    pass


@dataclass(frozen=True, slots=True)
class Means:
    """What the watch works with.

    Args:
        strategy: as the configuration has it: auto, batches or miners.
        inventory_every: how often the inventory is read (ms).
        allowance: what the request budget has now.
        spending: told the purpose of the requests that follow.
        stretching: told how often farms are looked at where the budget does not allow what was wished, else None.
        channels: the channels that messages don't get through to: since when, and why.
        changed: called after something was put into the outbox.
        alive: called whenever the loop has finished a step: a look, a refusal, a short wait.
    """

    store: Store
    api: Api
    desk: Desk
    watermarks: Watermarks
    clock: ApiClock
    wanted: Wanted
    wishes: Wishes
    inventory_every: Millis
    allowance: Callable[[], Allowance]
    spending: Callable[[str], object] = lambda _: None
    stretching: Callable[[Millis | None], object] = lambda _: None
    channels: Callable[[Millis], list[Trouble]] = lambda _: []
    strategy: str = "auto"
    learn: bool = True
    changed: Callable[[], object] = lambda: None
    alive: Callable[[], object] = lambda: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Random | None = None


class Watch:
    def __init__(self, means: Means) -> None:
        self.means = means
        clock = means.clock
        self.plan = Plan(means.wishes)
        self.health = Health(clock.now())
        self.bench = Workbench(
            store=means.store,
            api=means.api,
            desk=means.desk,
            plan=self.plan,
            watermarks=means.watermarks,
            clock=clock,
            learn=means.learn,
            forced=means.strategy == "batches",
            only=means.wanted.miners,
            changed=means.changed,
        )
        random = means.random or Random()  # noqa: S311 - spreads retries, guards nothing
        self.attempts = Attempts(self.bench, self.plan, self.health, clock, random, means.sleep)
        self.moments = Moments(
            store=means.store,
            desk=means.desk,
            plan=self.plan,
            health=self.health,
            watermarks=means.watermarks,
            clock=clock,
            allowance=means.allowance,
            channels=means.channels,
            stretching=means.stretching,
            changed=means.changed,
        )
        self._inventory_due: Millis = 0
        self._inventory_at: Millis = 0
        self._taking: asyncio.Future[bool] | None = None
        self._patience: Millis = SECOND

    # --- memory

    def restore(self) -> None:
        """Take everything up from the store.

        Raises:
            StoreFailed: the store can't be written now.
        """
        store = self.means.store
        self.bench.digests.clear()
        self.plan.farms.clear()
        self._enrol()
        self._mind_farms()
        with store.atomic():
            self.means.desk.restore(self.means.clock.now())
        for farm in self.plan.farms.values():
            farm.records = self.means.desk.wanted(farm.id)
            farm.stuck_at = self.means.desk.next_stuck(farm.id)
        self.attempts.stale = False
        self.bench.known_to = store.fleet.last_look()

    def _enrol(self) -> None:
        means = self.means
        enrol(means.store, self.plan, means.watermarks, means.strategy, some_miners=means.wanted.miners is not None)

    def _mind_farms(self) -> None:
        standing = self.means.store.fleet.standing()
        seen = {one.farm.id: one.watermark if one.listed_at is None else one.listed_at for one in standing}
        self.health.watch(seen, self.means.clock.now())

    @property
    def stale(self) -> bool:
        """A commit failed: memory must be taken up from the store before anything else."""
        return self.attempts.stale

    @stale.setter
    def stale(self, value: bool) -> None:
        self.attempts.stale = value

    # --- the loop

    async def run(self, stop: asyncio.Event) -> None:
        """Look, until the stop."""
        try:
            await self._look_on(stop)
        finally:
            if self._taking is not None:
                self._taking.cancel()

    async def _look_on(self, stop: asyncio.Event) -> None:
        means = self.means
        while not stop.is_set():
            means.alive()
            if self.stale:
                await self._mend(stop)
                continue
            now = means.clock.now()
            if now >= max(self._inventory_due, self.plan.resume_at):
                if not self.plan.farms:
                    await self.take_inventory()
                    continue
                self._taking = asyncio.ensure_future(self.take_inventory())
            self._probe(now)
            choice = choose(self.plan, means.allowance(), now)
            if isinstance(choice, Rest):
                due = self._inventory_due if choice.until is None else min(choice.until, self._inventory_due)
                await self._pause(max(due, self.plan.resume_at) - now, stop)
                continue
            means.spending(choice.purpose.value)
            await self.attempts.look(choice)
            self._mind_strangers()

    def _probe(self, now: Millis) -> None:
        """Once a day, find out whether batches that were refused are so still."""
        if self.means.strategy == "miners" or self.means.wanted.miners is not None:
            return
        for farm in self.plan.farms.values():
            if probes_again(farm, now, _PROBE_EVERY):
                self.bench.settle_on(farm, None)

    def _mind_strangers(self) -> None:
        """What the inventory doesn't know, or what it knows and was not found, has it read again, but not too often."""
        if self.bench.strangers or self.attempts.doubtful:
            self._inventory_due = min(self._inventory_due, self._inventory_at + _DOUBT_REST)
            self.bench.strangers = self.attempts.doubtful = False

    async def _mend(self, stop: asyncio.Event) -> None:
        try:
            self.restore()
        except StoreFailed as failure:
            _log.error("the store can't be written", reason=str(failure))
            await self._pause(5 * SECOND, stop)

    async def _pause(self, length: Millis, stop: asyncio.Event) -> None:
        seconds = min(max(length / SECOND, _SHORTEST_NAP), _LONGEST_NAP)
        stopping = asyncio.ensure_future(stop.wait())
        sleeping = asyncio.ensure_future(self.means.sleep(seconds))
        try:
            await asyncio.wait({stopping, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (stopping, sleeping):
                waiting.cancel()

    # --- the inventory

    async def take_inventory(self) -> bool:
        """Which farms and miners there are; whether that could be read."""
        self.means.spending(Purpose.INVENTORY.value)
        now = self.means.clock.now()
        self._inventory_at, self._inventory_due = now, now + self.means.inventory_every
        if await self.attempts.work(self._read_inventory(), Choice(Purpose.INVENTORY)):
            return True
        # With farms known, the watch over them goes on meanwhile.
        wait = _INVENTORY_RETRY if self.plan.farms else self._patience
        self._inventory_due = self.means.clock.now() + wait
        self._patience = min(2 * self._patience, _INVENTORY_RETRY)
        return False

    async def _read_inventory(self) -> None:
        means, store = self.means, self.means.store
        known = {record.farm.id: len(store.fleet.miners(record.farm.id)) for record in store.fleet.farms()}
        inventory = await read_inventory(means.api, means.wanted, known, patient=bool(self.plan.farms))
        now = means.clock.now()
        with store.atomic():
            gone = write_inventory(store, inventory, now)
            for farm_id, miner_id in (*((farm_id, None) for farm_id in gone.farms), *gone.miners):
                means.desk.remove(farm_id, miner_id, now)
            means.desk.take(gone.introduced)
            means.desk.introduce()
            means.desk.judge((), now)
        for farm_id in gone.farms:
            self.plan.farms.pop(farm_id, None)
            means.watermarks.drop(farm_id)
        self._enrol()
        self._mind_farms()
        self.bench.farms_known = inventory.shown
        for farm in self.plan.farms.values():
            farm.refused = farm.id in inventory.refused
        for farm_id, refusal in inventory.refused.items():
            self.health.failed(farm_id, refusal, refused=True)
            self.attempts.doubtful = True
        miners = sum(len(found) for found in inventory.miners.values())
        _log.info("inventory", farms=len(inventory.farms), miners=miners, gone=len(gone.miners))

    # --- what time makes due

    def tick(self) -> None:
        """Say what has become due by time passing.

        Raises:
            StoreFailed: nothing was saved.
        """
        if not self.stale:
            self.moments.tick()

    @property
    def healthy(self) -> bool:
        """Looking, judging, saving and telling all work."""
        return not self.stale and self.moments.healthy
