"""Ingest and quiet look: 100,000 tasks through parse, diff, log, rules and commit."""

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from tests.bench.pages import LAST, PAGE, fifty_rules, pages
from tests.bench.place import READER, MinersOnly, workbench
from watcher.model.look import Reading
from watcher.model.miner import Farm, Miner
from watcher.nonce import translate
from watcher.store import rows
from watcher.store.database import open_database
from watcher.store.store import Store
from watcher.store.tasks import _LOG, _UPSERT
from watcher.watch.look import take_look
from watcher.watch.plan import Choice, Purpose
from watcher.watch.workbench import Workbench

TASKS = 100_000
RUNS = 2
FARM = "farm"


def quiet_place(folder: Path, bodies: list[bytes]) -> Workbench:
    """Miners that were known for long but never looked at; what the API says of the n-th is the n-th body."""
    fifty_rules(folder)
    store = Store(open_database(folder / "state.db"))
    with store.atomic():
        store.fleet.write_farms([Farm(FARM, "Bench")], [], 0)
        store.fleet.write_miners([Miner(FARM, f"{number:032x}") for number in range(len(bodies))])
        store.fleet.set_t0(FARM, 0)

    def read(farm_id: str, miner_id: str) -> Reading:
        rows = READER.read(bodies[int(miner_id, 16)]).rows
        return Reading(tuple(translate.task(row, farm_id, miner_id) for row in rows), LAST)

    return workbench(store, folder, lambda: LAST, MinersOnly(read))


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
        ours = quiet_place(folder, bodies)

        async def look_at_all() -> None:
            for number in range(len(bodies)):
                await take_look(ours, Choice(Purpose.ROUND, FARM, f"{number:032x}"))

        new, quiet = (timed(lambda: asyncio.run(look_at_all())) for _ in range(2))
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
