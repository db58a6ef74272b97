"""A checked copy of the store, taken while the daemon writes."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from watcher.errors import StoreFailed
from watcher.store.database import MODE, open_reader, put_in_place


def backup(path: Path, target: Path) -> int:
    """Copy the store to `target`, which is replaced only by a copy that was checked; returns its bytes.

    Raises:
        StoreUnusable: there is no store to copy, or it can't be read.
        StoreFailed: the copy could not be made; an older one at `target` is as it was.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with closing(open_reader(path)) as source:
        try:
            if target.exists() and target.samefile(path):
                raise StoreFailed(f"{target}: is the store itself: name another file")
            # SQLite would make it for everyone to read.
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL, MODE))
            partial.chmod(MODE)
            source.connection.execute("VACUUM INTO ?", (str(partial),))
            _check(partial)
            put_in_place(partial, target)
            return target.stat().st_size
        except sqlite3.Error as error:
            raise StoreFailed(f"{target}: no copy was made of {path}: {error}") from error
        except OSError as error:
            raise StoreFailed(f"{target}: no copy was made of {path}: {error.strerror}") from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _check(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged ({found}), so the store itself may be")
