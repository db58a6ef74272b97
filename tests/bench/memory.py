"""Memory: the daemon's parts on a store of a million tasks, through a day of polling 10,000 miners."""

import asyncio
import json
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from watcher.logs import configure

MINERS = 10_000
TASKS = 1_000_000
LOOKS = 90 * 60 * 24
"""As many as the budget allows in a day."""


def measure() -> Iterator[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "tests.bench.memory", "fill", folder], check=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory", "watch", folder], check=True, capture_output=True, text=True
        )
    said = json.loads(done.stdout)
    yield (
        "Memory: 10,000 miners, 1,000,000 tasks stored, a day of looks",
        f"peak {said['peak']:.0f} MB; {said['early']:.0f} MB after 1,000 looks, {said['late']:.0f} MB at the end",
        "≤ 120 MB, flat",
    )


def fill(folder: Path) -> None:
    """The store as it would be after three months."""
    from watcher.model.miner import Farm, Miner
    from watcher.model.times import DAY, SECOND
    from watcher.store.database import open_database
    from watcher.store.store import Store

    now = 1_772_000_000_000
    store = Store(open_database(folder / "state.db"))
    store.database.connection.execute("PRAGMA synchronous = OFF")
    with store.atomic():
        store.fleet.write_farms([Farm("f", "Bench")], [], 0)
        store.fleet.write_miners([Miner("f", f"{n:032x}", model="Antminer S19", ip="10.0.0.1") for n in range(MINERS)])
        for n in range(MINERS):
            store.fleet.looked("f", f"{n:032x}", now, now - DAY)
        store.fleet.set_t0("f", now - 90 * DAY)
        tasks, log = [], []
        for key in range(1, TASKS + 1):
            at = now - 90 * DAY + key * 90 * DAY // TASKS - 300 * SECOND
            final = "failed" if key % 25 == 0 else "succeed"
            miner = f"{key * 7919 % MINERS:032x}"
            end = at + 60 * SECOND
            tasks.append(
                (key, "f", f"task-{key:08d}", miner, "b", "miner.system.reboot", final, at, at, at + 3000)
                + ((None, end) if final == "failed" else (end, None))
            )
            log += [(key, "created", at, at, 0), (key, "pending", at + 3000, at, 0), (key, final, end, end, 0)]
            if key % 50_000 == 0:
                store.database.connection.executemany(
                    "INSERT INTO tasks (key, farm_id, id, miner_id, batch_id, name, status, created_at, queuing_at, "
                    "pending_at, succeed_at, failed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    tasks,
                )
                store.database.connection.executemany(
                    "INSERT INTO transitions (task, status, at, observed_at, observed) VALUES (?, ?, ?, ?, ?)", log
                )
                tasks, log = [], []
    store.close()


def watch(folder: Path) -> None:
    """A day of looks, one miner at a time; every hundredth brings a new failure."""
    from tests.bench.place import MinersOnly, workbench
    from watcher.model.look import Reading
    from watcher.model.task import Task
    from watcher.model.times import MINUTE, SECOND
    from watcher.notify import apprise_adapter
    from watcher.pack import pack_folder
    from watcher.store.database import open_database
    from watcher.store.store import Store
    from watcher.watch.look import take_look
    from watcher.watch.plan import Allowance, Choice, choose

    assert apprise_adapter  # the daemon has it loaded too
    store = Store(open_database(folder / "state.db"))
    now = 1_772_000_000_000
    number = 0

    def read(farm_id: str, miner_id: str) -> Reading:
        tasks: tuple[Task, ...] = ()
        if number % 100 == 0:
            times = {"created": now - 60_000, "pending": now - 50_000, "failed": now - 1000}
            tasks = (Task(farm_id, f"new-{number}", "miner.system.reboot", "failed", miner_id, "b", times),)
        return Reading(tasks, now)

    bench = workbench(store, pack_folder(), lambda: now, MinersOnly(read))
    early = 0.0

    async def day() -> None:
        nonlocal now, number, early
        for number in range(LOOKS):
            now += SECOND * 2 // 3
            choice = choose(bench.plan, Allowance(90, 90, MINUTE), now)
            if isinstance(choice, Choice):
                bench.plan.sent(choice, now)
                await take_look(bench, choice)
            if number == 1000:
                early = resident()

    asyncio.run(day())
    peak = highest()
    sys.stdout.write(json.dumps({"early": early, "late": resident(), "peak": peak}))


def highest() -> float:
    """MB of this process at its largest; ru_maxrss would have that of the parent."""
    high = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(high.group(1)) / 1024 if high else 0.0


def resident() -> float:
    """MB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


if __name__ == "__main__":
    configure("error", "json")
    {"fill": fill, "watch": watch}[sys.argv[1]](Path(sys.argv[2]))
