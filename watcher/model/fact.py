"""What a message says of one task."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskFact:
    """One task, as a message counts and names it; `reason` is masked."""

    key: int
    name: str
    status: str
    farm_id: str
    miner_id: str | None
    model: str | None
    ip: str | None
    reason: str | None
    batch_id: str | None = None
