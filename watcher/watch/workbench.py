"""What every look works with, and how each ends: one transaction in which rules, watermarks and alerts move."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from watcher.model.batch import Agent, BatchReading, Listing
from watcher.model.look import Reading
from watcher.model.subject import TaskChange
from watcher.model.task import Task
from watcher.model.times import MINUTE, Millis, iso
from watcher.rules.scope import Scope
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk
from watcher.watch.farm import FarmState, Strategy
from watcher.watch.ingest import Ingested
from watcher.watch.plan import Plan, Purpose
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_GAP: Millis = 5 * MINUTE
"""What nobody saw for longer than this is spoken of as a gap."""


class Api(Protocol):
    async def miner_tasks(
        self, farm_id: str, miner_id: str, *, from_time: Millis | None = None, known: bytes | None = None
    ) -> Reading: ...

    async def search_batches(self, farm_id: str, *, since: Millis | None) -> Listing: ...

    async def list_batches(self, farm_id: str, *, since: Millis | None) -> Listing: ...

    async def batch(self, farm_id: str, batch_id: str, *, known: bytes | None = None) -> BatchReading: ...

    async def agents(self) -> Sequence[Agent]: ...


@dataclass(slots=True)
class Workbench:
    """What a look works with.

    Args:
        learn: the past before the first contact is learnt, not paged.
        forced: batches are wanted, whatever the API says of them.
        only: of each farm the miners to watch; None for all.
        changed: called after something was put into the outbox.
        silent: nothing is said before everything was looked at.
        digests: of each place's last reply: the same once more is not read again.
        known_to: up to when anybody looked at anything.
        strangers: something named a miner or a farm that the inventory lacks.
        farms_known: every farm that the last inventory showed, watched or not.
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
    digests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    known_to: Millis | None = None
    strangers: bool = False
    farms_known: frozenset[str] = frozenset()

    def present(self, date: Millis | None, read_at: float) -> Millis:
        """The API's present at this look; what was unseen before it is noted."""
        present = self.clock.seen(date, read_at)
        known_to, self.known_to = self.known_to, max(present, self.known_to or present)
        if known_to is not None and present - known_to > _GAP:
            self.desk.unseen = (known_to, present)
            _log.info("nobody looked", since=iso(known_to), until=iso(present))
        return present

    def watches(self, farm: FarmState) -> bool:
        """Whether the farm is still there: an inventory may have come while the request was out."""
        return self.plan.farms.get(farm.id) is farm

    def t0(self, farm: FarmState, present: Millis) -> Millis | None:
        if not self.learn:
            return None
        return present if farm.t0 is None else farm.t0

    def watched(self, farm_id: str, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
        only = self.only
        return tasks if only is None else tuple(task for task in tasks if task.miner_id in only.get(farm_id, ()))

    def mind_strangers(self, farm: FarmState, tasks: Iterable[Task]) -> None:
        if self.only is None:
            unknown = any(task.miner_id is not None and task.miner_id not in farm.turns for task in tasks)
            self.strangers = self.strangers or unknown

    def settle_on(self, farm: FarmState, strategy: Strategy | None) -> None:
        """How the farm's tasks are read from now on; None: to be found out."""
        _log.info("strategy", farm=farm.id, strategy=None if strategy is None else strategy.value)
        farm.strategy, farm.probed_at = strategy, self.clock.now()
        with self.store.atomic():
            self.store.fleet.set_strategy(farm.id, None if strategy is None else strategy.value, farm.probed_at)
        miners = [(miner_id, self.watermarks.own(farm.id, miner_id)) for miner_id in farm.turns]
        known_to = self.watermarks.of(Scope(farm.id))
        self.watermarks.reset(
            farm.id, miners, by_batches=farm.by_batches, known_to=known_to, batches=farm.batches_read()
        )

    def conclude(
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
        self.desk.take(changes)
        mark()
        before = self.store.fleet.watermark(farm.id)
        if farm.by_batches:
            self.watermarks.advance(farm.id, farm.known_to())
        known_to = self.watermarks.of(Scope(farm.id))
        moved = known_to is not None and known_to != before
        if moved and known_to is not None:
            self.store.fleet.set_watermark(farm.id, known_to)
            scopes = [*scopes, Scope(farm.id), Scope()]
        now = self.clock.now()
        judged = self.desk.judge(scopes, now)
        spoken = self.desk.speak(now) if (judged or moved) and not self.silent else 0
        farm.records = self.desk.wanted(farm.id)
        farm.stuck_at = self.desk.next_stuck(farm.id)
        if spoken:
            self.changed()

    def remember(self, place: tuple[str, str], reading: Reading, taken: Ingested, *, keep: bool = True) -> None:
        if not keep:
            self.digests.pop(place, None)
        elif reading.digest is not None and taken.complete:
            self.digests[place] = reading.digest


def tell(farm: str, target: str, purpose: Purpose, rows: int, changes: Sequence[TaskChange]) -> None:
    if changes:
        _log.info("look", farm=farm, target=target, purpose=purpose.value, rows=rows, changed=len(changes))
