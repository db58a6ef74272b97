"""How an event of `each` or `new` ends: the rule's `resolve` and `expire`."""

from dataclasses import dataclass
from enum import StrEnum

from watcher.model.times import DAY, Millis
from watcher.rules.match import Matcher

DEFAULT_EXPIRE: Millis = 7 * DAY


class ResolveHow(StrEnum):
    ON_SUCCESS = "on_success"
    ON = "on"
    AFTER = "after"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Resolve:
    """`on` goes with `on: match`, `after` (ms) with `after: D`."""

    how: ResolveHow
    on: Matcher | None = None
    after: Millis = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """What a rule says of its events' end.

    Args:
        resolve: None where the rule leaves it to the event's own status.
        expire: what ends a vain wait (ms); None for never.
        by: the rule's `by` fields, which `{on: match}` compares.
    """

    resolve: Resolve | None
    expire: Millis | None
    by: tuple[str, ...]
