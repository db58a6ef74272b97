"""The state file itself: opened only when it is ours and sound, written in one transaction at a time."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlite_utils

from watcher.errors import StoreFailed, StoreUnusable
from watcher.store.schema import APPLICATION_ID, is_newer, migrations

_BUSY_MS = 5000
_CACHE_KIB = 8192
_CHECK_WAL_PAGES = 1000
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
_DAMAGE = ("malformed", "not a database", "corrupt")
_WAY_OUT = "stop the service, move the file away, copy your last `nonce-watcher backup` over it, and start again"


class Database:
    """One connection. `db` is sqlite-utils' view of it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.db = sqlite_utils.Database(connection, execute_plugins=False)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction; it takes the write lock at once.

        Raises:
            StoreFailed: nothing of it was committed; memory that assumed it must be dropped.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._failed(error) from error
        try:
            yield
        except sqlite3.Error as error:
            self._roll_back()
            raise self._failed(error) from error
        except BaseException:
            self._roll_back()
            raise
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._failed(error) from error

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.rollback()

    def _failed(self, error: sqlite3.Error) -> StoreFailed:
        return StoreFailed(f"{self.path}: nothing was saved: {error}{_advice(str(error))}")

    def close(self) -> None:
        self.connection.close()


def open_database(path: Path, *, create: bool = True) -> Database:
    """Open the store for writing, made or migrated if need be.

    Raises:
        StoreUnusable: it is damaged, newer, not ours, on a network file system, or can't be written.
    """
    _refuse_place(path)
    fresh = not path.exists()
    if fresh and not create:
        raise StoreUnusable(f"{path}: there is no store yet: it is made by `nonce-watcher run`")
    try:
        if fresh:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
        elif path.stat().st_size == 0 and not _is_new_born(path):
            raise StoreUnusable(f"{path}: the file is empty, but it should hold the state: {_WAY_OUT}")
        if not os.access(path, os.W_OK):
            raise StoreUnusable(f"{path}: may not be written by this user: check its owner (chown) and mode")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be made: {error.strerror}") from error
    try:
        _prepare(path, connection)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnusable(f"{path}: {error}{_advice(str(error))}") from error
    except StoreUnusable:
        connection.close()
        raise
    return Database(path, connection)


def open_reader(path: Path) -> Database:
    """Open the store beside a running daemon, for reading.

    Raises:
        StoreUnusable: there is none, it can't be read, or it is not ours.
    """
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no store yet: it is made by `nonce-watcher run`")
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{_reading(path)}", uri=True, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        _refuse_foreign(path, connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        hint = " (is this user in the group of nonce-watcher?)" if not os.access(path, os.R_OK) else ""
        raise StoreUnusable(f"{path}: cannot be read: {error}{hint}{_advice(str(error))}") from error
    except StoreUnusable:
        if connection is not None:
            connection.close()
        raise
    return Database(path, connection)


def _reading(path: Path) -> str:
    """How to open the file. Who may only read the folder can join a daemon's WAL, but not begin one; without a
    WAL nobody writes, and the file can be read as it stands."""
    alone = not path.with_name(path.name + "-wal").exists()
    return "immutable=1" if alone and not os.access(path.parent, os.W_OK) else "mode=ro"


def _is_new_born(path: Path) -> bool:
    """An empty file that was made, and its maker died before the first table: nothing can be lost."""
    return not path.with_name(path.name + ".lock").exists() and not path.with_name(path.name + "-wal").exists()


def _refuse_place(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise StoreUnusable(f"{folder}: there is no such folder to keep the state in: make it, or set store.path")
    if not os.access(folder, os.W_OK):
        raise StoreUnusable(f"{folder}: may not be written by this user: the state is kept there")
    kind = _file_system(folder)
    if kind in _NETWORK:
        why = f"is on a network file system ({kind}), where SQLite can lose data"
        raise StoreUnusable(f"{path}: {why}: set store.path")


def _file_system(folder: Path) -> str:
    """The kind of the file system that holds a folder, as the kernel names it."""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return "unknown"
    best, kind = "", "unknown"
    for line in mounts:
        _, place, what, *_ = line.split(" ")
        inside = str(folder.resolve()).startswith(place.rstrip("/") + "/") or str(folder.resolve()) == place
        if (inside or place == "/") and len(place) >= len(best):
            best, kind = place, what
    return kind


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    _refuse_foreign(path, connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECK_WAL_PAGES}")
    damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if damage != "ok":
        raise StoreUnusable(f"{path}: the file is damaged ({damage}): {_WAY_OUT}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrations.apply(sqlite_utils.Database(connection, execute_plugins=False))


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and mark != APPLICATION_ID:
        raise StoreUnusable(f"{path}: is another program's database: set store.path to a file of its own")
    if is_newer(sqlite_utils.Database(connection, execute_plugins=False)):
        raise StoreUnusable(
            f"{path}: was made by a newer nonce-watcher: upgrade nonce-watcher, or restore a backup of this version"
        )


def _advice(text: str) -> str:
    if any(word in text for word in _DAMAGE):
        return f": {_WAY_OUT}"
    if "full" in text:
        return ": free some space on its disk; the watch goes on by itself"
    if "readonly" in text or "unable to open" in text:
        return ": check the owner and mode of the file and its folder"
    if "locked" in text:
        return ": another program holds it; it is tried again"
    return ""
