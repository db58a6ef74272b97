"""Alerts and their episodes."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Severity
from watcher.model.times import Millis

_COLUMNS = (
    *("alert", "started_at", "origin", "count", "total", "first_at", "last_at", "tasks"),
    *("known_at", "ended_at", "end_reason", "ended_by", "end_known_at", "cause"),
)
_READ = (
    "SELECT e.id, e.started_at, e.origin, e.count, e.total, e.first_at, e.last_at, e.tasks, e.known_at, "
    "e.ended_at, e.end_reason, e.ended_by, e.end_known_at, e.cause, "
    "a.fingerprint, a.rule, a.severity, a.by, a.labels "
    "FROM episodes AS e JOIN alerts AS a ON a.fingerprint = e.alert "
)


class Episodes:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, fingerprint: str, ended_from: Millis | None) -> list[Episode]:
        """An alert's open episodes and, with a time, those that ended then or later; oldest first."""
        return self._select(
            "WHERE e.alert = ? AND (e.ended_at IS NULL OR e.ended_at >= ?) ORDER BY e.started_at, e.id",
            (fingerprint, ended_from if ended_from is not None else 1 << 62),
        )

    def fingerprints(self, prefix: str = "") -> list[str]:
        """The alerts whose fingerprint begins so."""
        cursor = self._connection.execute(
            "SELECT fingerprint FROM alerts WHERE substr(fingerprint, 1, ?) = ? ORDER BY fingerprint",
            (len(prefix), prefix),
        )
        return [row[0] for row in cursor]

    def open(self) -> list[Episode]:
        return self._select("WHERE e.ended_at IS NULL ORDER BY e.started_at, e.id")

    def unsaid(self, since: Millis, owed_since: Millis) -> list[Episode]:
        """What a message may still have to speak of: all that fires, whose end became known after `since`, or whose end
        is owed to a channel, which heard of its beginning, if it became known after `owed_since`."""
        return self._select(
            "WHERE e.origin != 'baseline' AND (e.ended_at IS NULL OR e.end_known_at > ? OR (e.end_known_at > ? "
            "AND EXISTS (SELECT 1 FROM told AS t WHERE t.episode = e.id AND t.end_told_at IS NULL))) ORDER BY e.id",
            (since, owed_since),
        )

    def of_changing(self, since: Millis, reach: Millis) -> list[Episode]:
        """Those of alerts that fired or ended after `since`: the open ones and those that ended after `reach`."""
        return self._select(
            "WHERE e.origin = 'news' AND (e.ended_at IS NULL OR e.ended_at > ?) AND e.alert IN (SELECT alert FROM "
            "episodes WHERE ended_at > ?) ORDER BY e.ended_at, e.id",
            (reach, since),
        )

    def numbered(self, ids: Iterable[int]) -> list[Episode]:
        """Those of these ids that are still kept, oldest first."""
        return self._select(
            "WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.started_at, e.id", (json.dumps(list(ids)),)
        )

    def since(self, since: Millis) -> list[Episode]:
        """The open ones and those that ended after `since`, the newest first."""
        return self._select("WHERE e.ended_at IS NULL OR e.ended_at > ? ORDER BY e.started_at DESC", (since,))

    def write(self, episode: Episode) -> int:
        """Write an episode, new where its id is 0; returns its id."""
        alert = episode.alert
        self._connection.execute(
            "INSERT INTO alerts (fingerprint, rule, by, labels, severity) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (fingerprint) DO UPDATE SET labels = excluded.labels, severity = excluded.severity",
            (alert.fingerprint, alert.rule, json.dumps(alert.by), json.dumps(alert.labels), alert.severity.value),
        )
        values = _values(episode)
        if episode.id:
            assignments = ", ".join(f"{column} = ?" for column in _COLUMNS)
            self._connection.execute(
                f"UPDATE episodes SET {assignments} WHERE id = ?",  # noqa: S608 - our own column names
                (*values, episode.id),
            )
            return episode.id
        marks = ", ".join("?" * len(_COLUMNS))
        cursor = self._connection.execute(
            f"INSERT INTO episodes ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - as above
            values,
        )
        return cursor.lastrowid or 0

    def purge(self, before: Millis) -> None:
        self._connection.execute(
            "DELETE FROM told WHERE episode IN (SELECT id FROM episodes WHERE ended_at < ?)", (before,)
        )
        self._connection.execute("DELETE FROM episodes WHERE ended_at < ?", (before,))
        self._connection.execute(
            "DELETE FROM alerts WHERE NOT EXISTS (SELECT 1 FROM episodes WHERE alert = fingerprint)"
        )

    def _select(self, where: str, arguments: Iterable[Any] = ()) -> list[Episode]:
        return [_episode(row) for row in self._connection.execute(_READ + where, tuple(arguments))]


def _values(episode: Episode) -> tuple[Any, ...]:
    return (
        episode.alert.fingerprint,
        episode.started_at,
        episode.origin.value,
        episode.count,
        episode.total,
        episode.first_at,
        episode.last_at,
        json.dumps(episode.tasks),
        episode.known_at,
        episode.ended_at,
        None if episode.end_reason is None else episode.end_reason.value,
        episode.ended_by,
        episode.end_known_at,
        episode.cause,
    )


def _episode(row: tuple[Any, ...]) -> Episode:
    number, started_at, origin, count, total, first_at, last_at, tasks, known_at = row[:9]
    ended_at, end_reason, ended_by, end_known_at, cause, fingerprint, rule, severity, by, labels = row[9:]
    return Episode(
        id=number,
        alert=Alert(fingerprint, rule, Severity(severity), tuple(json.loads(by)), json.loads(labels)),
        started_at=started_at,
        origin=Origin(origin),
        count=count,
        total=total,
        first_at=first_at,
        last_at=last_at,
        tasks=tuple(json.loads(tasks)),
        known_at=known_at,
        ended_at=ended_at,
        end_reason=None if end_reason is None else EndReason(end_reason),
        ended_by=ended_by,
        end_known_at=end_known_at,
        cause=cause,
    )
