"""What was said: of which episode to which channel, by which group, and why (or why not)."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class ToldRecord:
    episode: int
    channel: str
    count: int
    end_told_at: Millis | None


@dataclass(frozen=True, slots=True)
class GroupRow:
    key: str
    anchored_at: Millis | None
    spoken_at: Millis | None
    flushes: int


class GroupState(Protocol):
    """A group's own state, whoever holds it."""

    @property
    def key(self) -> str: ...

    @property
    def anchored_at(self) -> Millis | None: ...

    @property
    def spoken_at(self) -> Millis | None: ...

    @property
    def flushes(self) -> int: ...


class Speech:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def told(self) -> list[ToldRecord]:
        """What the channels were told of episodes that fire or ended of late."""
        cursor = self._connection.execute("SELECT episode, channel, count, end_told_at FROM told")
        return [ToldRecord(*row) for row in cursor]

    def tell(self, episode: int, channel: str, message: str, count: int, now: Millis, *, ended: bool) -> None:
        self._connection.execute(
            "INSERT INTO told (episode, channel, message, told_at, count, end_told_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (episode, channel) DO UPDATE SET message = excluded.message, told_at = excluded.told_at, "
            "count = excluded.count, end_told_at = excluded.end_told_at",
            (episode, channel, message, now, count, now if ended else None),
        )

    def groups(self) -> list[GroupRow]:
        cursor = self._connection.execute("SELECT key, anchored_at, spoken_at, flushes FROM groups")
        return [GroupRow(*row) for row in cursor]

    def write_group(self, row: GroupState, channel: str, labels: Mapping[str, str | None], reason: str | None) -> None:
        self._connection.execute(
            "INSERT INTO groups (key, channel, labels, anchored_at, spoken_at, flushes, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET anchored_at = excluded.anchored_at, "
            "spoken_at = excluded.spoken_at, flushes = excluded.flushes, reason = excluded.reason",
            (row.key, channel, json.dumps(labels), row.anchored_at, row.spoken_at, row.flushes, reason),
        )

    def decided(self, at: Millis, alert: str, channel: str | None, reason: str, detail: str | None = None) -> None:
        self._connection.execute(
            "INSERT INTO decisions (at, alert, channel, reason, detail) VALUES (?, ?, ?, ?, ?)",
            (at, alert, channel, reason, detail),
        )

    def purge(self, before: Millis) -> None:
        self._connection.execute("DELETE FROM decisions WHERE at < ?", (before,))
