"""A task with all that rules may ask about it: its row, its farm, its miner, its known transitions."""

from dataclasses import dataclass

from watcher.model.miner import Farm, Miner
from watcher.model.task import Task, Transition
from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Subject:
    """One task as the rules see it.

    Args:
        key: the store's own number of the task.
        miner: as the row told it; what the row lacks, as the inventory tells it.
        transitions: all that are known, by time.
        lost_at: when the API had not shown the (still open) task for too long.
    """

    key: int
    task: Task
    farm: Farm
    miner: Miner | None
    transitions: tuple[Transition, ...]
    lost_at: int | None = None


@dataclass(frozen=True, slots=True)
class TaskChange:
    """What a look changed of one task; `before` is None for a task never seen."""

    before: Subject | None
    after: Subject


@dataclass(frozen=True, slots=True)
class Place:
    """A farm, or a miner of it, as the inventory tells it: something to watch, also without any task.

    Args:
        since: its first look.
    """

    farm: Farm
    miner: Miner | None
    since: Millis

    def as_subject(self) -> tuple[Subject, Transition]:
        """As if it had a task, for the fields that tell the farm or the miner."""
        miner_id = None if self.miner is None else self.miner.id
        task = Task(self.farm.id, "", "", "", miner_id)
        return Subject(0, task, self.farm, self.miner, ()), Transition("", self.since, self.since)
