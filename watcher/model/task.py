"""A miner task as the API tells it: one row, whatever shape it came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from watcher.model.miner import Miner
from watcher.model.times import Millis

CREATED = "created"
QUEUING = "queuing"
PENDING = "pending"
SUCCEED = "succeed"
FAILED = "failed"
TIMED_OUT = "timed_out"
CANCELLED = "cancelled"

OPEN_STATUSES = (CREATED, QUEUING, PENDING)
FINAL_STATUSES = (SUCCEED, FAILED, TIMED_OUT, CANCELLED)
STATUSES = OPEN_STATUSES + FINAL_STATUSES
"""The documented statuses, in the order of a task's life. The set is open: others are kept as they come."""


def is_final(status: str) -> bool:
    return status in FINAL_STATUSES


class Part(StrEnum):
    """A part of a task that only its full record (2.1) is sure to tell."""

    TIMES = "times"
    PAYLOAD = "payload"
    RESULT = "result"
    LOGS = "logs"


FULL: frozenset[Part] = frozenset()
POOR: frozenset[Part] = frozenset(Part)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a task's log; `at` is None where the row gave no readable time."""

    message: str
    level: str | None = None
    at: Millis | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """The current row of one task.

    Args:
        farm_id: the farm it was read from; with `id` the task's identity.
        times: status → the API's own time of entering it, for the statuses whose time is known;
            `created` is the creation.
        updated_at: the newer row shape's only time beside the creation.
        miner: the miner as the row told it; None for agent tasks and rows without one.
        error: the reason as the row's own error field gave it.
        lacks: what the readings so far were too poor to tell, but the full record would; nothing of a task
            without a miner, which has no such record.
        agent_status: of its farm's agent, while the task was last open.
    """

    farm_id: str
    id: str
    name: str
    status: str
    miner_id: str | None = None
    batch_id: str | None = None
    times: Mapping[str, Millis] = field(default_factory=dict)
    updated_at: Millis | None = None
    actor: str | None = None
    miner: Miner | None = None
    payload: Mapping[str, Any] | None = None
    result: Any = None
    error: str | None = None
    logs: tuple[LogLine, ...] = ()
    lacks: frozenset[Part] = FULL
    agent_status: str | None = None

    @property
    def created_at(self) -> Millis | None:
        return self.times.get(CREATED)


class Transition(NamedTuple):
    """A task entered a status.

    Args:
        at: the API's own time of it; where the API gave none, the moment it was observed.
        observed_at: the API's present at the look that first showed it.
        observed: `at` is only the time observed.
        since: for an observed one, the last reading that showed the task open, else its creation:
            the earliest that it can have happened. Equals `at` otherwise.
        baseline: learnt at the first contact, not news (invariant 6): the farm's T0, else None.
    """

    status: str
    at: Millis
    observed_at: Millis
    observed: bool = False
    since: Millis | None = None
    baseline: Millis | None = None

    @property
    def earliest(self) -> Millis:
        return self.at if self.since is None else self.since
