"""The current rows of tasks and the append-only log of their transitions."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.model.merge import in_order
from watcher.model.task import Task, Transition, is_final
from watcher.model.times import Millis
from watcher.store import rows

_COLUMNS = ", ".join(rows.TASK_COLUMNS)
_UPSERT = (
    f"INSERT INTO tasks ({_COLUMNS}) VALUES ({', '.join('?' * len(rows.TASK_COLUMNS))}) "  # noqa: S608 - our own column names
    f"ON CONFLICT (farm_id, id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in rows.TASK_COLUMNS if column not in ("farm_id", "id"))
)
_SHOWN = ", missing_since = NULL, lost_at = NULL"
_LOG = (
    f"INSERT INTO transitions ({', '.join(rows.TRANSITION_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?) "  # noqa: S608 - as above
    "ON CONFLICT (task, status) DO UPDATE "
    "SET at = excluded.at, observed = excluded.observed, since = excluded.since"
)


_OPEN = "lost_at IS NULL AND status NOT IN ('succeed', 'failed', 'timed_out', 'cancelled')"
"""As the partial index has it, or SQLite does not use it."""

Stored = tuple[Any, ...]
"""A row in the order of `TASK_COLUMNS`, then `missing_since` and `lost_at`."""


@dataclass(frozen=True, slots=True)
class Known:
    """A task as it is stored."""

    key: int
    task: Task
    transitions: tuple[Transition, ...]
    missing_since: Millis | None
    lost_at: Millis | None


class Tasks:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known(self, farm_id: str, ids: Iterable[str]) -> dict[str, Known]:
        """The stored ones among a farm's tasks, by id."""
        found = self._rows(
            "SELECT * FROM tasks WHERE farm_id = ? AND id IN (SELECT value FROM json_each(?))",
            (farm_id, json.dumps(list(ids))),
        )
        log = self.transitions([row["key"] for row in found])
        return {row["id"]: _known(row, log) for row in found}

    def stored(self, farm_id: str, ids: Iterable[str]) -> dict[str, Stored]:
        """The stored rows among a farm's tasks, by id, as they lie there."""
        cursor = self._connection.execute(
            f"SELECT {_COLUMNS}, missing_since, lost_at FROM tasks "  # noqa: S608 - our own column names
            "WHERE farm_id = ? AND id IN (SELECT value FROM json_each(?))",
            (farm_id, json.dumps(list(ids))),
        )
        return {row[1]: row for row in cursor}

    @staticmethod
    def same(stored: Stored | None, task: Task) -> bool:
        """Whether a reading of a final task is what the store has already, to the letter."""
        if stored is None or stored[-1] is not None or stored[-2] is not None:
            return False
        return is_final(task.status) and task.status in task.times and stored[:-2] == rows.task_row(task)

    def overdue(self, farm_id: str, before: Millis) -> list[Known]:
        """A farm's open tasks that no reading has shown since before a moment."""
        return self._all(
            f"SELECT * FROM tasks WHERE missing_since <= ? AND farm_id = ? AND {_OPEN}",  # noqa: S608 - constants
            (before, farm_id),
        )

    def unseen_of_miner(self, farm_id: str, miner_id: str, seen: Iterable[str]) -> list[Known]:
        """A miner's open tasks that a reading did not show."""
        return self._all(
            f"SELECT * FROM tasks WHERE farm_id = ? AND miner_id = ? AND {_OPEN} "  # noqa: S608 - constants
            "AND id NOT IN (SELECT value FROM json_each(?))",
            (farm_id, miner_id, json.dumps(list(seen))),
        )

    def unseen_of_batch(self, farm_id: str, batch_id: str, seen: Iterable[str]) -> list[Known]:
        """A batch's open tasks that a reading did not show."""
        return self._all(
            f"SELECT * FROM tasks WHERE farm_id = ? AND batch_id = ? AND {_OPEN} "  # noqa: S608 - constants
            "AND id NOT IN (SELECT value FROM json_each(?))",
            (farm_id, batch_id, json.dumps(list(seen))),
        )

    def lacking(self, farm_id: str, miner_id: str) -> list[Known]:
        """A miner's tasks whose full record was never read."""
        return self._all(
            "SELECT * FROM tasks WHERE farm_id = ? AND miner_id = ? AND lacks IS NOT NULL", (farm_id, miner_id)
        )

    def open_of_farm(self, farm_id: str) -> list[Known]:
        return self._all(f"SELECT * FROM tasks WHERE farm_id = ? AND {_OPEN}", (farm_id,))  # noqa: S608 - constants

    def transitions(self, keys: Sequence[int]) -> Mapping[int, tuple[Transition, ...]]:
        """The log of these tasks, each by time."""
        log: defaultdict[int, list[Transition]] = defaultdict(list)
        cursor = self._connection.execute(
            f"SELECT {', '.join(rows.TRANSITION_COLUMNS)} FROM transitions "  # noqa: S608 - our own column names
            "WHERE task IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        for row in cursor:
            log[row[0]].append(rows.transition_of(row))
        return {key: in_order(transitions) for key, transitions in log.items()}

    def write(self, tasks: Sequence[Task], *, shown: bool = True) -> dict[tuple[str, str], int]:
        """Write new and changed rows; returns their keys by farm and task id.

        Args:
            shown: a reading has just shown them, so that none of them is missing.
        """
        upsert = _UPSERT + _SHOWN if shown else _UPSERT
        self._connection.executemany(upsert, [rows.task_row(task) for task in tasks])
        keys: dict[tuple[str, str], int] = {}
        for farm_id in {task.farm_id for task in tasks}:
            ids = [task.id for task in tasks if task.farm_id == farm_id]
            cursor = self._connection.execute(
                "SELECT id, key FROM tasks WHERE farm_id = ? AND id IN (SELECT value FROM json_each(?))",
                (farm_id, json.dumps(ids)),
            )
            keys |= {(farm_id, row[0]): row[1] for row in cursor}
        return keys

    def log(self, transitions: Iterable[tuple[int, Transition]]) -> None:
        """Append transitions; one that is known has its time corrected."""
        self._connection.executemany(_LOG, [rows.transition_row(key, t) for key, t in transitions])

    def mark_missing(self, key: int, since: Millis) -> None:
        self._connection.execute("UPDATE tasks SET missing_since = ? WHERE key = ?", (since, key))

    def mark_lost(self, key: int, at: Millis) -> None:
        self._connection.execute("UPDATE tasks SET lost_at = ? WHERE key = ?", (at, key))

    def oldest_open(self, farm_id: str, miner_id: str) -> Millis | None:
        """When the oldest open task of a miner was created."""
        row = self._connection.execute(
            f"SELECT min(created_at) FROM tasks WHERE farm_id = ? AND miner_id = ? AND {_OPEN}",  # noqa: S608 - constants
            (farm_id, miner_id),
        ).fetchone()
        oldest: Millis | None = row[0]
        return oldest

    def miners_with_open(self, farm_id: str) -> set[str]:
        cursor = self._connection.execute(
            f"SELECT DISTINCT miner_id FROM tasks WHERE farm_id = ? AND miner_id IS NOT NULL AND {_OPEN}",  # noqa: S608 - constants
            (farm_id,),
        )
        return {row[0] for row in cursor}

    def purge(self, before: Millis) -> int:
        """Forget final tasks whose last transition is older; returns how many."""
        cursor = self._connection.execute(
            "SELECT DISTINCT old.task FROM transitions AS old INDEXED BY transitions_by_time "
            "JOIN tasks AS t ON t.key = old.task "
            "WHERE old.at < :before AND (t.lost_at IS NOT NULL "
            "OR t.status IN ('succeed', 'failed', 'timed_out', 'cancelled')) "
            "AND NOT EXISTS (SELECT 1 FROM transitions AS x WHERE x.task = t.key AND x.at >= :before) LIMIT 5000",
            {"before": before},
        )
        gone = json.dumps([row[0] for row in cursor])
        self._connection.execute("DELETE FROM transitions WHERE task IN (SELECT value FROM json_each(?))", (gone,))
        return self._connection.execute(
            "DELETE FROM tasks WHERE key IN (SELECT value FROM json_each(?))", (gone,)
        ).rowcount

    def _all(self, sql: str, arguments: tuple[object, ...]) -> list[Known]:
        found = self._rows(sql, arguments)
        log = self.transitions([row["key"] for row in found])
        return [_known(row, log) for row in found]

    def _rows(self, sql: str, arguments: tuple[object, ...]) -> list[sqlite3.Row]:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, arguments).fetchall()


def _known(row: sqlite3.Row, log: Mapping[int, tuple[Transition, ...]]) -> Known:
    return Known(row["key"], rows.task_of(row), log.get(row["key"], ()), row["missing_since"], row["lost_at"])
