"""Batches and agents, as the API's lists tell them."""

from dataclasses import dataclass

from watcher.model.look import Reading
from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that were started together, as a list of batches (2.2, 2.3) tells of them; None where it does not.

    Args:
        name: the task name of all its tasks.
        status: `pending` while something still runs; an open set, like the statuses of tasks.
        failed_count: nobody says whether timed-out and cancelled tasks are among them.
        actor: who started it.
    """

    farm_id: str
    id: str
    name: str
    status: str
    created_at: Millis | None = None
    task_count: int | None = None
    succeed_count: int | None = None
    failed_count: int | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The batches of a farm that were created since some moment.

    Args:
        date: the `Date` header of the first reply; None without one.
        read_at: when that reply came, in seconds of the monotonic clock.
    """

    batches: tuple[Batch, ...]
    date: Millis | None
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchReading(Reading):
    """A batch with every task of it (2.4).

    Args:
        batch: its head; None where the reply is the one that the caller knew.
    """

    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """What stands between the API and a farm's miners; an offline one explains tasks that stay `created`.

    Args:
        status: `online` or `offline`; an open set.
    """

    id: str
    farm_id: str
    status: str
