"""Tasks of a finished history as the rules see them."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from watcher.model.miner import Farm
from watcher.model.subject import Subject
from watcher.model.task import STATUSES, Task, Transition

_at = attrgetter("at")


def subjects_of(tasks: Iterable[tuple[Task, Farm]]) -> Iterator[Subject]:
    """Each with the transitions that have a time; a final state without one is left out (rules.md, fine print 1)."""
    for key, (task, farm) in enumerate(tasks, 1):
        if task.times:
            last = max(task.times.values())
            transitions = [
                Transition._make((status, at, last, False, None, None))
                for status in STATUSES
                if (at := task.times.get(status)) is not None
            ]
            transitions.sort(key=_at)  # those of one moment stay in the order of a task's life
            yield Subject(key, task, farm, task.miner, tuple(transitions))
