"""The simulated fleet as a whole: what tests and scenarios do to it, from any thread."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count
from random import Random
from threading import RLock
from typing import Any

from watcher.sim.behaviour import Behaviour, Outcome, course, usual_payload
from watcher.sim.clock import SimClock
from watcher.sim.faults import Faults
from watcher.sim.fleet import Fleet, SimFarm, SimMiner, make_miner
from watcher.sim.ledger import Ledger, most_within
from watcher.sim.switches import Switches
from watcher.sim.tasks import Final, Line, SimBatch, SimTask

__all__ = ["Sim", "most_within"]  # the demo takes the latter from here


class Sim:
    """Farms, miners, tasks and batches behind the API.

    Args:
        farms: how many; `miners` are spread over them. Not looked at where a `fleet` is given.
        seed: the same seed and the same calls give the same fleet and the same chances.
    """

    def __init__(
        self,
        *,
        farms: int = 1,
        miners: int = 100,
        seed: int = 1,
        fleet: Fleet | None = None,
        clock: SimClock | None = None,
        switches: Switches | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.lock = RLock()
        self.clock = clock if clock is not None else SimClock()
        self.switches = switches if switches is not None else Switches()
        self.behaviour = behaviour if behaviour is not None else Behaviour()
        self.workspace = "org_simulated000000000000000000"
        self.random = Random(seed)  # noqa: S311 - a simulation, to be repeatable
        self.fleet = fleet if fleet is not None else Fleet.generate(seed=seed, farms=farms, miners=miners)
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

    def agent_offline(self, farm_id: str, since: datetime | None = None, until: datetime | None = None) -> None:
        """Batches created from here on wait for the farm's agent; tasks already planned go on as planned."""
        with self.lock:
            self.farms[farm_id].agent.outages.append((since or self.clock.now(), until))

    # --- its tasks

    def create_batch(
        self,
        farm_id: str,
        name: str,
        miner_ids: Iterable[str | None] = (),
        *,
        at: datetime | None = None,
        outcomes: Outcome | Mapping[str, Outcome] | None = None,
        payload: dict[str, Any] | None = None,
        actor: str = "user",
    ) -> str:
        """Plan a task for each miner, and return the id of their batch.

        Args:
            miner_ids: None stands for the agent itself.
            at: when it is created; now without one, later if it shall come by itself.
            outcomes: of all tasks, or of single miners; otherwise the fleet's behaviour decides.
            payload: what is usual for the name without one.
            actor: user, automation or api.
        """
        with self.lock:
            created_at = at if at is not None else self.clock.now()
            given = payload if payload is not None else usual_payload(name)
            batch = self._open_batch(farm_id, name, created_at, given, actor)
            for miner_id in miner_ids:
                self._plan(batch, miner_id, outcomes)
            return batch.id

    def _plan(self, batch: SimBatch, miner_id: str | None, outcomes: Outcome | Mapping[str, Outcome] | None) -> None:
        farm, payload = self.farms[batch.farm_id], batch.payload or {}
        outcome = outcomes if isinstance(outcomes, Outcome) else (outcomes or {}).get(miner_id or "")
        if outcome is None:
            miner = farm.miners[miner_id] if miner_id is not None else None
            outcome = self.behaviour.outcome(batch.name, miner, payload, self.random)
        life = course(batch.name, outcome, batch.created_at, farm.agent, self.random)
        self.add_task(
            batch.farm_id,
            miner_id,
            batch.name,
            created_at=batch.created_at,
            queuing_at=life.queuing_at,
            pending_at=life.pending_at,
            final=life.final,
            error=life.error,
            batch_id=batch.id,
            payload=batch.payload,
        )

    def add_task(
        self,
        farm_id: str,
        miner_id: str | None,
        name: str,
        *,
        created_at: datetime | None = None,
        queuing_at: datetime | None = None,
        pending_at: datetime | None = None,
        final: Final | None = None,
        error: str | None = None,
        result: Any = None,  # noqa: ANN401 - JSON
        logs: Iterable[Line] | None = None,
        batch_id: str | None = None,
        payload: dict[str, Any] | None = None,
    ) -> str:
        """Add a task with exactly these times and return its id; without a batch it becomes one of its own.

        Args:
            created_at: now without one.
            final: its last status and when it enters it; None: it never ends by itself.
            logs: (when, level, message); without any, the lines that the times imply.
        """
        with self.lock:
            created = created_at if created_at is not None else self.clock.now()
            batch = self.batches[batch_id] if batch_id else self._open_batch(farm_id, name, created, payload, "user")
            task = SimTask(
                id=f"task-{next(self._numbers):07d}",
                farm_id=farm_id,
                miner_id=miner_id,
                batch_id=batch.id,
                name=name,
                created_at=created,
                queuing_at=queuing_at,
                pending_at=pending_at,
                final=final,
                error=error,
                payload=payload,
                result=result,
                logs=tuple(logs) if logs is not None else None,
                created_by=batch.created_by,
            )
            self.tasks[task.id] = task
            batch.tasks.append(task)
            if miner_id is not None:
                insort(self.by_miner[miner_id], task, key=lambda one: one.created_at)
            return task.id

    def add_raw(self, miner: SimMiner, name: str, times: Mapping[str, datetime], *, error: str | None = None) -> str:
        """`add_task` for who has the times as a mapping of statuses; created is among them."""
        final = next(((status, at) for status, at in times.items() if status not in _OPEN), None)
        return self.add_task(
            miner.farm_id,
            miner.id,
            name,
            created_at=times["created"],
            queuing_at=times.get("queuing"),
            pending_at=times.get("pending"),
            final=final,
            error=error,
        )

    def finish(self, task_id: str, status: str, at: datetime | None = None, *, error: str | None = None) -> None:
        """End a task now, or at a time, whatever was planned; states planned for later are never entered."""
        with self.lock:
            task = self.tasks[task_id]
            moment = at if at is not None else self.clock.now()
            task.final = (status, moment)
            task.queuing_at = _until(task.queuing_at, moment)
            task.pending_at = _until(task.pending_at, moment)
            task.error = error if error is not None else task.error

    def remove_task(self, task_id: str) -> None:
        """The API stops showing it."""
        with self.lock:
            task = self.tasks.pop(task_id)
            self.batches[task.batch_id].tasks.remove(task)
            if task.miner_id is not None:
                self.by_miner[task.miner_id].remove(task)

    def _open_batch(
        self, farm_id: str, name: str, created_at: datetime, payload: dict[str, Any] | None, actor: str
    ) -> SimBatch:
        batch_id = f"{self.random.getrandbits(128):032x}"
        batch = SimBatch(batch_id, farm_id, name, created_at, payload, actor, f"{actor}:operator")
        self.batches[batch.id] = batch
        insort(self.by_farm[farm_id], batch, key=lambda one: one.created_at)
        return batch

    # --- its troubles

    def fail_next(self, count: int, kind: str, path_contains: str = "") -> None:
        """The next requests whose path has this text go wrong, in one of `faults.KINDS`."""
        with self.lock:
            self.faults.plan(count, kind, path_contains)

    def busiest_minute(self) -> int:
        """The most requests (those answered 429 apart) in any 60 real seconds."""
        return self.requests.busiest(60.0)


_OPEN = ("created", "queuing", "pending")


def _until(at: datetime | None, end: datetime) -> datetime | None:
    return at if at is not None and at <= end else None
