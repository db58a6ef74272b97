"""Small facts that outlive the process: the loaded rules' digests, the auth in use, the spent requests."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watcher.model.times import Millis

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A rule as it ran last; what was observed up to `edited_at` is of the past to it."""

    digest: str
    edited_at: Millis | None


def boot_id() -> str:
    """Tells boots of the machine apart: monotonic times of one boot can be compared over restarts."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


class Meta:
    """Reads and writes inside whatever transaction the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, key: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def rules(self) -> dict[str, RuleRecord]:
        """The rules that ran last, by name."""
        cursor = self._connection.execute("SELECT name, digest, edited_at FROM rules")
        return {name: RuleRecord(digest, edited_at) for name, digest, edited_at in cursor}

    def set_rules(self, rules: Mapping[str, RuleRecord]) -> None:
        self._connection.execute("DELETE FROM rules")
        self._connection.executemany(
            "INSERT INTO rules (name, digest, edited_at) VALUES (?, ?, ?)",
            [(name, record.digest, record.edited_at) for name, record in rules.items()],
        )

    def spent(self, now: float) -> list[float]:
        """Monotonic times of the requests that may still count; those of another boot count as of now."""
        boot = boot_id()
        cursor = self._connection.execute("SELECT boot, at FROM requests")
        return [min(at, now) if of == boot else now for of, at in cursor]

    def spend(self, at: float, window: float) -> None:
        """Remember a request that is about to go out, and forget those that no longer count."""
        boot = boot_id()
        self._connection.execute("DELETE FROM requests WHERE boot != ? OR at < ?", (boot, at - window))
        self._connection.execute("INSERT INTO requests (boot, at) VALUES (?, ?)", (boot, at))
