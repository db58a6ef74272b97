"""The state file itself: opened only when it is ours and sound, written in one transaction at a time."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlite_utils

from watcher.errors import StoreFailed, StoreUnusable
from watcher.store.schema import APPLICATION_ID, is_newer, migrations

MODE = 0o640
"""The owner writes; the group may read, and so may use the commands that look."""

_BUSY_MS = 5000
_CACHE_KIB = 8192
_MOUNTS = Path("/proc/mounts")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
_NO_STORE = "there is no store yet: it is made by `nonce-watcher run`"
_WAY_OUT = {
    sqlite3.SQLITE_FULL: "free some space on its disk; the watch goes on by itself",
    sqlite3.SQLITE_IOERR: "its disk can't be read or written (see `journalctl -k`); it is tried again",
    sqlite3.SQLITE_BUSY: "another program holds it; it is tried again",
    sqlite3.SQLITE_READONLY: "check the owner and mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "check the owner and mode of the file and its folder",
}
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LASTING = _DAMAGE | {sqlite3.SQLITE_READONLY}
_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}
"""At opening, what may be over at the next try; anything else stays until somebody mends it."""


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
            StoreUnusable: the same, and trying again is no use: the file is damaged, or was made read-only.
            RuntimeError: a transaction is open already.
        """
        if self.connection.in_transaction:
            raise RuntimeError("a transaction is open already, and what it holds is committed as one")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            kind = StoreUnusable if _code(error) in _LASTING else StoreFailed
            raise kind(_sentence(self.path, "nothing was saved", error)) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.rollback()

    def close(self) -> None:
        self.connection.close()


def open_database(path: Path, *, create: bool = True, check: bool = True) -> Database:
    """Open the store for writing, made or migrated if need be.

    Args:
        check: read the whole file for damage first.

    Raises:
        StoreUnusable: it is damaged, newer, not ours, on a network file system, or can't be written.
        StoreFailed: not now: its disk is full, or another program holds it.
    """
    _refuse_place(path)
    if not _exists(path):
        if not create:
            raise StoreUnusable(f"{path}: {_NO_STORE}")
        _make(path)
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreUnusable(f"{path}: may not be written by this user: check its owner (chown) and mode")
    with _opened(path, f"{path.absolute().as_uri()}?mode=rw") as connection:
        if check:
            _refuse_damaged(path, connection)
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreUnusable(f"{path}: its file system can't share memory, which the store needs: set store.path")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        migrations.apply(sqlite_utils.Database(connection, execute_plugins=False))
    return Database(path, connection)


def open_reader(path: Path) -> Database:
    """Open the store beside a running daemon, for reading.

    Raises:
        StoreUnusable: there is none, it can't be read, or it is not ours or not of this version.
        StoreFailed: not now: its disk can't be read, or another program holds it.
    """
    if not _exists(path):
        raise StoreUnusable(f"{path}: {_NO_STORE}")
    if not os.access(path, os.R_OK):
        raise StoreUnusable(f"{path}: may not be read by this user: is it in the group of nonce-watcher?")
    with _opened(path, f"{path.absolute().as_uri()}?{_reading(path)}") as connection:
        if migrations.pending(sqlite_utils.Database(connection, execute_plugins=False)):
            raise StoreUnusable(f"{path}: was made by an older nonce-watcher: restart the service, which brings it up")
    return Database(path, connection)


def open_writer(path: Path) -> Database:
    """Open the store beside a running daemon, for a short transaction of a command.

    Raises:
        StoreUnusable: there is none, it can't be written, or it is not ours or not of this version.
        StoreFailed: not now: its disk is full, or another program holds it.
    """
    if not _exists(path):
        raise StoreUnusable(f"{path}: {_NO_STORE}")
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        raise StoreUnusable(f"{path}: may not be written by this user: run it as its owner, {_owner(path)}")
    with _opened(path, f"{path.absolute().as_uri()}?mode=rw") as connection:
        if migrations.pending(sqlite_utils.Database(connection, execute_plugins=False)):
            raise StoreUnusable(f"{path}: was made by an older nonce-watcher: restart the service, which brings it up")
        connection.execute("PRAGMA synchronous = FULL")
    return Database(path, connection)


