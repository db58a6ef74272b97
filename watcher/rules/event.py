"""Events: what one transition means to one alert."""

from collections.abc import Hashable
from enum import StrEnum
from typing import NamedTuple

from watcher.model.subject import Subject
from watcher.model.task import CREATED, OPEN_STATUSES, STATUSES, SUCCEED, Transition
from watcher.model.times import Millis

_LIFE = {status: place for place, status in enumerate(STATUSES)}
_UNKNOWN = len(OPEN_STATUSES)


class Role(StrEnum):
    """What an event does to the condition that takes it."""

    MATCH = "match"
    """a matching transition: a member of E"""
    ENTER = "enter"
    """the task entered the watched open statuses"""
    LEAVE = "leave"
    """the task left them"""
    SUCCESS = "success"
    """a task of the same name on the same miner succeeded"""
    RESOLVE = "resolve"
    """a transition that the rule's `resolve: {on: …}` names"""
    OF = "of"
    """a transition that a ratio is taken of, but no part of its numerator"""
    SEEN = "seen"
    """a transition, matched or not, that shows that there is something to watch"""
    WITHOUT = "without"
    """what must not lie within a sequence"""
    LOST = "lost"
    """the API stopped showing the task"""


class Event(NamedTuple):
    """One transition, as a condition takes it. Events sort by time; those of one moment by their task, and in the order
    of its life.

    Args:
        at: event time.
        key: the store's number of the task.
        place: of the status in a task's life.
        role: what it does; with `key` and `status` its identity.
        created_at: the task's creation.
        earliest: the earliest it can have happened (differs from `at` where that was only observed).
        observed_at: the API's present when it was first seen.
        baseline: its farm's T0 where it was learnt at the first contact, else None.
        value: of the field that `new` watches.
        steps: the places of a sequence that it can take.
        before_edit: it was known before the rule was edited, and is of the past to it.
    """

    at: Millis
    key: int
    place: int
    status: str
    role: Role
    farm_id: str
    miner_id: str | None
    name: str
    created_at: Millis | None
    earliest: Millis
    observed_at: Millis
    baseline: Millis | None
    value: str | None = None
    steps: tuple[int, ...] = ()
    before_edit: bool = False

    @property
    def identity(self) -> tuple[int, str, Role]:
        return self.key, self.status, self.role

    @property
    def repair(self) -> Hashable:
        """What a success must share with a failure to repair it; None where there is no miner."""
        return None if self.miner_id is None else (self.farm_id, self.miner_id, self.name)


def event_of(subject: Subject, transition: Transition, role: Role, *, steps: tuple[int, ...] = ()) -> Event:
    task = subject.task
    earliest = transition.at
    if transition.observed:
        # The reading that last showed it open, else its creation (rules.md, fine print 4).
        known = transition.since if transition.since is not None else task.created_at
        earliest = transition.at if known is None else min(known, transition.at)
    return Event(
        transition.at,
        subject.key,
        _LIFE.get(transition.status, _UNKNOWN),
        transition.status,
        role,
        task.farm_id,
        task.miner_id,
        task.name,
        task.times.get(CREATED),
        earliest,
        transition.observed_at,
        transition.baseline,
        None,
        steps,
    )


def repairs(success: Event, failure: Event) -> bool:
    """Whether a success is of a task created strictly after the failure (rules.md, fine print 4)."""
    if success.status != SUCCEED or success.repair is None or success.repair != failure.repair:
        return False
    created = success.at if success.created_at is None else success.created_at
    return created > failure.earliest
