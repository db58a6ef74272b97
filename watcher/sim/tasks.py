"""Tasks as they are planned: every time of a task's life is known when it is made, and shown when it has come."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LIFE = ("created", "queuing", "pending", "succeed", "failed", "timed_out", "cancelled")


@dataclass(slots=True)
class SimTask:
    """One task.

    Args:
        miner_id: None for an agent's own task.
        times: status → when it enters it; the past and what is planned.
        error: what its result says once it has failed or timed out.
    """

    id: str
    farm_id: str
    miner_id: str | None
    batch_id: str
    name: str
    times: dict[str, datetime]
    payload: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    result: Any = None
    logs: list[tuple[datetime, str, str]] = field(default_factory=list)

    def shown(self, now: datetime) -> dict[str, datetime]:
        """The states entered so far."""
        return {status: at for status, at in self.times.items() if at <= now}

    def status(self, now: datetime) -> str:
        entered = self.shown(now)
        return max(entered, key=lambda status: (entered[status], LIFE.index(status)), default="created")


@dataclass(slots=True)
class SimBatch:
    id: str
    farm_id: str
    name: str
    created_at: datetime
    tasks: list[SimTask] = field(default_factory=list)

    def counts(self, now: datetime, *, failed_has_timed_out: bool) -> tuple[int, int]:
        """How many tasks succeeded and failed, the latter as the switch says."""
        ended = [task.status(now) for task in self.tasks]
        failures = {"failed", "timed_out", "cancelled"} if failed_has_timed_out else {"failed"}
        return ended.count("succeed"), sum(status in failures for status in ended)

    def status(self, now: datetime) -> str:
        ended = [task.status(now) for task in self.tasks]
        if any(status not in LIFE[3:] for status in ended):
            return "pending"
        succeeded = ended.count("succeed")
        if succeeded == len(ended):
            return "succeed"
        return "partial_succeed" if succeeded else "failed"
