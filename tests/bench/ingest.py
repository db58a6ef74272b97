"""Ingest and quiet look: 100,000 tasks through parse, diff, log, rules and commit."""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from statistics import median

from tests.bench.pages import LAST, PAGE, fifty_rules, pages
from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.routes import Route, Timers
from watcher.model.miner import Farm, Miner
from watcher.nonce import translate
from watcher.nonce.lenient import Envelope, Reader
from watcher.nonce.shapes import TaskShape
from watcher.rules.load import load_rules
from watcher.rules.tracker import Scope
from watcher.store import rows
from watcher.store.database import open_database
from watcher.store.store import Store
from watcher.store.tasks import _LOG, _UPSERT
from watcher.watch.desk import Desk, Policy
from watcher.watch.ingest import Look, ingest
from watcher.watch.watermarks import Watermarks

TASKS = 100_000
RUNS = 2
FARM = "farm"
READER = Reader(TaskShape, Envelope[TaskShape])


@dataclass
class Watcher:
    store: Store
    desk: Desk
    watermarks: Watermarks

    def look(self, number: int, body: bytes) -> None:
        """What the watch does with one reply, the network left out."""
        miner = f"{number:032x}"
        tasks = tuple(translate.task(row, FARM, miner) for row in READER.read(body).rows)
        last = self.watermarks.of(Scope(FARM, miner))
        with self.store.atomic():
            taken = ingest(self.store, Look(FARM, miner, tasks, LAST, last, 0))
            self.desk.take(taken.changes)
            self.store.fleet.looked(FARM, miner, LAST, taken.active_at)
            moved = self.watermarks.looked(FARM, miner, LAST)
            judged = self.desk.judge([Scope(FARM, miner), *([Scope(FARM), Scope()] if moved else [])], LAST)
            if judged or moved:
                self.desk.speak(LAST)


def watcher(folder: Path, count: int) -> Watcher:
    fifty_rules(folder)
    store = Store(open_database(folder / "state.db"))
    loaded = load_rules(folder).rules
    rules = {rule.name: rule for rule in loaded}
    watermarks = Watermarks()
    miners = [f"{number:032x}" for number in range(count)]
    with store.atomic():
        store.fleet.write_farms([Farm(FARM, "Bench")], [], 0)
        store.fleet.write_miners([Miner(FARM, miner) for miner in miners])
    watermarks.reset(FARM, [(miner, None) for miner in miners])
    board = Board([Route({}, ("ops",), ("rule", "farm"), Timers())], rules, {"ops": Voice("ops")})
    desk = Desk(store, Policy(loaded, {"ops": ["t"]}), board, Composer(rules, store.past, UTC), watermarks)
    return Watcher(store, desk, watermarks)


def floor_of_ingest(folder: Path, bodies: list[bytes]) -> float:
    """Parsing, and the very same rows by bare executemany, committed page by page."""
    prepared = []
    with closing(Store(open_database(folder / "state.db"))) as full:
        connection = full.database.connection
        for number in range(len(bodies)):
            tasks = connection.execute(
                f"SELECT {', '.join(rows.TASK_COLUMNS)} FROM tasks WHERE miner_id = ?", (f"{number:032x}",)
            ).fetchall()
            log = connection.execute(
                f"SELECT {', '.join(rows.TRANSITION_COLUMNS)} FROM transitions WHERE task IN "
                "(SELECT key FROM tasks WHERE miner_id = ?)",
                (f"{number:032x}",),
            ).fetchall()
            prepared.append((tasks, log))
    bare = folder / "floor.db"
    with closing(Store(open_database(bare))) as store:
        began = time.perf_counter()
        for body, (tasks, log) in zip(bodies, prepared, strict=True):
            READER.read(body)
            with store.atomic():
                store.database.connection.executemany(_UPSERT, tasks)
                store.database.connection.executemany(_LOG, log)
        took = time.perf_counter() - began
    bare.unlink()
    return took


def timed(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_run(bodies: list[bytes]) -> tuple[float, float, float]:
    """Ingest and quiet look, each against its floor, and the ingest's tasks a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = watcher(folder, len(bodies))

        def look_at_all() -> None:
            for number, body in enumerate(bodies):
                ours.look(number, body)

        new, quiet = timed(look_at_all), timed(look_at_all)
        parse = timed(lambda: [READER.read(body) for body in bodies])
        ours.store.close()
        return new / floor_of_ingest(folder, bodies), quiet / parse, TASKS / new


def measure() -> Iterator[tuple[str, str, str]]:
    bodies = list(pages(TASKS // PAGE))
    ingests, quiets, speeds = zip(*(one_run(bodies) for _ in range(RUNS)), strict=True)
    yield (
        "Ingest: 100,000 new tasks, 50 rules",
        f"{median(ingests):.2f} × the floor ({median(speeds):,.0f} tasks/s)",
        "≤ 1.5 ×",
    )
    yield "Quiet look: 100,000 known unchanged tasks", f"{median(quiets):.2f} × the parse alone", "≤ 1.3 ×"
