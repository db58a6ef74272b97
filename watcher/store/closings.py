"""Which channels wait to be told what became of a batch, and which of them were."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from watcher.model.batch import Batch
from watcher.model.times import Millis

_OPEN = "t.lost_at IS NULL AND t.status NOT IN ('succeed', 'failed', 'timed_out', 'cancelled')"


class Awaited(NamedTuple):
    farm_id: str
    batch_id: str
    channel: str


class Ended(NamedTuple):
    """A batch that is over: the keys of all its tasks, and the last one's end."""

    batch: Batch
    tasks: tuple[int, ...]
    at: Millis | None


class Closings:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def wait(self, tasks: Iterable[int], channel: str) -> None:
        """The channel is to be told of these tasks' batches; of one that it was told of it is not told again."""
        self._connection.execute(
            "INSERT OR IGNORE INTO closings (farm_id, batch_id, channel) "
            "SELECT DISTINCT farm_id, batch_id, ? FROM tasks "
            "WHERE key IN (SELECT value FROM json_each(?)) AND batch_id IS NOT NULL",
            (channel, json.dumps(list(tasks))),
        )

    def over(self) -> list[Awaited]:
        """Those whose batch has nothing open, as far as is known."""
        cursor = self._connection.execute(
            "SELECT farm_id, batch_id, channel FROM closings AS c WHERE said_at IS NULL AND NOT EXISTS "  # noqa: S608 - constants
            "(SELECT 1 FROM batches AS b WHERE b.farm_id = c.farm_id AND b.id = c.batch_id AND b.open = 1) "
            "AND NOT EXISTS "
            f"(SELECT 1 FROM tasks AS t WHERE t.farm_id = c.farm_id AND t.batch_id = c.batch_id AND {_OPEN})"
        )
        return [Awaited(*row) for row in cursor]

    def ended(self, farm_id: str, batch_id: str) -> Ended | None:
        """None for a batch of which nothing is kept any more."""
        found = self._connection.execute(
            "SELECT t.key, t.name, t.created_at, t.actor, max(x.at) FROM tasks AS t "
            "LEFT JOIN transitions AS x ON x.task = t.key "
            "WHERE t.farm_id = ? AND t.batch_id = ? GROUP BY t.key ORDER BY t.key",
            (farm_id, batch_id),
        ).fetchall()
        if not found:
            return None
        keys, (name, *_), begins, actors, ends = zip(*found, strict=True)
        began = min((at for at in begins if at is not None), default=None)
        actor = next((actor for actor in actors if actor), None)
        batch = Batch(farm_id, batch_id, name, "", began, len(keys), actor=actor)
        return Ended(batch, keys, max((at for at in ends if at is not None), default=None))

    def said(self, one: Awaited, now: Millis) -> None:
        self._connection.execute(
            "UPDATE closings SET said_at = ? WHERE farm_id = ? AND batch_id = ? AND channel = ?", (now, *one)
        )

    def purge(self, before: Millis) -> None:
        self._connection.execute("DELETE FROM closings WHERE said_at < ?", (before,))
