"""Many alerts in one message: facts, not text."""

from dataclasses import dataclass
from enum import StrEnum

from watcher.model.severity import Severity
from watcher.model.times import Millis


class Cause(StrEnum):
    """Why many things are said in one message."""

    BUDGET = "budget"
    """the channel had had as many messages as it may have"""
    OUTAGE = "outage"
    """messages could not be delivered in time"""
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert in one line.

    Args:
        rule: what its rule says happened.
        place: the values of its labels that say where, the farm first.
    """

    id: str
    rule: str
    severity: Severity
    place: tuple[str, ...]
    count: int
    started_at: Millis
    ended_at: Millis | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """What many messages would have said, counted.

    Args:
        messages: how many.
        since: when the first of them was made; of a daily summary, when the last one was.
        standing: alerts that fire: critical ones first, then the oldest.
        standing_total: how many there are.
        over: alerts that have ended, the oldest first.
        over_total: how many there are.
        passed: how many of these had also begun since.
        rules: alerts by rule, commonest first.
        farms: alerts by farm, commonest first.
        others: what messages said that are about no alert, a line each.
        unsaid: of a daily summary, why alerts were not told: a reason → how many.
        died: of a daily summary, what was given up: channel, the last reason, how many messages.
    """

    cause: Cause
    messages: int
    since: Millis
    standing: tuple[AlertLine, ...]
    standing_total: int
    over: tuple[AlertLine, ...]
    over_total: int
    passed: int
    rules: tuple[tuple[str, int], ...]
    farms: tuple[tuple[str, int], ...]
    others: tuple[str, ...] = ()
    unsaid: tuple[tuple[str, int], ...] = ()
    died: tuple[tuple[str, str, int], ...] = ()
