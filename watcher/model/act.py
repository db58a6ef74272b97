"""What people do about alerts: they silence them for a while, or acknowledge one. With who, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Silence:
    """For a while, nothing is said of the alerts that it matches.

    Args:
        id: the store's number; 0 until stored.
        match: label → patterns, as in a rule's match.
        ends_at: the first moment at which it no longer holds; one that was ended early ended then.
    """

    id: int
    match: Mapping[str, tuple[str, ...]]
    starts_at: Millis
    ends_at: Millis
    author: str
    comment: str

    def holds(self, at: Millis) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Ack:
    """Somebody has taken an episode on: no repeats and no escalation of it until it gets worse or ends.

    Args:
        episode: its number.
        count: of its events, when it was acknowledged.
    """

    episode: int
    at: Millis
    author: str
    comment: str
    count: int

    def outgrown(self, count: int) -> bool:
        """It has got worse: its count has doubled since."""
        return count >= 2 * max(self.count, 1)


class Deed(StrEnum):
    """What was done, as a message tells it."""

    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did about the alerts of a message.

    Args:
        at: when they acknowledged; of a silence, when it ends or ended.
        comment: may be empty.
    """

    deed: Deed
    author: str
    at: Millis
    comment: str
