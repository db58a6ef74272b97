"""Alerts and their episodes, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from watcher.model.message import Severity
from watcher.model.times import Millis


class EndReason(StrEnum):
    """Why an episode ended."""

    RECOVERED = "recovered"
    """a success, an `{on}`, the stuck task moved on, the absent event came"""
    QUIET = "quiet"
    """a windowed condition turned false"""
    EXPIRED = "expired"
    """`after` or `expire` passed"""
    REMOVED = "removed"
    """the rule or the miner is gone"""
    EDITED = "edited"
    """the rule was changed and no longer finds it"""
    CORRECTED = "corrected"
    """the history was corrected and no longer holds it"""
    LOST = "lost"
    """the API stopped showing the task"""


class Origin(StrEnum):
    """What an episode is made of (invariant 6)."""

    NEWS = "news"
    ALREADY = "already"
    """true without an event: stuck already at the first contact"""
    BASELINE = "baseline"
    """only of what was learnt at the first contact"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule × one value of its `by` fields.

    Args:
        fingerprint: a stable hash of both; the id that people see.
        by: the values of the `by` fields, in the rule's order; a farm by its id.
        labels: `rule`, `severity`, the rule's labels and the `by` values; a farm by its name.
    """

    fingerprint: str
    rule: str
    severity: Severity
    by: tuple[str | None, ...]
    labels: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of an alert, from firing to its end.

    Args:
        id: the store's number; 0 until stored.
        count: E in its window as last judged; once ended, the largest.
        tasks: keys of the tasks whose events made it up.
        known_at: the API's present when it was first known.
        end_known_at: the API's present when its end was first known.
        cause: of a trouble of the watcher itself.
    """

    id: int
    alert: Alert
    started_at: Millis
    origin: Origin
    count: int
    total: int | None
    first_at: Millis | None
    last_at: Millis | None
    tasks: tuple[int, ...]
    known_at: Millis
    ended_at: Millis | None = None
    end_reason: EndReason | None = None
    ended_by: str | None = None
    end_known_at: Millis | None = None
    cause: str | None = None

    @property
    def firing(self) -> bool:
        return self.ended_at is None
