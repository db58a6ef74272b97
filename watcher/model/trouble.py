"""The watcher's own troubles: what keeps it from seeing or telling."""

from dataclasses import dataclass
from enum import StrEnum

from watcher.model.times import Millis


class TroubleKind(StrEnum):
    """What is wrong with the watch itself, as rules name it (`match: {watcher: …}`)."""

    BLIND = "blind"
    """no complete look for five minutes"""
    AUTH = "auth"
    """the API refuses the key"""
    GAP = "gap"
    """a part of the history is out of reach for good"""
    BEHIND = "behind"
    """the watermark is older than three times what the strategy expects"""
    CHANNEL = "channel"
    """messages do not get through"""
    RULES = "rules"
    """an edit of rules or configuration was refused"""
    CLOCK = "clock"
    """the API's clock jumped"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of them, while it lasts.

    Args:
        farm_id: None where it is about the API as a whole, or about none.
        since: since when (API's present).
        cause: in a sentence, without secrets.
    """

    kind: TroubleKind
    since: Millis
    cause: str
    farm_id: str | None = None
    channel: str | None = None
