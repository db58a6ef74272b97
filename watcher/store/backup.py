"""A checked copy of the store, taken while the daemon writes."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from watcher.errors import StoreFailed
from watcher.store.database import open_reader


def backup(path: Path, target: Path) -> int:
    """Copy the store to `target`, which is replaced only by a copy that was checked; returns its bytes.

    Raises:
        StoreUnusable: there is no store to copy, or it can't be read.
        StoreFailed: the copy could not be made; an older one at `target` is as it was.
    """
    if target.exists() and target.samefile(path):
        raise StoreFailed(f"{target}: is the store itself: name another file")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with closing(open_reader(path)) as source:
            source.connection.execute("VACUUM INTO ?", (str(partial),))
        with closing(sqlite3.connect(partial)) as copy:
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreFailed(f"{target}: the copy of {path} is damaged ({found}): the store itself may be")
        partial.chmod(0o640)
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"{target}: no copy was made: {error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return target.stat().st_size


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
