"""What is known of one farm that decides what to ask next: its batches, its miners, what is wanted of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from watcher.model.batch import Batch
from watcher.model.task import CANCELLED, FAILED, PENDING, SUCCEED, TIMED_OUT, Task, is_final
from watcher.model.times import DAY, HOUR, MINUTE, Millis
from watcher.watch.turns import Turns

OVERLAP: Millis = 5 * MINUTE
"""A list of batches asks for what was created since the last one and this much more."""
FIRST_REACH: Millis = 7 * DAY
_PINNED: Millis = HOUR
"""An open batch that is older is followed by its id, so that one that never ends does not make the lists long."""
_LINGERS: Millis = HOUR
"""How long a batch that says it is pending, or lacks tasks, is read again although all it shows has ended."""


class Strategy(StrEnum):
    """How a farm's tasks are read."""

    SEARCH = "search"
    """2.2, and 2.4 for what moved"""
    LIST = "list"
    """2.3 instead of 2.2"""
    MINERS = "miners"
    """2.1, miner by miner"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a reading of a batch counted, in the words of a list."""

    total: int
    succeeded: int
    failed: int
    otherwise: int

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> "Tally":
        statuses = [task.status for task in tasks]
        otherwise = statuses.count(TIMED_OUT) + statuses.count(CANCELLED)
        return cls(len(statuses), statuses.count(SUCCEED), statuses.count(FAILED), otherwise)

    def agrees(self, row: Batch) -> bool:
        """Whether a list says no more than the reading; its `failed_count` may or may not have the timed-out ones."""
        return (
            row.task_count in (None, self.total)
            and row.succeed_count in (None, self.succeeded)
            and row.failed_count in (None, self.failed, self.failed + self.otherwise)
            and (row.status == PENDING) == (self.succeeded + self.failed + self.otherwise < self.total)
        )


@dataclass(slots=True)
class Followed:
    """A batch that is to be read, or read again.

    Args:
        listed_at: the API's present when a list first showed it.
        read_at: the API's present at its last reading; None: it was never read.
        row: what the last list said.
        covered: what the list said that the last reading was after.
        history: it was over before the first contact.
        moved: a list says more than the last reading knows; `trouble`: and something failed.
        resume_at: it could not be read, and is left alone until then.
    """

    id: str
    created_at: Millis | None
    listed_at: Millis
    read_at: Millis | None = None
    row: Batch | None = None
    covered: Batch | None = None
    tally: Tally | None = None
    history: bool = False
    moved: bool = False
    trouble: bool = False
    failures: int = 0
    resume_at: Millis = 0

    @property
    def known_to(self) -> Millis | None:
        """Up to when it is known: its last reading, or until just before it was created."""
        if self.read_at is not None:
            return self.read_at
        return self.listed_at if self.created_at is None else self.created_at - 1

    def listed(self, row: Batch) -> None:
        """A list told of it once more."""
        before, self.row = self.row, row
        if self.read_at is None or row == self.covered:
            return
        if self.tally is not None and self.tally.agrees(row):
            self.covered = row
            return
        self.moved = True
        known = before or self.covered
        failed = (row.failed_count or 0) > ((known.failed_count or 0) if known is not None else 0)
        self.trouble = self.trouble or failed or row.status not in (PENDING, SUCCEED)


