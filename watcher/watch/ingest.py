"""What a look at one miner brought, into the store: rows, transitions, what became missing or lost."""

from dataclasses import dataclass

from watcher.model.merge import FORESIGHT, merge, transitions_of
from watcher.model.subject import TaskChange
from watcher.model.task import Task, Transition, is_final
from watcher.model.times import DAY, Millis
from watcher.store.store import Store
from watcher.store.tasks import Known

LOST_AFTER: Millis = 7 * DAY


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of a miner's tasks.

    Args:
        tasks: as the API gave them.
        present: the API's present: the miner's watermark from now on.
        last: the miner's watermark until now; None at its first reading.
        t0: the farm's first contact; None where nothing is to be learnt as baseline.
        unchanged: the reply was the last one to the letter, and its tasks were not read again.
    """

    farm_id: str
    miner_id: str
    tasks: tuple[Task, ...]
    present: Millis
    last: Millis | None
    t0: Millis | None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a look changed.

    Args:
        changes: of tasks, as the rules take them.
        has_open: whether the miner has an open task.
        active_at: its latest transition; None where nothing was read.
        complete: nothing in it waits for its time: the same reply once more would change nothing.
    """

    changes: list[TaskChange]
    has_open: bool
    active_at: Millis | None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Changed:
    known: Known | None
    task: Task
    transitions: tuple[Transition, ...]


def ingest(store: Store, look: Look) -> Ingested:
    """Write a look; inside the caller's transaction."""
    if look.unchanged:
        return Ingested(_overdue(store, look), _has_open(store, look), None)
    stored = store.tasks.stored(look.farm_id, [task.id for task in look.tasks])
    unknown = [row for row in look.tasks if not store.tasks.same(stored.get(row.id), row)]
    known = store.tasks.known(look.farm_id, [row.id for row in unknown])
    changed = [one for row in unknown if (one := _changed(known.get(row.id), row, look)) is not None]
    changes = _written(store, changed) + _missing(store, look)
    moments = [at for row in look.tasks for at in row.times.values()]
    complete = all(at <= look.present + FORESIGHT for at in moments)
    return Ingested(changes, _has_open(store, look), max(moments, default=None), complete)


def _has_open(store: Store, look: Look) -> bool:
    return store.tasks.oldest_open(look.farm_id, look.miner_id) is not None


def _changed(before: Known | None, row: Task, look: Look) -> _Changed | None:
    """What a row brings; None for nothing new."""
    task = merge(None if before is None else before.task, row)
    logged = () if before is None else before.transitions
    transitions = transitions_of(
        task,
        {transition.status: transition for transition in logged},
        observed_at=look.present,
        last_open=_last_open(before, look),
        baseline=look.t0 if look.last is None else None,
    )
    shown_again = before is not None and (before.missing_since is not None or before.lost_at is not None)
    if before is not None and task is before.task and set(transitions) == set(logged) and not shown_again:
        return None
    return _Changed(before, task, transitions)


def _last_open(before: Known | None, look: Look) -> Millis | None:
    """The last reading that showed a task open."""
    if before is None or is_final(before.task.status):
        return None
    return before.missing_since if before.missing_since is not None else look.last


def _written(store: Store, changed: list[_Changed]) -> list[TaskChange]:
    if not changed:
        return []
    keys = store.tasks.write([one.task for one in changed])
    news: list[tuple[int, Transition]] = []
    after: list[tuple[int, Task, tuple[Transition, ...], Millis | None]] = []
    before: list[tuple[int, Task, tuple[Transition, ...], Millis | None]] = []
    for one in changed:
        key = keys[one.task.farm_id, one.task.id]
        logged = set() if one.known is None else set(one.known.transitions)
        news += [(key, transition) for transition in one.transitions if transition not in logged]
        after.append((key, one.task, one.transitions, None))
        if one.known is not None:
            before.append((key, one.known.task, one.known.transitions, one.known.lost_at))
    store.tasks.log(news)
    had = {subject.key: subject for subject in store.past.joined(before)}
    return [TaskChange(had.get(subject.key), subject) for subject in store.past.joined(after)]


def _missing(store: Store, look: Look) -> list[TaskChange]:
    """Open tasks that the look did not show: missing at first, and lost when that has lasted."""
    for known in store.tasks.unseen_open(look.farm_id, look.miner_id, [task.id for task in look.tasks]):
        if known.missing_since is None:
            store.tasks.mark_missing(known.key, look.last if look.last is not None else look.present)
    return _overdue(store, look)


def _overdue(store: Store, look: Look) -> list[TaskChange]:
    changes: list[TaskChange] = []
    for known in store.tasks.missing(look.farm_id, look.miner_id, look.present - LOST_AFTER):
        store.tasks.mark_lost(known.key, look.present)
        changes += _lost(store, known, look.present)
    return changes


def _lost(store: Store, known: Known, at: Millis) -> list[TaskChange]:
    states = [(known.key, known.task, known.transitions, lost_at) for lost_at in (None, at)]
    before, after = (next(iter(store.past.joined([state]))) for state in states)
    return [TaskChange(before, after)]
