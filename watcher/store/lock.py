"""One daemon a store: an advisory lock beside the file, which the kernel gives back whatever ends the holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

from watcher.errors import StoreLocked, StoreUnusable
from watcher.store.database import MODE

_TRIES = 5
_PAUSE = 0.05


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `PATH.lock` while the block runs. The file stays: who removed it could let two daemons in.

    Raises:
        StoreLocked: another process holds it.
        StoreUnusable: the lock can't be opened.
    """
    beside = _beside(path)
    try:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT, MODE)
    except OSError as error:
        raise StoreUnusable(
            f"{beside}: cannot be opened: {error.strerror}: check its owner (chown) and mode, and its folder's"
        ) from error
    try:
        if not _taken(handle):
            holder = os.read(handle, 32).decode(errors="replace").strip()
            raise StoreLocked(f"{path}: another nonce-watcher is running on it (process {holder or 'unknown'})")
        with suppress(OSError):  # a full disk keeps nobody from watching
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a daemon runs on the store; who may read the store may ask."""
    try:
        handle = os.open(_beside(path), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _taken(handle: int) -> bool:
    """Whether the lock could be had. Tried again for a moment: so long holds it who only asks `is_held`."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        sleep(_PAUSE)
    return False


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".lock")
