"""The one list of fields that `match`, `by`, templates and `explain` share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from types import MappingProxyType

from watcher.model.miner import Miner
from watcher.model.reason import error_text
from watcher.model.subject import Subject
from watcher.model.task import CREATED, FINAL_STATUSES, OPEN_STATUSES, PENDING, Part, Transition
from watcher.model.times import Millis


class Unknown(Enum):
    """What a field holds that was not fetched yet: neither a value nor the lack of one (invariant 11)."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Value = str | tuple[str, ...] | Millis | None | Unknown


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a transition.

    Args:
        name: as rule files write it.
        get: reads it; None where the row does not say, UNKNOWN where only the full record does.
        numeric: a length of time in milliseconds, to be compared rather than matched.
        listed: has several values at once; fits when one of them does.
        needs_record: a batch's reading alone may be too poor to tell it.
        of_transition: differs between the transitions of one task.
        of_watch: tells the farm or the miner and its properties, not what happened.
    """

    name: str
    get: Callable[[Subject, Transition], Value]
    numeric: bool = False
    listed: bool = False
    of_watch: bool = False
    needs_record: bool = False
    of_transition: bool = False


def _of_miner(attribute: str) -> Callable[[Subject, Transition], Value]:
    def get(subject: Subject, _: Transition) -> Value:
        miner: Miner | None = subject.miner
        return None if miner is None else getattr(miner, attribute)

    return get


def _duration(subject: Subject, transition: Transition) -> Value:
    if transition.status not in FINAL_STATUSES:
        return None
    pending, lacking = subject.task.times.get(PENDING), Part.TIMES in subject.task.lacks
    if lacking and (pending is None or transition.observed):
        return UNKNOWN
    return None if pending is None else transition.at - pending


def _queue_time(subject: Subject, transition: Transition) -> Value:
    if transition.status in OPEN_STATUSES and transition.status != PENDING:
        return None
    times = subject.task.times
    if PENDING not in times and Part.TIMES in subject.task.lacks:
        return UNKNOWN
    if PENDING not in times or CREATED not in times:
        return None
    return times[PENDING] - times[CREATED]


def _error(subject: Subject, _: Transition) -> Value:
    if subject.task.error is None and subject.task.lacks & {Part.RESULT, Part.LOGS}:
        return UNKNOWN
    return error_text(subject.task)


def _log(subject: Subject, _: Transition) -> Value:
    if Part.LOGS in subject.task.lacks:
        return UNKNOWN
    return tuple(line.message for line in subject.task.logs)


_MINER_FIELDS = [
    "ip",
    "mac",
    "serial",
    "make",
    "model",
    "firmware",
    "firmware_version",
    "rack",
    "location",
    "mining_mode",
    "lifecycle",
]

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field("task", lambda subject, _: subject.task.name),
            Field("status", lambda _, transition: transition.status, of_transition=True),
            Field("farm", lambda subject, _: subject.farm.name, of_watch=True),
            Field("farm_id", lambda subject, _: subject.farm.id, of_watch=True),
            Field("miner", lambda subject, _: subject.task.miner_id, of_watch=True),
            Field("batch", lambda subject, _: subject.task.batch_id),
            *(Field(name, _of_miner(name), of_watch=True) for name in _MINER_FIELDS),
            Field("health", _of_miner("health"), listed=True, of_watch=True),
            Field("actor", lambda subject, _: subject.task.actor),
            Field("agent_status", lambda subject, _: subject.task.agent_status),
            Field("error", _error, needs_record=True),
            Field("log", _log, listed=True, needs_record=True),
            Field("duration", _duration, numeric=True, needs_record=True, of_transition=True),
            Field("queue_time", _queue_time, numeric=True, needs_record=True, of_transition=True),
        )
    }
)

GROUPABLE = tuple(name for name, field in FIELDS.items() if not field.numeric and not field.listed)
"""The fields that `by` may name: those with one text for a value."""


def by_value(name: str, subject: Subject, transition: Transition) -> str | None:
    """The value that tells alerts apart: a farm is itself by its id, whatever it is called today."""
    if name == "farm":
        return subject.farm.id
    value = FIELDS[name].get(subject, transition)
    if value is UNKNOWN:
        return None
    return value if value is None or isinstance(value, str) else str(value)


_PLAIN: Mapping[str, Callable[[Subject, Transition], str | None]] = {
    "farm": lambda subject, _: subject.farm.id,
    "task": lambda subject, _: subject.task.name,
    "miner": lambda subject, _: subject.task.miner_id,
    "batch": lambda subject, _: subject.task.batch_id,
}
"""What nearly every rule asks for, read without a detour."""

By = tuple[str | None, ...]
"""The values of a rule's `by` fields."""


@cache
def by_values(names: tuple[str, ...]) -> Callable[[Subject, Transition], By]:
    """What reads the values that tell the alerts of a rule apart."""
    readers = [_PLAIN.get(name) or partial(by_value, name) for name in names]
    return lambda subject, transition: tuple([read(subject, transition) for read in readers])


__all__ = ["FIELDS", "GROUPABLE", "UNKNOWN", "By", "Field", "Value", "by_value", "by_values"]
