"""The simulated fleet as a whole: what tests and scenarios do to it, from any thread."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count
from random import Random
from threading import RLock
from typing import Any
from uuid import UUID

from watcher.sim.behaviour import Behaviour, Course, Outcome, course, usual_payload
from watcher.sim.clock import SimClock
from watcher.sim.faults import Faults
from watcher.sim.fleet import Fleet, SimFarm, SimMiner, make_miner
from watcher.sim.ledger import Ledger, most_within
from watcher.sim.switches import Switches
from watcher.sim.tasks import OPEN, Line, SimBatch, SimTask

__all__ = ["Sim", "most_within"]  # the demo takes the latter from here


class Sim:
    """Farms, miners, tasks and batches behind the API.

    Args:
        fleet: what stands there; generated without one, with `miners` spread over `farms`.
        seed: the same seed and the same calls give the same fleet and the same chances.
        behaviour: how tasks go whose outcome nobody names.
    """

    def __init__(
        self,
        fleet: Fleet | None = None,
        clock: SimClock | None = None,
        switches: Switches | None = None,
        seed: int = 1,
        *,
        farms: int = 1,
        miners: int = 100,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.lock = RLock()
        self.clock = clock if clock is not None else SimClock()
        self.switches = switches if switches is not None else Switches()
        self.behaviour = behaviour if behaviour is not None else Behaviour()
        self.workspace = "org_simulated000000000000000000"
        # Not the fleet's own sequence, or the first batch would have the first farm's id.
        self.random = Random(f"{seed} fate")  # noqa: S311 - a simulation, to be repeatable
        self.fleet = fleet if fleet is not None else Fleet.generate(seed, farms, miners)
        self.tasks: dict[str, SimTask] = {}
        self.by_miner: defaultdict[str, list[SimTask]] = defaultdict(list)
        self.batches: dict[str, SimBatch] = {}
        self.by_farm: defaultdict[str, list[SimBatch]] = defaultdict(list)
        self.requests = Ledger()
        self.faults = Faults()
        self._numbers = count(1)

    # --- the fleet

    @property
    def farms(self) -> dict[str, SimFarm]:
        return self.fleet.farms

    def miners(self, farm_id: str | None = None) -> list[SimMiner]:
        with self.lock:
            return self.fleet.miners(farm_id)

    def add_miner(self, farm_id: str) -> SimMiner:
        with self.lock:
            farm = self.farms[farm_id]
            miner = make_miner(farm, len(farm.miners), self.random)
            farm.miners[miner.id] = miner
            return miner

    def remove_miner(self, farm_id: str, miner_id: str) -> None:
        """Its tasks stay in their batches; of itself the API says 404."""
        with self.lock:
            del self.farms[farm_id].miners[miner_id]

    def remove_farm(self, farm_id: str) -> None:
        with self.lock:
            del self.farms[farm_id]

    # --- its tasks

    def new_batch(
        self,
        farm_id: str,
        name: str,
        created_at: datetime | None = None,
        *,
        payload: dict[str, Any] | None = None,
        actor: str = "user",
    ) -> SimBatch:
        """A batch without tasks yet; `actor` is user, automation or api."""
        with self.lock:
            batch_id = str(UUID(int=self.random.getrandbits(128), version=4))
            at = created_at if created_at is not None else self.clock.now()
            batch = SimBatch(batch_id, farm_id, name, at, payload, actor, f"{actor}:operator")
            self.batches[batch.id] = batch
            insort(self.by_farm[farm_id], batch, key=lambda one: one.created_at)
            return batch

    def create_batch(
        self,
        farm_id: str,
        name: str,
        miner_ids: Iterable[str | None] = (),
        at: datetime | None = None,
        *,
        outcomes: Outcome | Mapping[str, Outcome] | None = None,
        payload: dict[str, Any] | None = None,
        actor: str = "user",
    ) -> SimBatch:
        """Plan a task for each miner.

        Args:
            miner_ids: None stands for the agent itself.
            at: when it is created; now without one, later if it shall come by itself.
            outcomes: of all tasks, or of single miners; otherwise the fleet's behaviour decides.
            payload: what is usual for the name without one.
        """
        with self.lock:
            given = payload if payload is not None else usual_payload(name)
            batch = self.new_batch(farm_id, name, at, payload=given, actor=actor)
            for miner_id in miner_ids:
                outcome = outcomes if isinstance(outcomes, Outcome) else (outcomes or {}).get(miner_id or "")
                if outcome is None:
                    miner = self.farms[farm_id].miners[miner_id] if miner_id is not None else None
                    outcome = self.behaviour.outcome(name, miner, given, self.random)
                self._plan(batch, miner_id, outcome, given)
            return batch

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
        """Plan one task's life; without a batch it becomes one of its own.

        Args:
            created_at: that of its batch without one.
            queue: seconds until an agent takes it.
            wait: seconds in the agent's queue.
            runs: seconds from its beginning to its end; None: it never ends.
            ends: the final status.
        """
        with self.lock:
            own = batch if batch is not None else self.new_batch(miner.farm_id, name, created_at, payload=payload)
            outcome = Outcome(ends if runs is not None else None, error, runs, queue, wait)
            return self._plan(own, miner.id, outcome, payload, created_at)

    def add_agent_task(
        self, farm_id: str, name: str, *, runs: float = 30.0, ends: str = "succeed", error: str | None = None
    ) -> SimTask:
        """An agent's own task, which only its batch shows."""
        return self.create_batch(farm_id, name, [None], outcomes=Outcome(ends, error, runs)).tasks[0]

    def add_raw(
        self,
        miner: SimMiner,
        name: str,
        times: Mapping[str, datetime],
        *,
        error: str | None = None,
        batch: SimBatch | None = None,
        payload: dict[str, Any] | None = None,
        result: Any = None,  # noqa: ANN401 - JSON
        logs: Iterable[Line] | None = None,
    ) -> SimTask:
        """A task with exactly these times, by status; created is among them.

        Args:
            logs: (when, level, message); without any, the lines that its life implies.
        """
        with self.lock:
            own = batch if batch is not None else self.new_batch(miner.farm_id, name, times["created"], payload=payload)
            final = next(((status, at) for status, at in times.items() if status not in OPEN), None)
            life = Course(times["created"], times.get("queuing"), times.get("pending"), final, error)
            return self._put(own, miner.id, name, life, payload, result, logs)

    def _plan(
        self,
        batch: SimBatch,
        miner_id: str | None,
        outcome: Outcome,
        payload: dict[str, Any] | None,
        created_at: datetime | None = None,
    ) -> SimTask:
        created = created_at if created_at is not None else batch.created_at
        life = course(batch.name, outcome, created, self.farms[batch.farm_id], self.random)
        return self._put(batch, miner_id, batch.name, life, payload)

    def _put(
        self,
        batch: SimBatch,
        miner_id: str | None,
        name: str,
        life: Course,
        payload: dict[str, Any] | None,
        result: Any = None,  # noqa: ANN401 - JSON
        logs: Iterable[Line] | None = None,
    ) -> SimTask:
        task = SimTask(
            id=f"task-{next(self._numbers):07d}",
            farm_id=batch.farm_id,
            miner_id=miner_id,
            batch_id=batch.id,
            name=name,
            created_at=life.created_at,
            queuing_at=life.queuing_at,
            pending_at=life.pending_at,
            final=life.final,
            error=life.error,
            payload=payload,
            result=result,
            logs=tuple(logs) if logs is not None else None,
            created_by=batch.created_by,
        )
        self.tasks[task.id] = task
        batch.tasks.append(task)
        if miner_id is not None:
            insort(self.by_miner[miner_id], task, key=lambda one: one.created_at)
        return task

    def finish(self, task: SimTask, status: str, at: datetime | None = None, *, error: str | None = None) -> None:
        """End a task now, or at a time, whatever was planned."""
        with self.lock:
            task.end(status, at if at is not None else self.clock.now(), error)

    # --- its troubles

    def fail_next(self, count: int, kind: str, path_contains: str = "") -> None:
        """The next requests whose path has this text go wrong, in one of `faults.KINDS` or with a status."""
        with self.lock:
            self.faults.plan(count, kind, path_contains)

    def busiest_minute(self) -> int:
        """The most requests (those answered 429 apart) in any 60 real seconds."""
        return self.requests.busiest(60.0)
