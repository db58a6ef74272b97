"""The simulated fleet as a whole: what tests and scenarios do to it, from any thread."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from threading import RLock
from typing import Any

from watcher.sim.clock import SimClock
from watcher.sim.faults import KINDS
from watcher.sim.fleet import SimFarm, SimMiner, generate, make_miner
from watcher.sim.switches import Switches
from watcher.sim.tasks import SimBatch, SimTask


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server saw it; `at` is real monotonic seconds."""

    method: str
    path: str
    status: int
    at: float


class Sim:
    """Farms, miners, tasks and batches behind the API.

    Args:
        farms: how many; `miners` are spread over them.
        seed: the same seed gives the same fleet and the same chances.
    """

    def __init__(
        self,
        *,
        farms: int = 1,
        miners: int = 100,
        seed: int = 1,
        clock: SimClock | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.lock = RLock()
        self.clock = clock if clock is not None else SimClock()
        self.switches = switches if switches is not None else Switches()
        self.workspace = "org_simulated000000000000000000"
        self.random = Random(seed)  # noqa: S311 - a simulation, to be repeatable
        self.farms: dict[str, SimFarm] = {farm.id: farm for farm in generate(seed, farms, miners)}
        self.tasks: dict[str, SimTask] = {}
        self.by_miner: defaultdict[str, list[SimTask]] = defaultdict(list)
        self.batches: dict[str, SimBatch] = {}
        self.requests: list[Request] = []
        self.faults: deque[tuple[str, str]] = deque()

    # --- the fleet

    def miners(self, farm_id: str | None = None) -> list[SimMiner]:
        farms = self.farms.values() if farm_id is None else [self.farms[farm_id]]
        return [miner for farm in farms for miner in farm.miners.values()]

    def add_miner(self, farm_id: str) -> SimMiner:
        with self.lock:
            farm = self.farms[farm_id]
            miner = make_miner(farm_id, len(farm.miners), self.random)
            farm.miners[miner.id] = miner
            return miner

    def remove_miner(self, farm_id: str, miner_id: str) -> None:
        with self.lock:
            del self.farms[farm_id].miners[miner_id]

    def remove_farm(self, farm_id: str) -> None:
        with self.lock:
            del self.farms[farm_id]

    # --- its tasks

    def add_task(
        self,
        miner: SimMiner,
        name: str,
        *,
        created_at: datetime | None = None,
        queue: float = 2.0,
        wait: float = 3.0,
        runs: float | None = 60.0,
        ends: str = "succeed",
        error: str | None = None,
        batch: SimBatch | None = None,
        payload: dict[str, Any] | None = None,
    ) -> SimTask:
        """Plan one task's life.

        Args:
            created_at: now without one.
            queue: seconds until an agent takes it.
            wait: seconds in the agent's queue.
            runs: seconds from its beginning to its end; None: it never ends.
            ends: the final status.
        """
        with self.lock:
            created = created_at if created_at is not None else self.clock.now()
            pending = created + timedelta(seconds=queue + wait)
            times = {"created": created, "queuing": created + timedelta(seconds=queue), "pending": pending}
            if runs is not None:
                times[ends] = pending + timedelta(seconds=runs)
            if not self.farms[miner.farm_id].agent_online:
                times = {"created": created}  # nobody takes it
            return self._put(miner.farm_id, miner, name, times, error, batch, payload)

    def add_agent_task(
        self, farm_id: str, name: str, *, runs: float = 30.0, ends: str = "succeed", error: str | None = None
    ) -> SimTask:
        """An agent's own task, which only its batch shows."""
        with self.lock:
            now = self.clock.now()
            times = {"created": now, "pending": now + timedelta(seconds=1), ends: now + timedelta(seconds=1 + runs)}
            return self._put(farm_id, None, name, times, error, None, None)

    def add_raw(
        self,
        miner: SimMiner,
        name: str,
        times: dict[str, datetime],
        *,
        error: str | None = None,
        batch: SimBatch | None = None,
    ) -> SimTask:
        """A task with exactly these times."""
        with self.lock:
            return self._put(miner.farm_id, miner, name, dict(times), error, batch, None)

    def _put(
        self,
        farm_id: str,
        miner: SimMiner | None,
        name: str,
        times: dict[str, datetime],
        error: str | None,
        batch: SimBatch | None,
        payload: dict[str, Any] | None,
    ) -> SimTask:
        if batch is None:
            batch = self._batch(farm_id, name, times["created"])
        number, miner_id = len(self.tasks) + 1, None if miner is None else miner.id
        task = SimTask(f"task-{number:07d}", farm_id, miner_id, batch.id, name, times, payload or {}, error)
        task.logs.append((times["created"], "info", f"{name} accepted"))
        ended = [at for status, at in times.items() if status in ("failed", "timed_out")]
        if error and ended:
            task.logs.append((ended[0], "error", error))
        self.tasks[task.id] = task
        if miner_id is not None:
            self.by_miner[miner_id].append(task)
        batch.tasks.append(task)
        return task

    def _batch(self, farm_id: str, name: str, created_at: datetime) -> SimBatch:
        batch = SimBatch(f"{self.random.getrandbits(128):032x}", farm_id, name, created_at)
        self.batches[batch.id] = batch
        return batch

    def new_batch(self, farm_id: str, name: str, created_at: datetime | None = None) -> SimBatch:
        with self.lock:
            return self._batch(farm_id, name, created_at if created_at is not None else self.clock.now())

    def finish(self, task: SimTask, status: str, *, at: datetime | None = None, error: str | None = None) -> None:
        """End a task now (or at a time), whatever was planned."""
        with self.lock:
            moment = at if at is not None else self.clock.now()
            task.times = {state: when for state, when in task.times.items() if when <= moment}
            task.times[status] = moment
            task.error = error if error is not None else task.error
            if error:
                task.logs.append((moment, "error", error))

    # --- faults

    def fail_next(self, count: int, kind: str, path_contains: str = "") -> None:
        """The next requests whose path has this text go wrong, in one of `faults.KINDS` or with a status."""
        if not kind.isdigit() and kind not in KINDS:
            raise ValueError(f"no such fault: {kind}")
        with self.lock:
            self.faults.extend([(kind, path_contains)] * count)

    def take_fault(self, path: str) -> str | None:
        with self.lock:
            for fault in self.faults:
                if fault[1] in path:
                    self.faults.remove(fault)
                    return fault[0]
        return None

    def busiest_minute(self) -> int:
        """The most requests (not those refused with 429) in any 60 real seconds."""
        with self.lock:
            moments = sorted(request.at for request in self.requests if request.status != 429)
        return most_within(moments, 60.0)


def most_within(moments: Iterable[float], window: float) -> int:
    most = 0
    recent: deque[float] = deque()
    for at in moments:
        recent.append(at)
        while recent[0] <= at - window:
            recent.popleft()
        most = max(most, len(recent))
    return most
