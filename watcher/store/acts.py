"""What people do while the daemon runs: silences and acknowledgements. Commands write, the daemon notices."""

import json
import sqlite3
from typing import Any

from watcher.model.act import Ack, Silence
from watcher.model.times import Millis

_COLUMNS = "id, match, starts_at, ends_at, author, comment"


class Acts:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def version(self) -> int:
        """Another one whenever somebody else has written to the file."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def silences(self, ended_after: Millis) -> list[Silence]:
        """Those that hold, will, or were over only after a moment; the first to begin first."""
        cursor = self._connection.execute(
            f"SELECT {_COLUMNS} FROM silences WHERE ends_at > ? ORDER BY starts_at, id",  # noqa: S608 - our own names
            (ended_after,),
        )
        return [_silence(row) for row in cursor]

    def silence(self, number: int) -> Silence | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM silences WHERE id = ?",  # noqa: S608 - as above
            (number,),
        ).fetchone()
        return None if row is None else _silence(row)

    def add(self, silence: Silence, now: Millis) -> int:
        """Keep a new silence; returns its number."""
        cursor = self._connection.execute(
            "INSERT INTO silences (match, starts_at, ends_at, author, comment, made_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                json.dumps(dict(silence.match)),
                silence.starts_at,
                silence.ends_at,
                silence.author,
                silence.comment,
                now,
            ),
        )
        return cursor.lastrowid or 0

    def expire(self, number: int, now: Millis) -> None:
        """End a silence; one that has not begun never held."""
        self._connection.execute(
            "UPDATE silences SET ends_at = ?, starts_at = min(starts_at, ?) WHERE id = ? AND ends_at > ?",
            (now, now, number, now),
        )

    def acks(self) -> dict[int, Ack]:
        """By the episodes that they are about."""
        cursor = self._connection.execute("SELECT episode, at, author, comment, count FROM acks")
        return {row[0]: Ack(*row) for row in cursor}

    def acknowledge(self, ack: Ack) -> None:
        """Keep it, in place of an earlier one of the same episode."""
        self._connection.execute(
            "INSERT INTO acks (episode, at, author, comment, count) VALUES (?, ?, ?, ?, ?) ON CONFLICT (episode) "
            "DO UPDATE SET at = excluded.at, author = excluded.author, comment = excluded.comment, "
            "count = excluded.count",
            (ack.episode, ack.at, ack.author, ack.comment, ack.count),
        )

    def outgrown(self, episode: int) -> None:
        """It has got worse since: nobody has taken that on."""
        self._connection.execute("DELETE FROM acks WHERE episode = ?", (episode,))

    def purge(self, before: Millis) -> None:
        self._connection.execute("DELETE FROM silences WHERE ends_at < ?", (before,))
        self._connection.execute("DELETE FROM acks WHERE NOT EXISTS (SELECT 1 FROM episodes WHERE id = acks.episode)")


def _silence(row: tuple[Any, ...]) -> Silence:
    number, match, starts_at, ends_at, author, comment = row
    patterns = {label: tuple(said) for label, said in json.loads(match).items()}
    return Silence(number, patterns, starts_at, ends_at, author, comment)
