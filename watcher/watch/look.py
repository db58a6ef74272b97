"""One look: a request, or a few that belong together, and the one transaction of what they brought."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from watcher.errors import ApiError, ApiRefused, ApiRejected
from watcher.model.batch import Agent, BatchReading, Listing
from watcher.model.look import Reading
from watcher.model.subject import TaskChange
from watcher.model.task import FAILED, TIMED_OUT, Part, Task
from watcher.model.times import DAY, HOUR, MINUTE, Millis, iso
from watcher.rules.tracker import Scope
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.farm import FarmState, Strategy
from watcher.watch.ingest import Ingested, Look, concede, ingest, lost, note_agent
from watcher.watch.plan import Choice, Plan, Purpose
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_OVERLAP: Millis = HOUR
"""A look at a miner asks for what is later than the last one and this much more."""
_REACH: Millis = 7 * DAY - 10 * MINUTE
"""The API refuses what lies more than 7 days back, by its own clock; the margin is for ours."""
_GAP: Millis = 5 * MINUTE
"""What nobody saw for longer than this is spoken of as a gap."""
_SAMPLES = 5
"""So many failures of a batch are asked for their reasons: enough for the commonest."""
_OF_BATCHES = frozenset({Purpose.TROUBLE, Purpose.NEW, Purpose.MOVED, Purpose.STUCK, Purpose.REREAD, Purpose.HISTORY})


class Api(Protocol):
    async def miner_tasks(
        self, farm_id: str, miner_id: str, *, from_time: Millis | None = None, known: bytes | None = None
    ) -> Reading: ...

    async def search_batches(self, farm_id: str, *, since: Millis | None) -> Listing: ...

    async def list_batches(self, farm_id: str, *, since: Millis | None) -> Listing: ...

    async def batch(self, farm_id: str, batch_id: str, *, known: bytes | None = None) -> BatchReading: ...

    async def agents(self) -> Sequence[Agent]: ...


@dataclass(slots=True)
class Bench:
    """What a look works with.

    Args:
        learn: the past before the first contact is learnt, not paged.
        forced: batches are wanted, whatever the API says of them.
        only: of each farm the miners to watch; None for all.
        changed: called after something was put into the outbox.
        silent: nothing is said before everything was looked at.
    """

    store: Store
    api: Api
    desk: Desk
    plan: Plan
    watermarks: Watermarks
    clock: ApiClock
    learn: bool = True
    forced: bool = False
    only: Mapping[str, tuple[str, ...]] | None = None
    changed: Callable[[], object] = lambda: None
    silent: bool = False


@dataclass(slots=True)
class Looker:
    """Takes looks.

    Args:
        digests: of each place's last reply: the same once more is not read again.
        known_to: up to when anybody looked at anything.
        strangers: something named a miner or a farm that the inventory lacks.
        farms_known: every farm that the last inventory showed, watched or not.
    """

    bench: Bench
    digests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    known_to: Millis | None = None
    strangers: bool = False
    farms_known: frozenset[str] = frozenset()

    async def take(self, choice: Choice) -> None:
        """Ask for what was chosen; read, write, judge and speak in one transaction.

        Raises:
            ApiError: it could not be read.
            StoreFailed: nothing was saved.
        """
        if choice.purpose is Purpose.AGENTS:
            await self._agents()
            return
        farm = self.bench.plan.farms[choice.farm_id or ""]
        if choice.purpose is Purpose.SEARCH:
            await self._list(farm)
        elif choice.purpose in _OF_BATCHES:
            await self._read_batch(farm, choice.target or "", choice.purpose)
        else:
            await self._look_at_miner(farm, choice.target or "", choice.purpose)

    # --- batches

    async def _list(self, farm: FarmState) -> None:
        bench, store = self.bench, self.bench.store
        farm.asked_at = bench.clock.now()
        listing = await self._listing(farm, farm.window(bench.clock.now()))
        if listing is None or not self._watches(farm):
            return
        present = self._present(listing.date, listing.read_at)
        t0 = present if farm.t0 is None else farm.t0

        def read_before(batch_id: str) -> bool:
            record = store.batches.record(farm.id, batch_id)
            return record is not None and record.read_at is not None and not record.open

        farm.t0 = t0
        with store.atomic():
            news = farm.listed(listing.batches, present, read_before)
            store.batches.write(news, present)
            store.fleet.set_t0(farm.id, t0)
            store.fleet.set_listed(farm.id, present)
            self._conclude(farm, lost(store, farm.id, present), [])

    async def _listing(self, farm: FarmState, since: Millis) -> Listing | None:
        """By whichever way the API allows; None if by none, and the farm's miners are to be read one by one."""
        api = self.bench.api
        ways = {Strategy.SEARCH: api.search_batches, Strategy.LIST: api.list_batches}
        order = sorted(ways, key=lambda way: way is not farm.strategy) if farm.strategy else list(ways)
        refusal: ApiError | None = None
        for way in order:
            try:
                listing = await ways[way](farm.id, since=since)
            except (ApiRejected, ApiRefused) as error:
                if isinstance(error, ApiRefused) and error.status == 401:
                    raise
                refusal = error
                continue
            if farm.strategy is not way:
                self.settle_on(farm, way)
            return listing
        if refusal is not None and (self.bench.forced or farm.refused):
            raise refusal
        self.settle_on(farm, Strategy.MINERS)
        return None

    def settle_on(self, farm: FarmState, strategy: Strategy | None) -> None:
        """How the farm's tasks are read from now on; None: to be found out."""
        bench = self.bench
        _log.info("strategy", farm=farm.id, strategy=None if strategy is None else strategy.value)
        farm.strategy, farm.probed_at = strategy, bench.clock.now()
        with bench.store.atomic():
            bench.store.fleet.set_strategy(farm.id, None if strategy is None else strategy.value, farm.probed_at)
        miners = [(miner_id, bench.watermarks.own(farm.id, miner_id)) for miner_id in farm.turns]
        known_to = bench.watermarks.of(Scope(farm.id))
        followed = [(one.id, one.read_at) for one in farm.batches.values() if one.read_at is not None]
        bench.watermarks.reset(farm.id, miners, by_batches=farm.by_batches, known_to=known_to, batches=followed)

    async def _read_batch(self, farm: FarmState, batch_id: str, purpose: Purpose) -> None:
        bench, store, place = self.bench, self.bench.store, (farm.id, f"batch/{batch_id}")
        followed = farm.batches[batch_id]
        last = followed.read_at
        reading = await bench.api.batch(farm.id, batch_id, known=self.digests.get(place))
        if not self._watches(farm):
            return
        present = self._present(reading.date, reading.read_at)
        tasks = self._watched(farm.id, reading.tasks)
        with store.atomic():
            taken = ingest(
                store,
                Look(
                    farm.id,
                    None,
                    batch_id,
                    tasks,
                    present,
                    last,
                    self._t0(farm, present),
                    unchanged=reading.unchanged,
                    agent_status=farm.agent_status,
                    seen=lambda task: bench.watermarks.own(farm.id, task.miner_id or ""),
                ),
            )
            if reading.unchanged:
                farm.reread(batch_id, present)
                still_open = True
            else:
                still_open = farm.read(batch_id, tasks, reading.batch, present)
            store.batches.was_read(farm.id, batch_id, present, still_open=still_open)
            mark = partial(bench.watermarks.read, farm.id, batch_id, present, followed=still_open)
            self._conclude(farm, taken.changes, [Scope(farm.id, batch_id=batch_id)], mark)
        self._remember(place, reading, taken, keep=still_open)
        self._sample_reasons(farm, taken.changes)
        self.strangers = self.strangers or self._names_strangers(farm, tasks)
        self._tell(farm.id, batch_id, purpose, len(tasks), taken.changes)

    def _sample_reasons(self, farm: FarmState, changes: Iterable[TaskChange]) -> None:
        """A few failures of a reading that doesn't say why are looked at; the rest are counted without."""
        dumb = [
            change.after.task
            for change in changes
            if change.after.task.status in (FAILED, TIMED_OUT)
            and change.after.task.error is None
            and Part.LOGS in change.after.task.lacks
            and change.after.transitions[-1].baseline is None
        ]
        room = max(0, 4 * _SAMPLES - len(farm.reasons))
        now = self.bench.clock.now()
        for task in dumb[: min(_SAMPLES, room)]:
            if task.miner_id is not None:
                farm.reasons[task.miner_id] = now

    # --- miners

    async def _look_at_miner(self, farm: FarmState, miner_id: str, purpose: Purpose) -> None:
        bench, store, place = self.bench, self.bench.store, (farm.id, miner_id)
        last = bench.watermarks.own(farm.id, miner_id)
        whole = purpose in (Purpose.RECORD, Purpose.REASON) or last is None
        start = None if whole else self._from_time(place, last)
        reading = await bench.api.miner_tasks(
            farm.id, miner_id, from_time=start, known=None if whole else self.digests.get(place)
        )
        if not self._watches(farm):
            return
        present = self._present(reading.date, reading.read_at)
        with store.atomic():
            self._note_lost_history(farm, last, present)
            taken = ingest(
                store,
                Look(
                    farm.id,
                    miner_id,
                    None,
                    reading.tasks,
                    present,
                    last,
                    self._t0(farm, present),
                    unchanged=reading.unchanged,
                    whole=start is None,
                    agent_status=farm.agent_status,
                    seen=lambda task: bench.watermarks.batch(farm.id, task.batch_id),
                ),
            )
            moments = [at for row in reading.tasks for at in row.times.values()]
            active_at = max(moments, default=None)
            store.fleet.set_t0(farm.id, present)
            store.fleet.looked(farm.id, miner_id, present, active_at)
            has_open = store.tasks.oldest_open(farm.id, miner_id) is not None
            farm.t0 = present if farm.t0 is None else farm.t0
            mark = partial(bench.watermarks.looked, farm.id, miner_id, present)
            self._conclude(farm, taken.changes, [Scope(farm.id, miner_id)], mark)
        self._remember(place, reading, taken)
        farm.turns.looked(miner_id, present, has_open=has_open, active_at=active_at)
        farm.reasons.pop(miner_id, None)
        self._tell(farm.id, miner_id, purpose, len(reading.tasks), taken.changes)

    def _from_time(self, place: tuple[str, str], last: Millis | None) -> Millis | None:
        """From when on to ask: whatever the API filters by, nothing that can still change is left out."""
        if last is None:
            return None
        oldest = self.bench.store.tasks.oldest_open(*place)
        start = min(last, oldest if oldest is not None else last) - _OVERLAP
        return start if start > self.bench.clock.now() - _REACH else None

    def _note_lost_history(self, farm: FarmState, last: Millis | None, present: Millis) -> None:
        """What lies beyond the API's reach and was not seen in time, nobody will ever know."""
        if last is None or farm.by_batches or present - last <= 7 * DAY or farm.gap_noted:
            return
        farm.gap_noted = True
        self.bench.store.fleet.add_gap(farm.id, last, present - 7 * DAY, present)
        _log.error("history is out of the API's reach", farm=farm.id, since=iso(last), until=iso(present - 7 * DAY))

    def give_up_on(self, farm: FarmState, miner_id: str) -> None:
        """A miner's own record can't be had: what is known of its tasks is all."""
        store = self.bench.store
        farm.reasons.pop(miner_id, None)
        with store.atomic():
            self._conclude(farm, concede(store, farm.id, miner_id), [])

    def close(self, farm: FarmState, batch_id: str) -> None:
        """A batch is gone: its open tasks are missing from its last reading on."""
        bench, store = self.bench, self.bench.store
        followed = farm.batches.pop(batch_id)
        present = bench.clock.now()
        with store.atomic():
            ingest(store, Look(farm.id, None, batch_id, (), present, followed.read_at, None))
            store.batches.close(farm.id, batch_id)
            mark = partial(bench.watermarks.read, farm.id, batch_id, present, followed=False)
            self._conclude(farm, [], [], mark)

    # --- agents

    async def _agents(self) -> None:
        bench, store = self.bench, self.bench.store
        told: dict[str, list[str]] = {}
        for agent in await bench.api.agents():
            told.setdefault(agent.farm_id, []).append(agent.status)
        self.strangers = self.strangers or (bench.only is None and not told.keys() <= self.farms_known)
        for farm in bench.plan.farms.values():
            statuses = told.get(farm.id)
            # One that is online takes the tasks.
            status = None if not statuses else "online" if "online" in statuses else statuses[0]
            if status == farm.agent_status:
                continue
            _log.info("agent", farm=farm.id, status=status)
            farm.agent_status = status
            with store.atomic():
                store.fleet.set_agent(farm.id, status)
                self._conclude(farm, note_agent(store, farm.id, status), [])

    # --- what all looks share

    def _present(self, date: Millis | None, read_at: float) -> Millis:
        """The API's present at this look; what was unseen before it is noted."""
        present = self.bench.clock.seen(date, read_at)
        known_to, self.known_to = self.known_to, max(present, self.known_to or present)
        if known_to is not None and present - known_to > _GAP:
            self.bench.desk.unseen = (known_to, present)
            _log.info("nobody looked", since=iso(known_to), until=iso(present))
        return present

    def _watches(self, farm: FarmState) -> bool:
        """Whether the farm is still there: an inventory may have come while the request was out."""
        return self.bench.plan.farms.get(farm.id) is farm

    def _t0(self, farm: FarmState, present: Millis) -> Millis | None:
        if not self.bench.learn:
            return None
        return present if farm.t0 is None else farm.t0

    def _watched(self, farm_id: str, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        only = self.bench.only
        return tasks if only is None else tuple(task for task in tasks if task.miner_id in only.get(farm_id, ()))

    def _names_strangers(self, farm: FarmState, tasks: Iterable[Task]) -> bool:
        if self.bench.only is not None:
            return False
        return any(task.miner_id is not None and task.miner_id not in farm.turns for task in tasks)

    def _conclude(
        self,
        farm: FarmState,
        changes: list[TaskChange],
        scopes: list[Scope],
        mark: Callable[[], object] = lambda: None,
    ) -> None:
        """Inside the transaction: the rules learn what changed, the watermarks move, alerts are judged.

        Args:
            mark: moves the watermark of what was read.
        """
        bench, desk = self.bench, self.bench.desk
        desk.take(changes)
        mark()
        before = bench.store.fleet.watermark(farm.id)
        if farm.by_batches:
            bench.watermarks.advance(farm.id, farm.known_to())
        known_to = bench.watermarks.of(Scope(farm.id))
        moved = known_to is not None and known_to != before
        if moved and known_to is not None:
            bench.store.fleet.set_watermark(farm.id, known_to)
            scopes = [*scopes, Scope(farm.id), Scope()]
        now = bench.clock.now()
        judged = desk.judge(scopes, now)
        spoken = desk.speak(now) if (judged or moved) and not bench.silent else 0
        farm.records = desk.wanted(farm.id)
        farm.stuck_at = desk.next_stuck(farm.id)
        if spoken:
            bench.changed()

    def _remember(self, place: tuple[str, str], reading: Reading, taken: Ingested, *, keep: bool = True) -> None:
        if not keep:
            self.digests.pop(place, None)
        elif reading.digest is not None and taken.complete:
            self.digests[place] = reading.digest

    def _tell(self, farm: str, target: str, purpose: Purpose, rows: int, changes: Sequence[TaskChange]) -> None:
        if changes:
            _log.info("look", farm=farm, target=target, purpose=purpose.value, rows=rows, changed=len(changes))
