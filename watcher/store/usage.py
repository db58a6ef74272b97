"""What the requests were spent on, minute by minute, for `status`."""

import sqlite3

from watcher.model.times import HOUR, MINUTE, Millis

_KEPT: Millis = 24 * HOUR


class Usage:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, purpose: str, at: Millis, requests: int) -> None:
        minute = at // MINUTE
        self._connection.execute(
            "INSERT INTO usage (minute, purpose, requests) VALUES (?, ?, ?) "
            "ON CONFLICT (minute, purpose) DO UPDATE SET requests = requests + excluded.requests",
            (minute, purpose, requests),
        )

    def since(self, at: Millis) -> dict[str, int]:
        """Requests by purpose, the most first."""
        cursor = self._connection.execute(
            "SELECT purpose, sum(requests) FROM usage WHERE minute >= ? GROUP BY purpose ORDER BY 2 DESC",
            (at // MINUTE,),
        )
        return dict(cursor.fetchall())

    def purge(self, now: Millis) -> None:
        self._connection.execute("DELETE FROM usage WHERE minute < ?", ((now - _KEPT) // MINUTE,))
