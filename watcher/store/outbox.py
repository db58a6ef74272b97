"""Messages on their way: what waits, what was sent, folded or given up, and every attempt."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.model.times import Millis

_UNFINISHED = "state IN ('queued', 'sending')"
_READ = (
    "SELECT o.id, channel, target, message_id, m.text, state, attempts, may_repeat, created_at, first_tried_at, "
    "next_at, finished_at, reason, stands_for, folded_into, fallback_of "
    "FROM outbox AS o JOIN messages AS m ON m.id = o.message_id "
)
_MINE = f"channel = ? AND target = ? AND {_UNFINISHED}"
_THESE = "(SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One message for one target.

    Args:
        message: its JSON, which all rows of a message share.
        state: queued, sending, sent, dead, folded, or dropped.
        stands_for: of how many messages it is the digest; 1 for one that is none.
        folded_into: the row of the digest that tells it.
        fallback_of: the row of another channel that it stands in for.
    """

    id: int
    channel: str
    target: str
    message_id: str
    message: str
    state: str
    attempts: int
    may_repeat: bool
    created_at: Millis
    first_tried_at: Millis | None
    next_at: Millis | None
    finished_at: Millis | None
    reason: str | None
    stands_for: int
    folded_into: int | None
    fallback_of: int | None


class Outbox:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(
        self, dedupe_key: str, channel: str, target: str, message: str, now: Millis, *, fallback_of: int | None = None
    ) -> int:
        """Queue a message; one that is there already stays as it is.

        Args:
            dedupe_key: begins with the message's id and a slash.

        Returns:
            The new row's number; 0 where it was there.
        """
        said = dedupe_key.partition("/")[0]
        self._connection.execute("INSERT OR IGNORE INTO messages (id, text) VALUES (?, ?)", (said, message))
        cursor = self._connection.execute(
            "INSERT INTO outbox (dedupe_key, channel, target, message_id, state, attempts, may_repeat, created_at, "
            "fallback_of) VALUES (?, ?, ?, ?, 'queued', 0, 0, ?, ?) ON CONFLICT (dedupe_key) DO NOTHING",
            (dedupe_key, channel, target, said, now, fallback_of),
        )
        return (cursor.lastrowid or 0) if cursor.rowcount else 0

    def oldest(self, channel: str, target: str) -> OutboxRecord | None:
        """The target's oldest unfinished row."""
        return next(iter(self._select(f"WHERE {_MINE} ORDER BY o.id LIMIT 1", (channel, target))), None)

    def unfinished(self, channel: str, target: str) -> int:
        return self._count(f"SELECT count(*) FROM outbox WHERE {_MINE}", (channel, target))  # noqa: S608 - constants

    def record(self, number: int) -> OutboxRecord | None:
        return next(iter(self._select("WHERE o.id = ?", (number,))), None)

    # --- an attempt

    def begin(self, number: int, now: Millis) -> None:
        self._connection.execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, "
            "first_tried_at = coalesce(first_tried_at, ?) WHERE id = ?",
            (now, number),
        )

    def sent(self, number: int, now: Millis) -> None:
        self._connection.execute(
            "UPDATE outbox SET state = 'sent', finished_at = ?, next_at = NULL, reason = NULL WHERE id = ?",
            (now, number),
        )
        # The channel is back, and what it was not told by now is left to whoever reads the dead letters.
        self._connection.execute(
            "UPDATE outbox SET owed = 0 WHERE owed = 1 "
            "AND (channel, target) = (SELECT channel, target FROM outbox WHERE id = ?)",
            (number,),
        )

    def retry(self, number: int, at: Millis, reason: str, *, may_repeat: bool) -> None:
        self._connection.execute(
            "UPDATE outbox SET state = 'queued', next_at = ?, reason = ?, may_repeat = may_repeat OR ? WHERE id = ?",
            (at, reason, may_repeat, number),
        )

    def dead(self, number: int, now: Millis, reason: str, *, owed: bool = False) -> None:
        """Give a row up; an `owed` one is told by the target's next digest, if it comes before any other message."""
        self._connection.execute(
            "UPDATE outbox SET state = 'dead', finished_at = ?, next_at = NULL, reason = ?, owed = ? WHERE id = ?",
            (now, reason, owed, number),
        )

    def delivery(self, number: int, at: Millis, outcome: str, detail: str) -> None:
        self._connection.execute(
            "INSERT INTO deliveries (outbox, at, outcome, detail) VALUES (?, ?, ?, ?)",
            (number, at, outcome, detail),
        )

    # --- by hand

    def again(self, number: int) -> None:
        """Try a row at once, as if it had never been tried; what may have been delivered stays marked."""
        self._connection.execute(
            "UPDATE outbox SET state = 'queued', owed = 0, next_at = NULL, first_tried_at = NULL, attempts = 0, "
            "finished_at = NULL WHERE id = ?",
            (number,),
        )

    def drop(self, number: int, now: Millis) -> None:
        """Forget a row, but for the record."""
        self._connection.execute(
            "UPDATE outbox SET state = 'dropped', owed = 0, next_at = NULL, finished_at = ?, "
            "reason = coalesce('dropped by hand; before: ' || reason, 'dropped by hand') WHERE id = ?",
            (now, number),
        )

    # --- reading

    def records(self, *, states: Iterable[str], since: Millis = 0) -> list[OutboxRecord]:
        """Rows in these states, made after `since`, the newest first."""
        return self._select(
            f"WHERE state IN {_THESE} AND created_at >= ? ORDER BY o.id DESC", (json.dumps(list(states)), since)
        )

    def of_messages(self, messages: Iterable[str]) -> list[OutboxRecord]:
        """The rows of these messages, by their ids, in order."""
        return [
            record for message in messages for record in self._select("WHERE message_id = ? ORDER BY o.id", (message,))
        ]

    def fallbacks(self, number: int) -> list[OutboxRecord]:
        """The rows of other channels that stand in for one."""
        return self._select("WHERE fallback_of = ? ORDER BY o.id", (number,))

    def told_by(self, number: int) -> list[OutboxRecord]:
        """The rows that a digest tells."""
        return self._select("WHERE folded_into = ? ORDER BY o.id", (number,))

    def deliveries(self, number: int) -> list[tuple[Millis, str, str]]:
        """Every attempt of a row, in order: when, its outcome, and the service's answer."""
        cursor = self._connection.execute(
            "SELECT at, outcome, coalesce(detail, '') FROM deliveries WHERE outbox = ? ORDER BY id", (number,)
        )
        return cursor.fetchall()

    def counts(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())

    def died(self, since: Millis) -> list[tuple[str, str, int]]:
        """What was given up after `since`: channel, the last reason, how many messages."""
        cursor = self._connection.execute(
            "SELECT channel, coalesce(reason, 'no answer'), sum(stands_for), max(finished_at) FROM outbox "
            "WHERE state = 'dead' AND finished_at > ? GROUP BY channel ORDER BY channel",
            (since,),
        )
        return [(channel, reason, count) for channel, reason, count, _ in cursor]

    def failing(self, since: Millis, died_after: Millis) -> list[tuple[str, Millis, str, int]]:
        """Channels that messages don't get through to: their name, since when, why, and how many wait or died.

        Args:
            since: a message that waits was first tried before.
            died_after: one was given up later.
        """
        cursor = self._connection.execute(
            "SELECT channel, min(coalesce(first_tried_at, finished_at)), max(reason), sum(stands_for) FROM outbox "  # noqa: S608 - constants
            f"WHERE ({_UNFINISHED} AND attempts > 0 AND first_tried_at < ?) OR (state = 'dead' AND finished_at > ?) "
            "GROUP BY channel ORDER BY channel",
            (since, died_after),
        )
        return [(channel, at, reason or "no answer", count) for channel, at, reason, count in cursor]

    def strays(self, known: Iterable[tuple[str, str]]) -> list[OutboxRecord]:
        """Unfinished rows for targets that the configuration no longer has."""
        places = set(known)
        return [
            record
            for record in self.records(states=("queued", "sending"))
            if (record.channel, record.target) not in places
        ]

    def purge(self, before: Millis) -> None:
        self._connection.execute(
            "DELETE FROM deliveries WHERE outbox IN (SELECT id FROM outbox WHERE finished_at < ?)", (before,)
        )
        self._connection.execute("DELETE FROM outbox WHERE finished_at < ?", (before,))
        self._connection.execute(
            "DELETE FROM messages WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE message_id = messages.id)"
        )

    def _select(self, where: str, values: Sequence[Any]) -> list[OutboxRecord]:
        return [_record(row) for row in self._connection.execute(_READ + where, values)]

    def _count(self, question: str, values: Sequence[Any]) -> int:
        count: int = self._connection.execute(question, values).fetchone()[0]
        return count


def _record(row: tuple[Any, ...]) -> OutboxRecord:
    values = list(row)
    values[7] = bool(values[7])
    return OutboxRecord(*values)
