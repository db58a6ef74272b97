"""One daemon a store."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from watcher.errors import StoreLocked, StoreUnusable
from watcher.store.lock import is_held, locked

HOLDER = """
import sys, time
from pathlib import Path
from watcher.store.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_by_the_pid_of_the_first_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreLocked, match=rf"{path}: .*process {holder.pid}\b"), locked(path):
            pass
        holder.send_signal(signal.SIGKILL)
    with locked(path):
        assert path.with_name("state.db.lock").read_text() == f"{os.getpid()}\n"


def test_a_shorter_pid_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    beside = tmp_path / "state.db.lock"
    beside.write_text("4194304999\n")
    with locked(tmp_path / "state.db"):
        assert beside.read_text() == f"{os.getpid()}\n"


def test_the_file_stays_so_that_all_lock_the_same(tmp_path: Path) -> None:
    with locked(tmp_path / "state.db"):
        first = (tmp_path / "state.db.lock").stat().st_ino
    assert (tmp_path / "state.db.lock").stat().st_ino == first
    assert not is_held(tmp_path / "state.db")


def test_who_only_asks_keeps_no_daemon_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with locked(path):
        pass
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            is_held(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(50):
            with locked(path):
                pass
    finally:
        over.set()
        asking.join()


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db.lock").mkdir()
    with pytest.raises(StoreUnusable, match=r"state\.db\.lock: cannot be opened: Is a directory: check"):
        locked(tmp_path / "state.db").__enter__()
    with pytest.raises(StoreUnusable, match="No such file or directory"):
        locked(tmp_path / "nowhere" / "state.db").__enter__()


def test_an_error_inside_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ours"), locked(tmp_path / "state.db"):
        raise ValueError("ours")
    assert not is_held(tmp_path / "state.db")