@dataclass(slots=True)
class FarmState:
    """One farm.

    Args:
        strategy: None until it is found out.
        t0: the first contact.
        listed_at: the API's present at the last complete list of batches.
        asked_at: when a list was asked for the last time, with or without success.
        batches: those that are to be read, or read again.
        done: those of the last list that need no reading, as it told of them, with what their last one counted.
        records: miners whose full record the rules wait for, each with the time of the latest trouble.
        reasons: miners whose record would tell why something failed.
        stuck_at: when time alone may next make something true.
        resume_at: the farm could not be read, and is left alone until then.
        held: miners that could not be read, likewise.
        refused: not even its miners may be listed, so that a refusal says nothing of its batches.
        agent_status: of the farm's agent.
        gap_noted: that a part of its history can't be had was written down.
    """

    id: str
    strategy: Strategy | None = None
    probed_at: Millis | None = None
    t0: Millis | None = None
    listed_at: Millis | None = None
    asked_at: Millis | None = None
    batches: dict[str, Followed] = field(default_factory=dict)
    done: dict[str, tuple[Batch, Tally | None]] = field(default_factory=dict)
    records: dict[str, Millis] = field(default_factory=dict)
    reasons: dict[str, Millis] = field(default_factory=dict)
    stuck_at: Millis | None = None
    turns: Turns = field(default_factory=Turns)
    resume_at: Millis = 0
    held: dict[str, Millis] = field(default_factory=dict)
    refused: bool = False
    agent_status: str | None = None
    gap_noted: bool = False

    @property
    def by_batches(self) -> bool:
        return self.strategy is not Strategy.MINERS

    def window(self, now: Millis) -> Millis:
        """From which creation on a list has to tell."""
        if self.listed_at is None:
            return now - FIRST_REACH
        pinned = [
            batch.created_at
            for batch in self.batches.values()
            if not batch.history and batch.created_at is not None and batch.created_at > now - _PINNED
        ]
        return min([self.listed_at - OVERLAP, *pinned])

    def listed(self, rows: Sequence[Batch], present: Millis, stored: Callable[[str], bool]) -> list[Batch]:
        """Take in a complete list; returns the rows that say something new.

        Args:
            stored: whether the store has read a batch, and has it as over.
        """
        news: list[Batch] = []
        done: dict[str, tuple[Batch, Tally | None]] = {}
        for row in rows:
            followed, before = self.batches.get(row.id), self.done.get(row.id)
            if followed is not None:
                if row != followed.row:
                    news.append(row)
                followed.listed(row)
            elif before is not None and (row == before[0] or (before[1] is not None and before[1].agrees(row))):
                done[row.id] = (row, before[1])
            elif before is None and stored(row.id):
                done[row.id] = (row, None)
            else:
                news.append(row)
                self.batches[row.id] = self._new(row, present, seen_before=before is not None)
        self.done = done
        self.listed_at = present
        return news

    def _new(self, row: Batch, present: Millis, *, seen_before: bool) -> Followed:
        t0 = present if self.t0 is None else self.t0
        over = row.status != PENDING and row.created_at is not None and row.created_at < t0
        history = over and not seen_before and self.listed_at is None
        return Followed(row.id, row.created_at, present, row=row, history=history)

    def read(self, batch_id: str, tasks: Sequence[Task], head: Batch | None, present: Millis) -> bool:
        """Take in a reading; returns whether the batch is still followed."""
        followed = self.batches.get(batch_id)
        if followed is None:
            followed = self.batches[batch_id] = Followed(batch_id, None, present)
        followed.read_at = max(present, followed.read_at or 0)
        followed.tally = Tally.of(tasks)
        return self._covered(followed, tasks, head, present)

    def reread(self, batch_id: str, present: Millis) -> None:
        """The reply was the last one to the letter."""
        followed = self.batches[batch_id]
        followed.read_at = max(present, followed.read_at or 0)
        self._settled(followed)

    def _settled(self, followed: Followed) -> None:
        followed.covered, followed.moved, followed.trouble, followed.failures = followed.row, False, False, 0

    def _covered(self, followed: Followed, tasks: Sequence[Task], head: Batch | None, present: Millis) -> bool:
        self._settled(followed)
        young = followed.created_at is None or present - followed.created_at < _LINGERS
        pending = head is not None and head.status == PENDING
        told = (followed.row.task_count or 0) if followed.row is not None else 0
        lingering = young and (pending or not tasks or len(tasks) < told)
        if lingering or not all(is_final(task.status) for task in tasks):
            return True
        del self.batches[followed.id]
        if followed.row is not None:
            self.done[followed.id] = (followed.row, followed.tally)
        return False

    def batches_read(self) -> list[tuple[str, Millis]]:
        """The batches that are followed and were read, each with its last reading."""
        return [(one.id, one.read_at) for one in self.batches.values() if one.read_at is not None]

    def known_to(self) -> Millis | None:
        """Up to when everything is known: the last list, but no further than each batch that is followed."""
        if self.listed_at is None:
            return None
        bounds = [batch.known_to for batch in self.batches.values() if not batch.history]
        return min([self.listed_at, *(at for at in bounds if at is not None)])
