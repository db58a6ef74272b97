"""Messages on their way: what waits, what was sent, what was given up, and every attempt."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watcher.model.times import Millis

_UNFINISHED = "state IN ('queued', 'sending')"
_COLUMNS = (
    "id, channel, target, message, state, attempts, may_repeat, created_at, first_tried_at, next_at, "
    "finished_at, reason"
)


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One message for one target; `message` is its JSON, `state` queued, sending, sent or dead."""

    id: int
    channel: str
    target: str
    message: str
    state: str
    attempts: int
    may_repeat: bool
    created_at: Millis
    first_tried_at: Millis | None
    next_at: Millis | None
    finished_at: Millis | None
    reason: str | None


class Outbox:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, dedupe_key: str, channel: str, target: str, message: str, now: Millis) -> None:
        """Queue a message; one that is there already stays as it is."""
        self._connection.execute(
            "INSERT INTO outbox (dedupe_key, channel, target, message, state, attempts, may_repeat, created_at) "
            "VALUES (?, ?, ?, ?, 'queued', 0, 0, ?) ON CONFLICT (dedupe_key) DO NOTHING",
            (dedupe_key, channel, target, message, now),
        )

    def oldest(self, channel: str, target: str) -> OutboxRecord | None:
        """The target's oldest unfinished row."""
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE channel = ? AND target = ? AND {_UNFINISHED} "  # noqa: S608 - constants
            "ORDER BY id LIMIT 1",
            (channel, target),
        ).fetchone()
        return None if row is None else _record(row)

    def unfinished(self, channel: str, target: str) -> int:
        count: int = self._connection.execute(
            f"SELECT count(*) FROM outbox WHERE channel = ? AND target = ? AND {_UNFINISHED}",  # noqa: S608 - constants
            (channel, target),
        ).fetchone()[0]
        return count

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

    def retry(self, number: int, at: Millis, reason: str, *, may_repeat: bool) -> None:
        self._connection.execute(
            "UPDATE outbox SET state = 'queued', next_at = ?, reason = ?, may_repeat = may_repeat OR ? WHERE id = ?",
            (at, reason, may_repeat, number),
        )

    def dead(self, number: int, now: Millis, reason: str) -> None:
        self._connection.execute(
            "UPDATE outbox SET state = 'dead', finished_at = ?, next_at = NULL, reason = ? WHERE id = ?",
            (now, reason, number),
        )

    def delivery(self, number: int, at: Millis, outcome: str, detail: str) -> None:
        self._connection.execute(
            "INSERT INTO deliveries (outbox, at, outcome, detail) VALUES (?, ?, ?, ?)",
            (number, at, outcome, detail),
        )

    def records(self, *, states: Iterable[str], since: Millis = 0) -> list[OutboxRecord]:
        """Rows in these states, made after `since`, the newest first."""
        wanted = list(states)
        cursor = self._connection.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE state IN ({', '.join('?' * len(wanted))}) "  # noqa: S608 - marks only
            "AND created_at >= ? ORDER BY id DESC",
            (*wanted, since),
        )
        return [_record(row) for row in cursor]

    def of_messages(self, messages: Iterable[str]) -> list[OutboxRecord]:
        """The rows of these messages, by their ids, in order."""
        found: list[OutboxRecord] = []
        for message in messages:
            # The dedupe key begins with the message's id and a slash; "0" is the sign after it.
            cursor = self._connection.execute(
                f"SELECT {_COLUMNS} FROM outbox WHERE dedupe_key > ? AND dedupe_key < ? ORDER BY id",  # noqa: S608 - constants
                (f"{message}/", f"{message}0"),
            )
            found += [_record(row) for row in cursor]
        return found

    def deliveries(self, number: int) -> list[tuple[Millis, str, str]]:
        """Every attempt of a row, in order: when, its outcome, and the service's answer."""
        cursor = self._connection.execute(
            "SELECT at, outcome, coalesce(detail, '') FROM deliveries WHERE outbox = ? ORDER BY id", (number,)
        )
        return cursor.fetchall()

    def counts(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())

    def failing(self, since: Millis, died_after: Millis) -> list[tuple[str, Millis, str, int]]:
        """Channels that messages don't get through to: their name, since when, why, and how many wait or died.

        Args:
            since: a message that waits was first tried before.
            died_after: one was given up later.
        """
        cursor = self._connection.execute(
            "SELECT channel, min(coalesce(first_tried_at, finished_at)), max(reason), count(*) FROM outbox "  # noqa: S608 - constants
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


def _record(row: tuple[Any, ...]) -> OutboxRecord:
    values = list(row)
    values[6] = bool(values[6])
    return OutboxRecord(*values)
