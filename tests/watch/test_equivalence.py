"""Whatever is asked when, and whatever goes wrong: the store ends up with what a watcher that looked
continuously would have seen."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watcher.assembly import Host, Parts, opened
from watcher.loading import load_all
from watcher.logs import configure
from watcher.model.task import Transition, is_final
from watcher.rules.scope import Scope
from watcher.sim import Outcome, Sim, SimClock, SimTask, Switches
from watcher.sim.server import SimServer
from watcher.watch.plan import Choice, Rest, choose

EXAMPLES = 100
START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
COUNTED: Counter[str] = Counter()
NAMES = ("miner.firmware.update", "miner.system.reboot", "miner.odd.word")
FINALS = ("succeed", "succeed", "failed", "timed_out", "cancelled", None)
FAULTS = ("500", "503", "429", "html", "empty", "truncated", "reset", "page_loop", "404", "403")
PATHS = ("/tasks/search", "/tasks/batches", "/miners/", "/miner/latest", "/agents", "")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "row_shape": ("documented", "newer"),
    "page_cap": (1, 3, 10_000),
    "pagination": ("limit", "page"),
    "size_name": ("pageSize", "page_size"),
    "auth": ("both", "x-api-key", "bearer"),
    "batches": (200, 200, 200, 403, 404),
    "from_time_filters": ("created", "updated"),
    "failed_has_timed_out": (True, False),
    "count_name": ("failed_count", "unsuccessful_count"),
    "batch_rows": ("poorest", "newer"),
    "batch_errors": (True, False),
    "times": ("milliseconds", "seconds"),
    "absent": ("null", "left_out"),
    "retry_after": ("none", "seconds", "date"),
    "counts_searches": (True, False),
    "date": (True, True, True, False),
}


@dataclass
class World:
    """One example: a farm, what happens on it, and a watch over it.

    Args:
        hidden: tasks that the API does not show yet, and from when on it does.
        late: every task that was ever hidden.
        marks: each farm's watermark at the last check (ms).
    """

    random: Random
    sim: Sim
    folder: Path
    url: str
    strategy: str
    sweep: str
    hidden: list[tuple[datetime, SimTask]] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    # --- what happens

    def later(self, seconds: float) -> None:
        self.sim.clock.advance(seconds)
        now = self.sim.clock.now()
        for due, task in [one for one in self.hidden if one[0] <= now]:
            self.hidden.remove((due, task))
            self.sim.batches[task.batch_id].tasks.append(task)
            if task.miner_id is not None:
                self.sim.by_miner[task.miner_id].append(task)

    def batch(self, at: datetime) -> None:
        """A few tasks started together, each with a course of its own."""
        random, sim = self.random, self.sim
        farm_id = random.choice(list(sim.farms))
        ids: list[str | None] = [miner.id for miner in sim.miners(farm_id)]
        chosen = random.sample(ids, random.randint(1, len(ids))) if random.random() < 0.85 else [None]
        outcomes = {
            one or "": Outcome(
                random.choice(FINALS),
                random.choice((None, "no answer")),
                runs=random.choice((0.4, 5, 70, 900, 5000)),
                queue=random.choice((0, 2, 300)),
                wait=random.choice((0, 3, 100)),
            )
            for one in chosen
        }
        batch = sim.create_batch(farm_id, random.choice(NAMES), chosen, at, outcomes=outcomes)
        if at > sim.clock.now() - timedelta(seconds=1) and random.random() < 0.2:
            self.seen.add("late")
            for task in batch.tasks[:1]:
                batch.tasks.remove(task)
                if task.miner_id is not None:
                    sim.by_miner[task.miner_id].remove(task)
                self.late.add(task.id)
                self.hidden.append((max(at, sim.clock.now()) + timedelta(seconds=random.randint(1, 200)), task))

    def trouble(self) -> None:
        self.seen.add("faults")
        self.sim.fail_next(self.random.randint(1, 3), self.random.choice(FAULTS), self.random.choice(PATHS))

    # --- the watch

    def host(self) -> Host:
        async def sleep(seconds: float) -> None:
            self.later(seconds)
            await asyncio.sleep(0)

        return Host(
            {"NONCE_API_KEY": "demo"},
            wall=lambda: _millis(self.sim.clock.now()),
            monotonic=lambda: 1000.0 + (self.sim.clock.now() - START).total_seconds(),
            sleep=sleep,
            console=_Deaf(),
        )

    async def watch(self, story: Callable[[Parts], Awaitable[bool]]) -> None:
        """Runs parts of a story, each after a start, until the last says that it is over."""
        config = self.folder / "config.yaml"
        config.write_text(
            f"nonce: {{base_url: '{self.url}', workspace: {self.sim.workspace}, requests_per_minute: 100000}}\n"
            f"poll: {{strategy: {self.strategy}, every: 30s, sweep: {self.sweep}}}\n"
            "rules: rules\n"
        )
        (self.folder / "rules").mkdir(exist_ok=True)
        (self.folder / "rules" / "a.yaml").write_text("rules: [{name: failing, match: {status: failed}}]\n")
        loaded = load_all(config, {"NONCE_API_KEY": "demo"})
        over = False
        while not over:
            async with opened(loaded, self.host()) as parts:
                over = await story(parts)

    async def look(self, parts: Parts, most: int = 60) -> None:
        """What the daemon's loop does until it rests."""
        watch = parts.watch
        for _ in range(most):
            if watch.stale:
                watch.restore()
            now = parts.clock.now()
            if now >= max(watch._inventory_due, watch.plan.resume_at):
                if not await watch.take_inventory() and not watch.plan.farms:
                    return
                continue
            choice = choose(watch.plan, watch.means.allowance(), now)
            if isinstance(choice, Rest):
                return
            await watch.attempts.look(choice)
            watch._mind_strangers()

    async def break_off(self, parts: Parts) -> None:
        """A look is cut off somewhere in the middle, as by a kill."""
        choice = choose(parts.watch.plan, parts.watch.means.allowance(), parts.clock.now())
        if isinstance(choice, Choice):
            looking = asyncio.ensure_future(parts.watch.attempts.look(choice))
            await asyncio.sleep(self.random.random() * 0.006)
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    # --- the claims

    def check_watermarks(self, parts: Parts) -> None:
        """Never back, never ahead of the API, and nothing that the API shows is missing behind one."""
        now = _millis(self.sim.clock.now())
        for farm_id, farm in parts.watch.plan.farms.items():
            mark = parts.watch.means.watermarks.of(Scope(farm_id))
            if mark is None or farm_id not in self.sim.farms:
                continue
            # Looks of one frozen moment are a millisecond apart, so that their order is kept.
            assert self.marks.get(farm_id, 0) <= mark <= now + 500
            self.marks[farm_id] = mark
            if not farm.by_batches:
                continue
            history = {one.id for one in farm.batches.values() if one.history}
            for task in self.sim.tasks.values():
                unread = task.batch_id in history or task.id in self.late
                if task.farm_id != farm_id or unread or task.final is None or not recent(task):
                    continue
                if _millis(task.final[1]) <= mark - 2000:
                    assert self.stored(parts, task)[0] == task.final[0]

    def stored(self, parts: Parts, task: SimTask) -> tuple[str | None, list[Transition]]:
        known = parts.store.tasks.known(task.farm_id, [task.id]).get(task.id)
        if known is None:
            return None, []
        return known.task.status, [one for one in known.transitions if is_final(one.status)]

    def check_all(self, parts: Parts) -> None:
        quiet_since = self.sim.clock.now() - timedelta(minutes=3)
        for task in self.sim.tasks.values():
            farm = parts.watch.plan.farms.get(task.farm_id)
            if farm is None or task.farm_id not in self.sim.farms or not recent(task):
                continue
            if not farm.by_batches and (task.miner_id is None or task.miner_id not in farm.turns):
                continue  # only its batch shows an agent's task, and nobody looks at a miner that is gone
            if farm.by_batches and task.id in self.late and (self.sweep == "0" or task.miner_id not in farm.turns):
                continue  # what a batch showed only after it was over is found by the sweep of its miner
            moments = [task.created_at, task.queuing_at, task.pending_at, task.final[1] if task.final else None]
            if any(at is not None and quiet_since < at for at in moments):
                continue  # the last look may have been just before it
            status, ends = self.stored(parts, task)
            assert status == task.status(self.sim.clock.now()), (task, status)
            self.check_end(task, ends, by_batches=farm.by_batches)

    def check_end(self, task: SimTask, ends: list[Transition], *, by_batches: bool) -> None:
        if task.final is None or not is_final(task.final[0]):
            assert ends == []
            return
        (end,) = ends
        true = _millis(task.final[1])
        if not end.observed:
            exact = true // 1000 * 1000 if self.sim.switches.times == "seconds" else true
            # Two sources may tell it with different precision.
            assert end.at in (exact, true // 1000 * 1000, true)
            return
        told_late = self.sim.switches.row_shape == "newer"
        assert by_batches or told_late, "the documented row of a miner has every time"
        assert (end.since or 0) <= true + 1000
        assert true <= end.at + 4000


def recent(task: SimTask) -> bool:
    """The API tells of no more than a week, or nobody asked for more."""
    return task.created_at > START - timedelta(days=6, hours=20)


class _Deaf:
    async def send(self, _target: object, _text: object) -> Any:
        from watcher.notify.outcome import Outcome as Sent
        from watcher.notify.outcome import Result

        return Sent(Result.SENT, "heard")


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**40))
def test_the_store_holds_what_a_continuous_watcher_would_have_seen(seed: int) -> None:
    configure("critical", "console")
    random = Random(seed)
    chosen = {name: random.choice(options) for name, options in OPTIONS.items()}
    strategy = random.choice(("auto", "auto", "miners", "batches"))
    if strategy == "batches":
        chosen["batches"] = 200
    sim = Sim(
        farms=random.randint(1, 2),
        miners=random.randint(2, 6),
        seed=seed,
        clock=SimClock(START, scale=0),
        switches=Switches(**chosen),
    )
    for name, value in chosen.items():
        COUNTED[f"{name}={value}"] += 1
    COUNTED[f"strategy={strategy}"] += 1
    with tempfile.TemporaryDirectory() as folder, SimServer(sim) as server:
        world = World(random, sim, Path(folder), server.base_url, strategy, random.choice(("0", "60/m")))
        for _ in range(random.randint(0, 6)):
            world.batch(START - timedelta(seconds=random.choice((5, 300, 5000, 90_000, 500_000))))
        steps = random.randint(3, 9)

        async def story(parts: Parts) -> bool:
            nonlocal steps
            while steps > 0:
                steps -= 1
                for _ in range(random.randint(0, 2)):
                    world.batch(sim.clock.now() + timedelta(seconds=random.choice((0, 0.5, 20))))
                if random.random() < 0.35:
                    world.trouble()
                await world.look(parts)
                world.check_watermarks(parts)
                _happen(world)
                world.later(random.choice((1, 9, 30, 75, 400, 1800)))
                if random.random() < 0.2:
                    world.seen.add("restarts")
                    await world.break_off(parts)
                    return False
            sim.faults.clear()
            for _ in range(14):
                world.later(150)
                await world.look(parts, 200)
                world.check_watermarks(parts)
            world.check_all(parts)
            return True

        asyncio.run(world.watch(story))
        COUNTED["examples"] += 1
        COUNTED["disturbed"] += bool(world.seen)
        COUNTED.update(world.seen)


