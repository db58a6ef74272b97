"""Tasks of a finished history as the rules see them."""

from collections.abc import Iterable, Iterator

from watcher.model.merge import transitions_of
from watcher.model.miner import Farm
from watcher.model.subject import Subject
from watcher.model.task import Task, Transition
from watcher.model.times import Millis


def subjects_of(tasks: Iterable[tuple[Task, Farm]]) -> Iterator[Subject]:
    """Each with the transitions that have a time; a final state without one is left out (rules.md, fine print 1)."""
    for key, (task, farm) in enumerate(tasks, 1):
        last = max(task.times.values(), default=0)
        timed = [one for one in _transitions(task, last) if not one.observed]
        if timed:
            yield Subject(key, task, farm, task.miner, tuple(timed))


def _transitions(task: Task, last: Millis) -> tuple[Transition, ...]:
    return transitions_of(task, {}, updated_at=None, observed_at=last, last_open=None, baseline=None)