def _owner(path: Path) -> str:
    """How to act as a file's owner."""
    try:
        return f"such as `sudo -u {path.owner()} nonce-watcher …`"
    except (KeyError, OSError):
        return f"user {path.stat().st_uid}"


def put_in_place(partial: Path, path: Path) -> None:
    """Give a finished file its name, so that a crash leaves either the old file or the whole new one."""
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def how_to_restore(path: Path) -> str:
    """The log has to go too: SQLite would write what it holds into the backup."""
    return (
        f"to restore a backup, stop the service, delete {path.name}-wal and {path.name}-shm beside it, "
        f"copy the backup over {path}, and start the service"
    )


@contextmanager
def _opened(path: Path, uri: str) -> Iterator[sqlite3.Connection]:
    """A connection to what proves to be a store of ours, kept if the block succeeds, else closed."""
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        _refuse_foreign(path, connection)
        yield connection
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            kind = StoreFailed if _code(error) in _PASSING else StoreUnusable
            raise kind(_sentence(path, "cannot be opened", error)) from error
        raise


def _reading(path: Path) -> str:
    """How to open the file. Who may only read the folder can join a daemon's WAL, but not begin one; without a
    WAL nobody writes, and the file can be read as it stands."""
    alone = not _beside(path, "-wal").exists()
    return "immutable=1" if alone and not os.access(path.parent, os.W_OK) else "mode=ro"


def _make(path: Path) -> None:
    """Make an empty store, whole before it has its name: an empty file there was never made by us."""
    if _beside(path, "-wal").exists():
        raise StoreUnusable(f"{path}: is gone, but its log {path.name}-wal is there: {how_to_restore(path)}")
    partial = path.with_name(f".{path.name}.new")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL, MODE))
        partial.chmod(MODE)
        with closing(sqlite3.connect(partial, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrations.apply(sqlite_utils.Database(connection, execute_plugins=False))
        put_in_place(partial, path)
    except sqlite3.Error as error:
        raise StoreFailed(_sentence(path, "cannot be made", error)) from error
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be made: {error.strerror}") from error


def _refuse_place(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise StoreUnusable(f"{folder}: there is no such folder to keep the state in: make it, or set store.path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUnusable(f"{folder}: may not be written by this user: the state is kept there")
    kind = file_system(path, _MOUNTS.read_text() if _MOUNTS.exists() else "")
    if kind in _NETWORK:
        why = f"is on a network file system ({kind}), where SQLite can lose data"
        raise StoreUnusable(f"{path}: {why}: set store.path")


def file_system(path: Path, mounts: str) -> str:
    """The kind of the file system that holds a path, by the kernel's table of mounts."""
    real = path.resolve()
    best, kind = Path("/"), "unknown"
    for line in mounts.splitlines():
        _, place, what, *_ = line.split(" ")
        mount = Path(place.replace(r"\040", " "))
        if real.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, what
    return kind


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreUnusable(f"{path}: is another program's database: set store.path to a file of its own")
    if is_newer(sqlite_utils.Database(connection, execute_plugins=False)):
        raise StoreUnusable(f"{path}: was made by a newer nonce-watcher: upgrade it; or, {how_to_restore(path)}")


def _refuse_damaged(path: Path, connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreUnusable(f"{path}: the file is damaged ({found}): {how_to_restore(path)}")


def _exists(path: Path) -> bool:
    """Whether there is a file with something in it; an empty one is a lost store, not a new one."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be opened: {error.strerror}") from error
    if size == 0:
        raise StoreUnusable(f"{path}: the file is empty, but it should hold the state: {how_to_restore(path)}")
    return True


def _sentence(path: Path, what: str, error: sqlite3.Error) -> str:
    code = _code(error)
    way_out = how_to_restore(path) if code in _DAMAGE else _WAY_OUT.get(code)
    return ": ".join(filter(None, (str(path), what, str(error), way_out)))


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code of an error; 0 where Python's own module raised it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
