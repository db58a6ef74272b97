"""Tasks of a finished history as the rules see them."""

from collections.abc import Iterable, Iterator

from watcher.model.miner import Farm
from watcher.model.subject import Subject
from watcher.model.task import STATUSES, Task, Transition

_LIFE = {status: place for place, status in enumerate(STATUSES)}


def subjects_of(tasks: Iterable[tuple[Task, Farm]]) -> Iterator[Subject]:
    """Each with the transitions that have a time; a final state without one is left out (rules.md, fine print 1)."""
    for key, (task, farm) in enumerate(tasks, 1):
        if task.times:
            last = max(task.times.values())
            transitions = [Transition(status, at, last) for status, at in task.times.items()]
            transitions.sort(key=_order)
            yield Subject(key, task, farm, task.miner, tuple(transitions))


def _order(transition: Transition) -> tuple[int, int]:
    return transition.at, _LIFE[transition.status]