def _happen(world: World) -> None:
    """Now and then something on the farm itself changes."""
    random, sim = world.random, world.sim
    what = random.random()
    if what < 0.06:
        sim.add_miner(random.choice(list(sim.farms)))
    elif what < 0.1:
        farm_id = random.choice(list(sim.farms))
        if len(sim.farms[farm_id].miners) > 2:
            sim.remove_miner(farm_id, random.choice(sim.miners(farm_id)).id)
    elif what < 0.3:
        running = [task for task in sim.tasks.values() if task.status(sim.clock.now()) == "pending"]
        if running:
            sim.finish(random.choice(running), random.choice(("failed", "timed_out", "succeed")))


@pytest.fixture(scope="module", autouse=True)
def _cases() -> Any:
    """The run counts its cases: it fails where it left something out."""
    yield
    if COUNTED["examples"] < EXAMPLES / 2:
        return  # one example was asked for, to look at a failure
    assert COUNTED["disturbed"] >= 0.3 * COUNTED["examples"]
    for name, options in OPTIONS.items():
        for value in options:
            assert COUNTED[f"{name}={value}"] >= 5, (name, value)
    for kind in ("faults", "late", "restarts", "strategy=auto", "strategy=miners", "strategy=batches"):
        assert COUNTED[kind] >= 10, kind
