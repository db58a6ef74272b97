"""Messages that are told by another one, their digest; and how many a target got of late."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.model.times import Millis

_THESE = "(SELECT value FROM json_each(?))"
_ROWS = (
    "SELECT id, message_id, created_at, first_tried_at, attempts, stands_for, state = 'queued' AS unfinished "
    "FROM outbox WHERE channel = ? AND target = ? "
)
_WAITING = (
    f"{_ROWS} AND state IN ('queued', 'sending') AND state = 'queued' AND may_repeat = 0 "
    f"UNION ALL {_ROWS} AND owed = 1 ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that a digest may tell: surely not delivered. See `OutboxRecord`."""

    id: int
    message_id: str
    created_at: Millis
    first_tried_at: Millis | None
    attempts: int
    stands_for: int
    unfinished: bool


class Folds:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def waiting(self, channel: str, target: str) -> list[Waiting]:
        """All rows of a target that a digest may tell, in order."""
        return [Waiting(*row) for row in self._connection.execute(_WAITING, (channel, target) * 2)]

    def nth_last(self, channel: str, target: str, count: int, now: Millis, window: Millis) -> Millis | None:
        """When the target got the last message but `count` - 1, if that is within the window. After a start the clock
        may be a little behind what it was; but what is still to come by more was sent before it was put back."""
        row = self._connection.execute(
            "SELECT finished_at FROM outbox WHERE channel = ? AND target = ? AND state = 'sent' "
            "AND finished_at > ? AND finished_at <= ? ORDER BY finished_at DESC LIMIT 1 OFFSET ?",
            (channel, target, now - window, now + window, count - 1),
        ).fetchone()
        return None if row is None else int(row[0])

    def carrier(self, channel: str, target: str, now: Millis) -> int:
        """A new row, which is to tell others."""
        cursor = self._connection.execute(
            "INSERT INTO outbox (dedupe_key, channel, target, message_id, state, attempts, may_repeat, created_at) "
            "VALUES ('', ?, ?, '', 'queued', 0, 0, ?)",
            (channel, target, now),
        )
        return cursor.lastrowid or 0

    def fold(self, numbers: Sequence[int], carrier: int, now: Millis) -> None:
        """These rows, and those that they told, are told by `carrier`."""
        told = json.dumps([number for number in numbers if number != carrier])
        self._connection.execute(
            f"UPDATE outbox SET folded_into = ? WHERE folded_into IN {_THESE}",  # noqa: S608 - constants
            (carrier, told),
        )
        self._connection.execute(
            "UPDATE outbox SET state = 'folded', folded_into = ?, owed = 0, next_at = NULL, finished_at = ? "  # noqa: S608 - constants
            f"WHERE id IN {_THESE}",
            (carrier, now, told),
        )

    def members(self, carrier: int) -> list[tuple[str, Millis]]:
        """The messages that a digest tells, and when they were made; digests that it replaces are none."""
        cursor = self._connection.execute(
            "SELECT message_id, created_at FROM outbox WHERE folded_into = ? AND stands_for = 1 ORDER BY id", (carrier,)
        )
        return cursor.fetchall()

    def write(
        self,
        carrier: int,
        message_id: str,
        message: str,
        *,
        stands_for: int,
        attempts: int,
        first_tried_at: Millis | None,
    ) -> None:
        """Give the carrier its message, and the attempts of the rows whose turn it takes."""
        self._connection.execute(
            "INSERT INTO messages (id, text) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text",
            (message_id, message),
        )
        self._connection.execute(
            "UPDATE outbox SET dedupe_key = ? || '/' || channel || '/' || target, message_id = ?, stands_for = ?, "
            "attempts = ?, first_tried_at = ?, next_at = NULL WHERE id = ?",
            (message_id, message_id, stands_for, attempts, first_tried_at, carrier),
        )

    def episodes(self, channel: str, messages: Sequence[str]) -> list[tuple[int, str]]:
        """The episodes that these messages were the last to tell a channel of, each with its message."""
        cursor = self._connection.execute(
            f"SELECT episode, message FROM told WHERE channel = ? AND message IN {_THESE} ORDER BY episode",  # noqa: S608 - constants
            (channel, json.dumps(list(messages))),
        )
        return cursor.fetchall()

    def without_alerts(self, messages: Sequence[str]) -> list[tuple[str, str]]:
        """Those of these messages that tell this channel of no alert: their ids and their JSON."""
        cursor = self._connection.execute(
            f"SELECT id, text FROM messages WHERE id IN {_THESE} AND (json_array_length(text, '$.sections') = 0 "  # noqa: S608 - constants
            "OR json_extract(text, '$.undelivered') IS NOT NULL) ORDER BY rowid",
            (json.dumps(list(messages)),),
        )
        return cursor.fetchall()

    def notes(self, messages: Sequence[str]) -> list[str]:
        """What these messages say about the watch itself."""
        cursor = self._connection.execute(
            "SELECT note.value FROM messages, json_each(messages.text, '$.notes') AS note "  # noqa: S608 - constants
            f"WHERE messages.id IN {_THESE}",
            (json.dumps(list(messages)),),
        )
        return [str(row[0]) for row in cursor]
