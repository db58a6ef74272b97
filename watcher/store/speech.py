"""What was said: of which episode to which channel, by which group, and why (or why not)."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from watcher.model.decision import Decided, Why, reason_named
from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class ToldRecord:
    episode: int
    channel: str
    count: int
    end_told_at: Millis | None
    first_at: Millis | None
    told_at: Millis


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
        cursor = self._connection.execute("SELECT episode, channel, count, end_told_at, first_at, told_at FROM told")
        return [ToldRecord(*row) for row in cursor]

    def told_of(self, episodes: Sequence[int]) -> list[tuple[int, str, str, Millis]]:
        """The last message that told each channel of these episodes: episode, channel, its id, when."""
        cursor = self._connection.execute(
            "SELECT episode, channel, message, told_at FROM told "
            "WHERE episode IN (SELECT value FROM json_each(?)) ORDER BY told_at",
            (json.dumps(list(episodes)),),
        )
        return cursor.fetchall()

    def tell(self, episode: int, channel: str, message: str, count: int, now: Millis, *, ended: bool) -> None:
        self._connection.execute(
            "INSERT INTO told (episode, channel, message, told_at, first_at, count, end_told_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (episode, channel) DO UPDATE SET message = excluded.message, told_at = excluded.told_at, "
            "count = excluded.count, end_told_at = excluded.end_told_at",
            (episode, channel, message, now, now, count, now if ended else None),
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

    def decided(self, decisions: Iterable[Decided]) -> None:
        self._connection.executemany(
            "INSERT INTO decisions (at, alert, channel, episode, reason, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [(one.at, one.alert, one.channel, one.episode, one.why.reason, _detail(one.why)) for one in decisions],
        )

    def last_decisions(self, episodes: Sequence[int]) -> dict[tuple[int, str], Why]:
        """What was decided last on each of these episodes for each channel."""
        cursor = self._connection.execute(
            "SELECT episode, channel, reason, detail, max(id) FROM decisions "
            "WHERE episode IN (SELECT value FROM json_each(?)) AND channel IS NOT NULL GROUP BY episode, channel",
            (json.dumps(list(episodes)),),
        )
        return {(episode, channel): _why(reason, detail) for episode, channel, reason, detail, _ in cursor}

    def decisions(self, alert: str, until: Millis) -> list[Decided]:
        """All that was decided on an alert up to a moment, in order."""
        cursor = self._connection.execute(
            "SELECT at, channel, episode, reason, detail FROM decisions WHERE alert = ? AND at <= ? ORDER BY id",
            (alert, until),
        )
        return [
            Decided(at, alert, channel, episode or 0, _why(reason, detail))
            for at, channel, episode, reason, detail in cursor
        ]

    def said(self, since: Millis) -> dict[tuple[str, str], tuple[Millis, str, set[int]]]:
        """The messages since a moment: id and channel → when, why, and the episodes that it was sent for."""
        cursor = self._connection.execute(
            "SELECT json_extract(detail, '$.message'), channel, at, reason, episode FROM decisions "
            "WHERE at > ? AND json_valid(detail) AND json_extract(detail, '$.message') IS NOT NULL "
            "AND channel IS NOT NULL ORDER BY id",
            (since,),
        )
        found: dict[tuple[str, str], tuple[Millis, str, set[int]]] = {}
        for message, channel, at, reason, episode in cursor:
            found.setdefault((message, channel), (at, reason, set()))[2].add(episode)
        return found

    def unsaid(self, reasons: Sequence[str], since: Millis) -> list[tuple[str, int]]:
        """For each of these reasons, of how many episodes it was decided after `since`; the commonest first."""
        cursor = self._connection.execute(
            "SELECT reason, count(DISTINCT episode) AS alerts FROM decisions "
            "WHERE at > ? AND reason IN (SELECT value FROM json_each(?)) GROUP BY reason ORDER BY alerts DESC, reason",
            (since, json.dumps(list(reasons))),
        )
        return cursor.fetchall()

    def purge(self, before: Millis) -> None:
        self._connection.execute("DELETE FROM decisions WHERE at < ?", (before,))


def _detail(why: Why) -> str | None:
    said = {name: value for name, value in asdict(why).items() if value is not None and name != "reason"}
    return json.dumps(said) if said else None


def _why(reason: str, detail: str | None) -> Why:
    if detail is None or not detail.startswith("{"):
        return Why(reason_named(reason), message=detail)  # older versions kept only the message's id
    said: dict[str, Any] = json.loads(detail)
    return Why(reason_named(reason), **said)
