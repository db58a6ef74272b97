"""What a look at the API brought back."""

from dataclasses import dataclass

from watcher.model.task import Task
from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Reading:
    """All task rows of one request or a few that belong together.

    Args:
        tasks: as the API gave them, repeats dropped.
        date: the `Date` header of the first reply (its own second, not yet made safe); None without one.
        read_at: when that reply came, in seconds of the monotonic clock.
        digest: of the reply where it was a single page.
        unchanged: it is the reply that the caller knew, to the letter; its tasks were not read again.
    """

    tasks: tuple[Task, ...]
    date: Millis | None
    read_at: float = 0.0
    digest: bytes | None = None
    unchanged: bool = False
