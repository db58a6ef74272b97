"""Batches: what the lists told of them, and when each was read last."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watcher.model.batch import Batch
from watcher.model.times import Millis

_COLUMNS = "farm_id, id, name, status, created_at, task_count, succeed_count, failed_count, actor"
_READ = f"SELECT {_COLUMNS}, listed_at, read_at, open FROM batches WHERE farm_id = ? AND "  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as it is stored.

    Args:
        listed_at: the API's present when a list first showed it.
        read_at: the API's present at its last reading; None: it was never read.
        open: something in it may still move, or nobody has looked yet.
    """

    batch: Batch
    listed_at: Millis
    read_at: Millis | None
    open: bool


class Batches:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def to_read(self, farm_id: str) -> list[BatchRecord]:
        """Those that are open or were never read."""
        return self._records("open = 1", farm_id)

    def record(self, farm_id: str, batch_id: str) -> BatchRecord | None:
        return next(iter(self._records("id = ?", farm_id, batch_id)), None)

    def write(self, batches: Iterable[Batch], listed_at: Millis) -> None:
        """Take in what a list told; a batch that is new to the store is open until it was read."""
        self._connection.executemany(
            f"INSERT INTO batches ({_COLUMNS}, listed_at, open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "  # noqa: S608 - as above
            "ON CONFLICT (farm_id, id) DO UPDATE SET status = excluded.status, "
            "task_count = coalesce(excluded.task_count, task_count), "
            "succeed_count = coalesce(excluded.succeed_count, succeed_count), "
            "failed_count = coalesce(excluded.failed_count, failed_count)",
            [
                (b.farm_id, b.id, b.name, b.status, b.created_at, b.task_count, b.succeed_count, b.failed_count,
                 b.actor, listed_at)
                for b in batches
            ],
        )  # fmt: skip

    def was_read(self, farm_id: str, batch_id: str, at: Millis, *, still_open: bool) -> None:
        self._connection.execute(
            "UPDATE batches SET read_at = max(coalesce(read_at, 0), ?), open = ? WHERE farm_id = ? AND id = ?",
            (at, still_open, farm_id, batch_id),
        )

    def close(self, farm_id: str, batch_id: str) -> None:
        """Nobody can read it any more: its tasks are left to the looks at their miners."""
        self._connection.execute("UPDATE batches SET open = 0 WHERE farm_id = ? AND id = ?", (farm_id, batch_id))

    def purge(self, before: Millis) -> None:
        self._connection.execute("DELETE FROM batches WHERE open = 0 AND created_at < ?", (before,))

    def _records(self, where: str, farm_id: str, *values: Any) -> list[BatchRecord]:  # noqa: ANN401 - what SQLite binds
        cursor = self._connection.execute(_READ + where, (farm_id, *values))
        return [BatchRecord(Batch(*row[:9]), row[9], row[10], bool(row[11])) for row in cursor]
