"""What a reading brought, into the store: rows, transitions, what became missing or lost."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from watcher.model.merge import FORESIGHT, merge, transitions_of
from watcher.model.subject import TaskChange
from watcher.model.task import FULL, Task, Transition, is_final
from watcher.model.times import DAY, Millis
from watcher.store.store import Store
from watcher.store.tasks import Known

LOST_AFTER: Millis = 7 * DAY


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of the tasks of a miner or of a batch.

    Args:
        miner_id: whose tasks were read (2.1); None for a batch's.
        batch_id: whose tasks were read (2.4); None for a miner's.
        tasks: as the API gave them.
        present: the API's present at the reading.
        last: the API's present at the last reading of the same place; None at its first.
        t0: the farm's first contact; None where nothing is to be learnt as baseline.
        unchanged: the reply was the last one to the letter, and its tasks were not read again.
        whole: it reached back as far as the API does.
        agent_status: of the farm's agent.
        seen: when the other source last showed a task.
    """

    farm_id: str
    miner_id: str | None
    batch_id: str | None
    tasks: tuple[Task, ...]
    present: Millis
    last: Millis | None
    t0: Millis | None
    unchanged: bool = False
    whole: bool = False
    agent_status: str | None = None
    seen: Callable[[Task], Millis | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a look changed.

    Args:
        changes: of tasks, as the rules take them.
        complete: nothing in it waits for its time: the same reply once more would change nothing.
    """

    changes: list[TaskChange]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Changed:
    known: Known | None
    task: Task
    transitions: tuple[Transition, ...]


def ingest(store: Store, look: Look) -> Ingested:
    """Write a look; inside the caller's transaction."""
    if look.unchanged:
        return Ingested([])
    told = [_with_agent(row, look.agent_status) for row in look.tasks]
    stored = store.tasks.stored(look.farm_id, [task.id for task in told])
    unknown = [row for row in told if not store.tasks.same(stored.get(row.id), row)]
    known = store.tasks.known(look.farm_id, [row.id for row in unknown])
    changed = [one for row in unknown if (one := _changed(known.get(row.id), row, look)) is not None]
    changes = _written(store, changed)
    _note_missing(store, look)
    if look.whole and look.miner_id is not None:
        shown = {task.id for task in look.tasks}
        changes += concede(store, look.farm_id, look.miner_id, shown)
    moments = [at for row in look.tasks for at in row.times.values()]
    return Ingested(changes, complete=all(at <= look.present + FORESIGHT for at in moments))


def concede(store: Store, farm_id: str, miner_id: str, shown: Iterable[str] = ()) -> list[TaskChange]:
    """Nobody will ever tell the full record of a miner's tasks, those shown just now apart: what is known is all."""
    have = set(shown)
    lacking = [known for known in store.tasks.lacking(farm_id, miner_id) if known.task.id not in have]
    changed = [_Changed(one, replace(one.task, lacks=FULL), one.transitions) for one in lacking]
    return _written(store, changed, shown=False)


def note_agent(store: Store, farm_id: str, status: str | None) -> list[TaskChange]:
    """The farm's agent came or went: its open tasks say so, final ones keep what they had."""
    open_ones = [known for known in store.tasks.open_of_farm(farm_id) if known.task.agent_status != status]
    changed = [_Changed(one, replace(one.task, agent_status=status), one.transitions) for one in open_ones]
    return _written(store, changed, shown=False)


def lost(store: Store, farm_id: str, present: Millis) -> list[TaskChange]:
    """A farm's open tasks that no reading has shown for too long."""
    changes: list[TaskChange] = []
    for known in store.tasks.overdue(farm_id, present - LOST_AFTER):
        store.tasks.mark_lost(known.key, present)
        states = [(known.key, known.task, known.transitions, lost_at) for lost_at in (None, present)]
        before, after = (next(iter(store.past.joined([state]))) for state in states)
        changes.append(TaskChange(before, after))
    return changes


def _with_agent(row: Task, status: str | None) -> Task:
    return row if status is None or is_final(row.status) else replace(row, agent_status=status)


def _changed(before: Known | None, row: Task, look: Look) -> _Changed | None:
    """What a row brings; None for nothing new."""
    task = merge(None if before is None else before.task, row)
    logged = () if before is None else before.transitions
    transitions = transitions_of(
        task,
        {transition.status: transition for transition in logged},
        updated_at=row.updated_at if row.status == task.status else None,
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
    if before.missing_since is not None:
        return before.missing_since
    readings = (look.last, look.seen(before.task), before.task.created_at)
    return max((at for at in readings if at is not None and at <= look.present), default=None)


def _written(store: Store, changed: list[_Changed], *, shown: bool = True) -> list[TaskChange]:
    if not changed:
        return []
    keys = store.tasks.write([one.task for one in changed], shown=shown)
    news: list[tuple[int, Transition]] = []
    after: list[tuple[int, Task, tuple[Transition, ...], Millis | None]] = []
    before: list[tuple[int, Task, tuple[Transition, ...], Millis | None]] = []
    for one in changed:
        key = keys[one.task.farm_id, one.task.id]
        logged = set() if one.known is None else set(one.known.transitions)
        news += [(key, transition) for transition in one.transitions if transition not in logged]
        lost_at = None if shown or one.known is None else one.known.lost_at
        after.append((key, one.task, one.transitions, lost_at))
        if one.known is not None:
            before.append((key, one.known.task, one.known.transitions, one.known.lost_at))
    store.tasks.log(news)
    had = {subject.key: subject for subject in store.past.joined(before)}
    return [TaskChange(had.get(subject.key), subject) for subject in store.past.joined(after)]


def _note_missing(store: Store, look: Look) -> None:
    """Open tasks that the look did not show are missing from the last look on that did."""
    shown = [task.id for task in look.tasks]
    if look.miner_id is not None:
        # A task older than the API's reach is not shown for its age alone while its batch still shows it.
        unseen = store.tasks.unseen_of_miner(look.farm_id, look.miner_id, shown)
        unseen = [known for known in unseen if not look.seen(known.task)]
    else:
        unseen = store.tasks.unseen_of_batch(look.farm_id, look.batch_id or "", shown)
    for known in unseen:
        if known.missing_since is None:
            store.tasks.mark_missing(known.key, look.last if look.last is not None else look.present)
