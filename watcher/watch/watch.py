"""The watch: look after look in the plan's order, the inventory, and what time alone makes due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

import structlog

from watcher.errors import StoreFailed
from watcher.model.times import DAY, MINUTE, SECOND, Millis
from watcher.model.trouble import Trouble, TroubleKind
from watcher.rules.tracker import Scope
from watcher.store.store import Store
from watcher.watch.attempt import Attempts, probes_again
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.farm import FarmState, Followed, Strategy
from watcher.watch.health import Health, Lag
from watcher.watch.inventory import InventoryApi, Wanted, read_inventory, write_inventory
from watcher.watch.look import Api as LookApi
from watcher.watch.look import Bench, Looker
from watcher.watch.plan import Allowance, Choice, Plan, Purpose, Rest, Wishes, choose, cycle, search_every
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_INVENTORY_RETRY: Millis = 5 * MINUTE
_DOUBT_REST: Millis = 10 * MINUTE
"""How soon after the last inventory something unknown may make it be read again."""
_PROBE_EVERY: Millis = DAY
_LONGEST_NAP = 5.0
_SHORTEST_NAP = 0.01
_CHANNELS_EVERY: Millis = 10 * SECOND
_GAPS_SHOWN: Millis = DAY


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
        bench = Bench(
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
        self.looker = Looker(bench)
        random = means.random or Random()  # noqa: S311 - spreads retries, guards nothing
        self.attempts = Attempts(self.looker, self.plan, self.health, clock, random, means.sleep)
        self._inventory_due: Millis = 0
        self._inventory_at: Millis = 0
        self._taking: asyncio.Future[bool] | None = None
        self._channels: list[Trouble] = []
        self._channels_at: Millis = 0
        self._patience: Millis = SECOND
        self._stretched: Millis | None = None
        self.troubles: list[Trouble] = []
        """What is wrong with the watch itself, as of the last tick."""

    # --- memory

    def restore(self) -> None:
        """Take everything up from the store.

        Raises:
            StoreFailed: the store can't be written now.
        """
        store = self.means.store
        self.looker.digests.clear()
        self.plan.farms.clear()
        for record in store.fleet.standing():
            self._enrol(record.farm.id)
        self._mind_farms()
        with store.atomic():
            self.means.desk.restore(self.means.clock.now())
        for farm in self.plan.farms.values():
            farm.records = self.means.desk.wanted(farm.id)
            farm.stuck_at = self.means.desk.next_stuck(farm.id)
        self.attempts.stale = False
        self.looker.known_to = store.fleet.last_look()

    def _enrol(self, farm_id: str) -> None:
        """A farm with its miners, as the store has them."""
        store = self.means.store
        farm = self.plan.farms.get(farm_id) or self._farm(farm_id)
        self.plan.farms[farm_id] = farm
        miners = store.fleet.miners(farm_id)
        farm.turns.reset(
            [(miner.id, miner.watermark, miner.active_at) for miner in miners], store.tasks.miners_with_open(farm_id)
        )
        self.means.watermarks.reset(
            farm_id,
            [(miner.id, miner.watermark) for miner in miners],
            by_batches=farm.by_batches,
            known_to=store.fleet.watermark(farm_id),
            batches=[(one.id, one.read_at) for one in farm.batches.values() if one.read_at is not None],
        )

    def _farm(self, farm_id: str) -> FarmState:
        record = next(one for one in self.means.store.fleet.standing() if one.farm.id == farm_id)
        strategy = None if record.strategy is None else Strategy(record.strategy)
        if self.means.strategy == "miners" or (self.means.strategy == "auto" and self.means.wanted.miners is not None):
            strategy = Strategy.MINERS
        elif self.means.strategy == "batches" and strategy is Strategy.MINERS:
            strategy = None
        farm = FarmState(
            farm_id, strategy, record.probed_at, record.t0, record.listed_at, agent_status=record.agent_status
        )
        for one in self.means.store.batches.to_read(farm_id):
            batch = one.batch
            over = batch.status != "pending" and record.t0 is not None and (batch.created_at or record.t0) < record.t0
            farm.batches[batch.id] = Followed(
                batch.id,
                batch.created_at,
                one.listed_at,
                one.read_at,
                row=batch,
                history=one.read_at is None and over,
            )
        return farm

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
                self.looker.settle_on(farm, None)

    def _mind_strangers(self) -> None:
        """What the inventory doesn't know, or what it knows and was not found, has it read again, but not too often."""
        if self.looker.strangers or self.attempts.doubtful:
            self._inventory_due = min(self._inventory_due, self._inventory_at + _DOUBT_REST)
            self.looker.strangers = self.attempts.doubtful = False

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
            means.desk.judge((), now)
        for farm_id in gone.farms:
            self.plan.farms.pop(farm_id, None)
            means.watermarks.drop(farm_id)
        for record in store.fleet.standing():
            self._enrol(record.farm.id)
        self._mind_farms()
        self.looker.farms_known = inventory.shown
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
        if self.stale:
            return
        means, now = self.means, self.means.clock.now()
        self.troubles = self._troubles(now)
        self._tell_stretching()
        changes = means.desk.troubled(self.troubles, now) if self.health.settled(now) else []
        left_out = means.watermarks.leave_out(self.health.left_out(now))
        due = means.desk.next_due(now)
        if not (changes or left_out or means.desk.postponed or (due is not None and due <= now)):
            return
        with means.store.atomic():
            means.desk.note_troubles(changes, now)
            if left_out:
                means.desk.judge([Scope()], now)
            means.desk.judge_all(now)
            spoken = means.desk.speak(now)
        if spoken:
            means.changed()

    def _troubles(self, now: Millis) -> list[Trouble]:
        if self.means.clock.take_step():
            self.health.stepped_at = now
        if now - self._channels_at >= _CHANNELS_EVERY:
            self._channels, self._channels_at = self.means.channels(now), now
        gaps = self.means.store.fleet.gaps(now - _GAPS_SHOWN)
        return [*self.health.troubles(now, self.lags(), gaps), *self._channels]

    def _tell_stretching(self) -> None:
        every = search_every(self.plan, self.means.allowance())
        stretched = every if every > self.plan.wishes.every else None
        if stretched != self._stretched:
            self._stretched = stretched
            self.means.stretching(stretched)

    def lags(self) -> dict[str, Lag]:
        """How far each farm is known, and how old that is expected to be at most."""
        allowance = self.means.allowance()
        return {
            farm.id: Lag(self.means.watermarks.of(Scope(farm.id)), cycle(self.plan, farm, allowance))
            for farm in self.plan.farms.values()
        }

    @property
    def healthy(self) -> bool:
        """Looking, judging, saving and telling all work."""
        serious = {TroubleKind.BLIND, TroubleKind.AUTH, TroubleKind.CHANNEL}
        return not self.stale and self.means.clock.told and not any(one.kind in serious for one in self.troubles)
