"""What the delivery asks of the store: rows of messages that wait, each for one target of one channel."""

from dataclasses import dataclass
from typing import Protocol

from watcher.model.message import Message
from watcher.model.times import Millis
from watcher.notify.outcome import Outcome
from watcher.notify.retry import Dead, Retry


@dataclass(frozen=True, slots=True)
class Row:
    """One message for one target.

    Args:
        id: the store's own; rows of a target are sent in the order of their ids.
        channel: the channel's name.
        target: the target's key, which is unique in its channel.
        attempts: those begun so far.
        first_tried_at: when the first of them began; None before it.
        may_repeat: an earlier attempt may have delivered it: it was uncertain, or the process died in it.
    """

    id: int
    message: Message
    channel: str
    target: str
    attempts: int
    first_tried_at: Millis | None
    may_repeat: bool


class Outbox(Protocol):
    """Each call is one transaction, committed when it returns; any may raise `StoreFailed`."""

    def due(self, channel: str, target: str, now: Millis) -> Row | None:
        """The target's oldest unfinished row; None while it waits for its retry, and so wait those behind it.

        A row found as `sending` was in flight when a process died: it is due, with `may_repeat`.
        """

    def next_due(self, channel: str, target: str, now: Millis) -> Millis | None:
        """When the target's oldest unfinished row may be tried, by its retry and the budget; None without one."""

    def fold(self, channel: str, target: str, now: Millis) -> None:
        """Before an attempt: makes one digest of the rows that wait, where the budget or their age asks for it."""

    def unfinished(self, channel: str, target: str) -> int:
        """How many of the target's rows are neither sent nor dead."""

    def begin(self, row: Row, now: Millis) -> None:
        """Marks the row `sending` and counts the attempt, before anything leaves the house."""

    def finish(self, row: Row, outcome: Outcome, then: Retry | Dead | None, now: Millis) -> None:
        """Writes the attempt's delivery record and what becomes of the row.

        Args:
            row: as `begin` was given it.
            outcome: of the attempt; after an uncertain one the row's `may_repeat` is True for good.
            then: None after a row was sent.
            now: when the attempt ended.
        """
