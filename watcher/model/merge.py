"""The same task arrives many times, in different shapes and completeness: how its readings become one row.

Status, times and what is known at all do not depend on the order of the readings; where two readings describe
something differently (a result, a comment), the one that came last is believed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from watcher.model.task import (
    CREATED,
    FINAL_STATUSES,
    OPEN_STATUSES,
    STATUSES,
    LogLine,
    Task,
    Transition,
    is_final,
)
from watcher.model.times import MINUTE, Millis

FORESIGHT: Millis = 5 * MINUTE
"""How far beyond the API's present a time may lie and still be believed: clocks differ."""

_DESCRIPTION = ("miner_id", "batch_id", "actor", "payload", "result", "error")


def merge(known: Task | None, row: Task) -> Task:
    """What is known of a task after one more reading of it.

    A known value is never replaced by an absent one, and a final task never reopens. Returns `known` itself
    where the reading brings nothing new.
    """
    if known is None:
        return row
    times = _times(known.times, row.times)
    merged: dict[str, Any] = {
        "name": row.name,
        "status": _status(known.status, row.status, times),
        "times": times,
        "updated_at": max((at for at in (known.updated_at, row.updated_at) if at is not None), default=None),
        "logs": _logs(known.logs, row.logs),
        "miner": known.miner if row.miner is None else row.miner.filled_from(known.miner),
    }
    for name in _DESCRIPTION:
        said = getattr(row, name)
        merged[name] = getattr(known, name) if said is None else said
    if all(getattr(known, name) == value for name, value in merged.items()):
        return known
    return replace(known, **merged)


def _times(known: Mapping[str, Millis], told: Mapping[str, Millis]) -> Mapping[str, Millis]:
    if known == told:
        return known
    return {
        status: min((at for at in (known.get(status), told.get(status)) if at is not None), key=_precise)
        for status in STATUSES
        if status in known or status in told
    }


def _precise(at: Millis) -> tuple[Millis, Millis]:
    """The earlier second, and within it the more precise time: one source gives seconds, another more."""
    return at // 1000, -(at % 1000)


def _status(known: str, told: str, times: Mapping[str, Millis]) -> str:
    """The one further along; of two final ones, the one that has a time, and of these the earlier."""
    finals = [status for status in FINAL_STATUSES if status in (known, told)]
    if finals:
        timed = [status for status in finals if status in times]
        return min(timed, key=lambda status: times[status]) if timed else finals[0]
    return max(known, told, key=_progress)


def _progress(status: str) -> tuple[int, str]:
    """An unknown status is somewhere on the way: beyond the known open ones, before any end."""
    place = OPEN_STATUSES.index(status) if status in OPEN_STATUSES else len(OPEN_STATUSES)
    return place, status


def _logs(known: tuple[LogLine, ...], told: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
    if known == told:
        return known
    return max(known, told, key=lambda logs: (len(logs), [line.message for line in logs]))


def transitions_of(
    task: Task,
    known: Mapping[str, Transition],
    *,
    observed_at: Millis,
    last_open: Millis | None,
    baseline: Millis | None,
) -> tuple[Transition, ...]:
    """Every transition of a task, by time, rebuilt from its own times: it can pass several between two looks.

    The current status without a time is placed at `updated_at`, else at the moment observed, and marked so;
    when a later reading brings the true time, it is corrected and stays what it was otherwise.

    Args:
        task: as merged.
        known: its transitions as logged, by status.
        observed_at: the API's present at this reading.
        last_open: the last reading that showed the task open.
        baseline: the farm's T0 where this is the first reading of its miner; a new transition is baseline
            if it is not later.
    """
    found: dict[str, Transition] = dict(known)
    for status, at in task.times.items():
        before = known.get(status)
        if before is not None:
            if before.observed or before.at != at:
                found[status] = replace(before, at=at, observed=False, since=None)
        elif at <= observed_at + FORESIGHT:
            learnt = baseline if baseline is not None and at <= baseline else None
            found[status] = Transition(status, at, observed_at, baseline=learnt)
    if task.status not in found and task.status not in task.times:
        found[task.status] = _observed(task, observed_at, last_open, baseline)
    return tuple(sorted(found.values(), key=lambda transition: (transition.at, _life(transition.status))))


def _observed(task: Task, observed_at: Millis, last_open: Millis | None, baseline: Millis | None) -> Transition:
    told = task.updated_at if task.updated_at is not None and is_final(task.status) else None
    known_since = task.updated_at if task.updated_at is not None else task.created_at
    learnt = baseline is not None and known_since is not None and known_since <= baseline
    return Transition(
        task.status,
        observed_at if told is None else told,
        observed_at,
        observed=True,
        since=last_open if last_open is not None else task.times.get(CREATED),
        baseline=baseline if learnt else None,
    )


def _life(status: str) -> int:
    return STATUSES.index(status) if status in STATUSES else len(OPEN_STATUSES)
