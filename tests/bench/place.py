"""A place to measure looks in: everything that the daemon's watch works with, but for the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.routes import Route, Timers
from watcher.model.batch import Agent, BatchReading, Listing
from watcher.model.look import Reading
from watcher.model.times import SECOND, Millis
from watcher.nonce.lenient import Envelope, Reader
from watcher.nonce.shapes import TaskShape
from watcher.rules.load import load_rules
from watcher.store.store import Store
from watcher.watch.clock import ApiClock
from watcher.watch.desk import Desk, Policy
from watcher.watch.plan import Plan, Wishes
from watcher.watch.roster import enrol
from watcher.watch.watermarks import Watermarks
from watcher.watch.workbench import Workbench

READER = Reader(TaskShape, Envelope[TaskShape])


@dataclass
class MinersOnly:
    """An API that shows tasks miner by miner; what a look brings is made by `read`."""

    read: Callable[[str, str], Reading]

    async def miner_tasks(
        self, farm_id: str, miner_id: str, *, from_time: Millis | None = None, known: bytes | None = None
    ) -> Reading:
        return self.read(farm_id, miner_id)

    async def search_batches(self, farm_id: str, *, since: Millis | None) -> Listing:
        raise NotImplementedError

    async def list_batches(self, farm_id: str, *, since: Millis | None) -> Listing:
        raise NotImplementedError

    async def batch(self, farm_id: str, batch_id: str, *, known: bytes | None = None) -> BatchReading:
        raise NotImplementedError

    async def agents(self) -> Sequence[Agent]:
        return ()


def workbench(store: Store, rules_folder: Path, now: Callable[[], Millis], api: MinersOnly) -> Workbench:
    """On what the store knows, with the rules of a folder and one channel that nobody reads."""
    loaded = load_rules(rules_folder).rules
    rules = {rule.name: rule for rule in loaded}
    watermarks, plan = Watermarks(), Plan(Wishes(30 * SECOND))
    enrol(store, plan, watermarks, "miners", some_miners=False)
    board = Board([Route({}, ("ops",), ("rule", "farm"), Timers())], rules, {"ops": Voice("ops")})
    desk = Desk(store, Policy(loaded, {"ops": ["t"]}), board, Composer(rules, store.past, UTC), watermarks)
    clock = ApiClock(now, lambda: now() / SECOND)
    with store.atomic():
        desk.restore(now())
    return Workbench(store, api, desk, plan, watermarks, clock)
