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
    SILENCED = "silenced"
    MUTED = "muted"
    ACKNOWLEDGED = "acknowledged"
    FLAPPING = "flapping"
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
        what: the silence's number, the names of the mute times, or how often it flapped.
        author: who silenced or acknowledged it, with their `comment`.
    """

    reason: Say | Hush
    group: str | None = None
    due: Millis | None = None
    message: str | None = None
    by: str | None = None
    by_rule: str | None = None
    what: str | None = None
    author: str | None = None
    comment: str | None = None

    def same(self, other: "Why | None") -> bool:
        """Whether it is the same decision still: another due time alone makes no other one."""
        if other is None or self.reason is not other.reason:
            return False
        # A flapping alert changes all the time; how often is no other decision.
        hangs_on = (self.by, self.author, None if self.reason is Hush.FLAPPING else self.what)
        return hangs_on == (other.by, other.author, None if other.reason is Hush.FLAPPING else other.what)


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
