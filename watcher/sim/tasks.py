"""Tasks as they are planned: every time of a task's life is known when it is made, and shown when it has come.
So the state at any moment is a function of that moment, and nothing has to run in between."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

OPEN = ("created", "queuing", "pending")
FINAL = ("succeed", "failed", "timed_out", "cancelled")
LIFE = (*OPEN, *FINAL)
UNSUCCESSFUL = ("failed", "timed_out", "cancelled")

Final = tuple[str, datetime]
"""How a task ends, and when."""
Line = tuple[datetime, str, str]
"""A log line: when, level, message."""


@dataclass(slots=True)
class SimTask:
    """One task. A million of them fit in memory: what repeats is shared, what can be derived is not kept.

    Args:
        miner_id: None for an agent's own task.
        final: None for a task that never ends; any word may be a status.
        error: why it ended as it did; shown with the end, where the row's shape has a place for it.
        logs: None for the lines that its life implies.
    """

    id: str
    farm_id: str
    miner_id: str | None
    batch_id: str
    name: str
    created_at: datetime
    queuing_at: datetime | None = None
    pending_at: datetime | None = None
    final: Final | None = None
    error: str | None = None
    payload: dict[str, Any] | None = None
    result: Any = None
    logs: tuple[Line, ...] | None = None
    created_by: str | None = None

    def entered(self, now: datetime) -> dict[str, datetime]:
        """The states entered so far, in their order."""
        planned = (("created", self.created_at), ("queuing", self.queuing_at), ("pending", self.pending_at))
        found = {status: at for status, at in planned if at is not None and at <= now}
        if self.final is not None and self.final[1] <= now:
            found[self.final[0]] = self.final[1]
        return found

    def status(self, now: datetime) -> str:
        if self.final is not None and self.final[1] <= now:
            return self.final[0]
        if self.pending_at is not None and self.pending_at <= now:
            return "pending"
        if self.queuing_at is not None and self.queuing_at <= now:
            return "queuing"
        return "created"

    def ended(self, now: datetime) -> bool:
        return self.final is not None and self.final[1] <= now

    def updated_at(self, now: datetime) -> datetime:
        return max(self.entered(now).values(), default=self.created_at)

    def end(self, status: str, at: datetime, error: str | None) -> None:
        """End it here, whatever was planned: states planned for later are never entered."""
        self.queuing_at = self.queuing_at if self.queuing_at is not None and self.queuing_at <= at else None
        self.pending_at = self.pending_at if self.pending_at is not None and self.pending_at <= at else None
        self.final = (status, at)
        self.error = error if error is not None else self.error

    def lines(self, now: datetime) -> Iterator[Line]:
        """The log so far."""
        for line in self.logs if self.logs is not None else self._implied():
            if line[0] <= now:
                yield line

    def _implied(self) -> Iterator[Line]:
        yield self.created_at, "info", f"{self.name} accepted"
        if self.pending_at is not None:
            yield self.pending_at, "info", f"{self.name} started"
        if self.final is not None and self.error is not None:
            yield self.final[1], "error", self.error


@dataclass(slots=True)
class SimBatch:
    """Tasks that were started together; `actor` is user, automation or api."""

    id: str
    farm_id: str
    name: str
    created_at: datetime
    payload: dict[str, Any] | None = None
    actor: str = "user"
    created_by: str | None = None
    tasks: list[SimTask] = field(default_factory=list)

    def shown(self, now: datetime) -> list[SimTask]:
        return [task for task in self.tasks if task.created_at <= now]

    def counts(self, now: datetime, *, failed_has_timed_out: bool) -> tuple[int, int]:
        """How many tasks succeeded and how many failed, the latter as the switch says."""
        statuses = [task.status(now) for task in self.tasks]
        failures = UNSUCCESSFUL if failed_has_timed_out else ("failed",)
        return statuses.count("succeed"), sum(statuses.count(failure) for failure in failures)

    def status(self, now: datetime) -> str:
        tasks = self.shown(now)
        if not all(task.ended(now) for task in tasks):
            return "pending"
        succeeded = sum(task.status(now) == "succeed" for task in tasks)
        if succeeded == len(tasks):
            return "succeed"
        return "partial_succeed" if succeeded else "failed"
