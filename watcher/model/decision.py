"""Why something was said of an alert on a channel, or why not: kept with every alert (invariant 10)."""

from dataclasses import dataclass
from enum import StrEnum

from watcher.model.message import Say
from watcher.model.times import Millis


class Hush(StrEnum):
    """Why nothing is said."""

    UNCHANGED = "unchanged"
    WAITING = "waiting"
    BASELINE = "baseline"
    INHIBITED = "inhibited"
    FOLDED = "folded"
    """told by a digest, together with others"""
    TOO_OLD = "too_old"
    """over for longer than `alerts.max_age` before it could be told"""


@dataclass(frozen=True, slots=True)
class Why:
    """A reason with what it hangs on.

    Args:
        group: key of the group that it was decided for.
        due: when it changes, if nothing new comes; None for never or unknown.
        message: id of the message that said it.
        by: of an inhibited one, the fingerprint of the alert that speaks for it; `by_rule`: that one's rule.
    """

    reason: Say | Hush
    group: str | None = None
    due: Millis | None = None
    message: str | None = None
    by: str | None = None
    by_rule: str | None = None

    def same(self, other: "Why | None") -> bool:
        """Whether it is the same decision still: another due time alone makes no other one."""
        return other is not None and self.reason is other.reason and self.by == other.by


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on one episode.

    Args:
        at: the API's present when it was decided.
        alert: fingerprint.
        channel: None where it is the same for every channel.
        episode: the store's number; 0 for those of older versions, which did not keep it.
    """

    at: Millis
    alert: str
    channel: str | None
    episode: int
    why: Why


def reason_named(name: str) -> Say | Hush:
    """The reason of this name.

    Raises:
        ValueError: there is none.
    """
    return Say(name) if name in list(map(str, Say)) else Hush(name)
