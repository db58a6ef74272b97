"""A copy that can be trusted, or the old one as it was."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from watcher.errors import StoreFailed, StoreUnusable
from watcher.store.backup import backup
from watcher.store.database import open_database, open_reader

PUT = "INSERT INTO meta (key, value) VALUES (?, ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with closing(open_database(path)) as store, store.atomic():
        store.connection.executemany(PUT, [(f"k{number:03}", "x" * 3000) for number in range(100)])
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    target = folder / "copy.db"
    target.write_bytes(b"the old copy")
    return target


def count(path: Path) -> int:
    with closing(open_reader(path)) as reader:
        found: int = reader.connection.execute("SELECT count(*) FROM meta").fetchone()[0]
        return found


def refusal(path: Path, target: Path) -> str:
    """Why no copy was made; the old one is as it was, and nothing lies beside it."""
    with pytest.raises(StoreFailed) as caught:
        backup(path, target)
    assert list(target.parent.glob(".*.partial")) == []
    return str(caught.value)


def test_it_replaces_the_old_copy_and_the_group_may_read_it(path: Path, target: Path) -> None:
    before = os.umask(0o077)
    try:
        assert backup(path, target) == target.stat().st_size
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640
    assert [place.name for place in target.parent.iterdir()] == ["copy.db"]
    with closing(open_database(target)) as copy:
        assert copy.connection.execute("SELECT count(*) FROM meta").fetchone() == (100,)


def test_it_is_one_moment_of_a_store_that_is_written_meanwhile(path: Path, target: Path) -> None:
    """Each transaction writes two rows: no copy holds one of them alone."""
    over = threading.Event()

    def write() -> None:
        with closing(open_database(path)) as store:
            number = 0
            while not over.is_set():
                with store.atomic():
                    store.connection.executemany(PUT, [(f"{number}{half}", "x" * 3000) for half in "ab"])
                number += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(5):
            backup(path, target)
            assert count(target) % 2 == 0
    finally:
        over.set()
        writing.join()


def test_without_a_store_there_is_no_copy(tmp_path: Path, target: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no store yet"):
        backup(tmp_path / "state.db", target)
    assert target.read_bytes() == b"the old copy"


def test_the_store_is_not_copied_over_itself(path: Path, target: Path) -> None:
    link = target.with_name("link.db")
    link.symlink_to(path)
    assert "is the store itself" in refusal(path, path)
    assert "is the store itself" in refusal(path, link)
    assert count(path) == 100


def test_a_target_that_can_be_none_is_named_with_the_cause(path: Path, tmp_path: Path) -> None:
    assert refusal(path, tmp_path) == f"{tmp_path}: no copy was made of {path}: Is a directory"
    nowhere = tmp_path / "nowhere" / "copy.db"
    assert refusal(path, nowhere) == f"{nowhere}: no copy was made of {path}: No such file or directory"


def test_a_damaged_store_gives_no_copy(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : (page - 1) * size + 16] = b"\xff" * 16
    path.write_bytes(content)
    assert refusal(path, target) == f"{target}: no copy was made of {path}: database disk image is malformed"
    assert target.read_bytes() == b"the old copy"


def test_a_copy_that_does_not_fit_leaves_the_old_one(path: Path, target: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from watcher.errors import StoreFailed
from watcher.store.backup import backup
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    backup(Path({str(path)!r}), Path({str(target)!r}))
except StoreFailed as error:
    print(error)
"""
    assert path.stat().st_size > 100_000
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{target}: no copy was made of {path}: disk I/O error\n"
    assert target.read_bytes() == b"the old copy"
    assert [place.name for place in target.parent.iterdir()] == ["copy.db"]
