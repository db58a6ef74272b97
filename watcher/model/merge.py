"""The same task arrives many times, in different shapes and completeness: how its readings become one row.

Status, times and what is known at all do not depend on the order of the readings; where two readings describe
something differently (a result, a comment), the one that came last is believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from watcher.model.task import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    PENDING,
    STATUSES,
    LogLine,
    Part,
    Task,
    Transition,
    is_final,
)
from watcher.model.times import MINUTE, Millis

FORESIGHT: Millis = 5 * MINUTE
"""How far beyond the API's present a time may lie and still be believed: clocks differ."""

_PLACES = {status: place + is_final(status) for place, status in enumerate(STATUSES)}
"""A task's way, with one place left before the ends for the statuses that nobody documented."""

_DESCRIPTION = ("miner_id", "batch_id", "actor", "payload", "result", "error", "agent_status")


def merge(known: Task | None, row: Task) -> Task:
    """What is known of a task after one more reading of it.

    A known value is never replaced by an absent one, and a final task never reopens. Returns `known` itself
    where the reading brings nothing new.
    """
    if known is None:
        return row
    if row == known:
        return known
    times = _times(known.times, row.times)
    merged: dict[str, Any] = {
        "name": row.name,
        "status": _status(known.status, row.status, times),
        "times": times,
        "updated_at": max((at for at in (known.updated_at, row.updated_at) if at is not None), default=None),
        "logs": _logs(known.logs, row.logs),
        "miner": known.miner if row.miner is None else row.miner.filled_from(known.miner),
        "lacks": _lacks(known, row),
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
        status: min((times[status] for times in (known, told) if status in times), key=_precise)
        for status in {**known, **told}
    }


def _in_life(told: Mapping[str, Millis]) -> Mapping[str, Millis]:
    """A status told in whole seconds is not entered before one of its life that was told more precisely."""
    times, latest = dict(told), 0
    for status in sorted(times, key=_progress):
        at = times[status]
        if at % 1000 == 0 and at < latest < at + 1000:
            times[status] = latest
        latest = max(latest, times[status])
    return times


def _precise(at: Millis) -> tuple[Millis, Millis]:
    """The earlier second, and within it the more precise time: one source gives seconds, another more."""
    return at // 1000, -(at % 1000)


def _status(known: str, told: str, times: Mapping[str, Millis]) -> str:
    """The one further along; of two final ones, the one that has a time, and of these the earlier."""
    finals = [status for status in FINAL_STATUSES if status in (known, told)]
    timed = [status for status in finals if status in times]
    if timed:
        # As times are merged, or the order in which three readings come could decide.
        return min(timed, key=lambda status: _precise(times[status]))
    return finals[0] if finals else max(known, told, key=_progress)


def _progress(status: str) -> tuple[int, str]:
    """An unknown status is somewhere on the way: beyond the known open ones, before any end."""
    return _PLACES.get(status, len(OPEN_STATUSES)), status


def _lacks(known: Task, told: Task) -> frozenset[Part]:
    """What two readings together leave open. What a task carried at an earlier status says nothing of how it
    ended: its payload and the way up to its beginning stay, its logs and result are to be fetched again."""
    if known.status == told.status:
        return known.lacks & told.lacks
    ahead, behind = (known, told) if _progress(known.status) > _progress(told.status) else (told, known)
    stays = {Part.PAYLOAD} - behind.lacks
    if behind.status == PENDING and ahead.status in ahead.times:
        stays |= {Part.TIMES} - behind.lacks
    return ahead.lacks - stays


def _logs(known: tuple[LogLine, ...], told: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
    if known == told:
        return known
    return max(known, told, key=lambda logs: (len(logs), [line.message for line in logs]))


def transitions_of(
    task: Task,
    known: Mapping[str, Transition],
    *,
    updated_at: Millis | None,
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
        updated_at: as the reading gave it that showed its status; an older one's says nothing of when that began.
        observed_at: the API's present at this reading.
        last_open: the last reading that showed the task open.
        baseline: the farm's T0 where this is the first reading of its miner; a new transition is baseline
            if it is not later.
    """
    found = dict(known)
    for status, at in _in_life(task.times).items():
        before = known.get(status)
        if before is not None and not before.observed:
            found[status] = before if before.at == at else before._replace(at=at)
        elif at > observed_at + FORESIGHT:
            continue
        elif before is not None:
            found[status] = before._replace(at=at, observed=False, since=None)
        else:
            learnt = baseline if baseline is not None and at <= baseline else None
            found[status] = Transition(status, at, observed_at, baseline=learnt)
    if task.status not in found and task.status not in task.times:
        found[task.status] = _observed(task, updated_at, observed_at, last_open, baseline)
    return in_order(found.values())


def in_order(transitions: Iterable[Transition]) -> tuple[Transition, ...]:
    """By time; those of one moment in the order of a task's life."""
    return tuple(sorted(transitions, key=lambda transition: (transition.at, _progress(transition.status))))


def _observed(
    task: Task, updated_at: Millis | None, observed_at: Millis, last_open: Millis | None, baseline: Millis | None
) -> Transition:
    """The current status, entered at an unknown time: not before `since`, not after `at`."""
    if updated_at is None or updated_at > observed_at or (last_open is not None and updated_at < last_open):
        at = observed_at  # what was updated then was another status
    else:
        at = updated_at
    since = task.created_at if last_open is None else last_open
    known_since = task.created_at if updated_at is None else updated_at
    learnt = baseline is not None and known_since is not None and known_since <= baseline
    return Transition(
        task.status,
        at,
        observed_at,
        observed=True,
        since=None if since is None else min(since, at),
        baseline=baseline if learnt else None,
    )
