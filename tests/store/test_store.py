"""The state file: opened only when sound, all or nothing, and never two daemons on it."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from watcher.errors import StoreFailed, StoreLocked, StoreUnusable
from watcher.model.miner import Farm
from watcher.store.backup import backup
from watcher.store.database import Database, open_database, open_reader
from watcher.store.lock import is_held, locked
from watcher.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(open_database(tmp_path / "state.db")) as made, made.atomic():
        made.connection.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    return tmp_path / "state.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(open_database(path)) as found:
        yield found


def refusal(path: Path) -> str:
    with pytest.raises(StoreUnusable) as caught:
        open_database(path).close()
    return str(caught.value)


def test_a_new_store_is_readable_by_the_group_at_most(path: Path) -> None:
    assert path.stat().st_mode & 0o777 & ~0o640 == 0


def test_garbage_is_refused_with_the_way_out(path: Path) -> None:
    path.write_bytes(b"this is no database at all, whatever its name says" * 100)
    assert "backup" in refusal(path)


def test_flipped_bytes_are_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)
    assert str(path) in refusal(path)


def test_an_emptied_file_is_not_filled_again_in_silence(path: Path) -> None:
    path.with_name("state.db.lock").touch()
    path.write_bytes(b"")
    assert "the file is empty" in refusal(path)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "another program's" in refusal(other)


def test_a_newer_store_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('nonce-watcher', 'later', 'x')"
        )
        connection.commit()
    assert "newer nonce-watcher" in refusal(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere" / "state.db")


def test_a_failed_transaction_leaves_nothing_and_the_next_works(database: Database) -> None:
    def twice() -> None:
        with database.atomic():
            database.connection.execute("INSERT INTO meta (key, value) VALUES ('c', 'd')")
            database.connection.execute("INSERT INTO meta (key, value) VALUES ('a', 'again')")

    with pytest.raises(StoreFailed):
        twice()
    with database.atomic():
        database.connection.execute("INSERT INTO meta (key, value) VALUES ('e', 'f')")
    found = database.connection.execute("SELECT key FROM meta ORDER BY key").fetchall()
    assert found == [("a",), ("e",)]


def test_an_error_of_ours_rolls_back_too(database: Database) -> None:
    def fail() -> None:
        with database.atomic():
            database.connection.execute("DELETE FROM meta")
            raise ValueError("of ours")

    with pytest.raises(ValueError, match="of ours"):
        fail()
    assert database.connection.execute("SELECT count(*) FROM meta").fetchone() == (1,)


def test_a_reader_reads_beside_the_writer_and_cannot_write(database: Database, path: Path) -> None:
    with database.atomic():
        database.connection.execute("INSERT INTO meta (key, value) VALUES ('c', 'd')")
    with closing(open_reader(path)) as reader:
        assert reader.connection.execute("SELECT count(*) FROM meta").fetchone() == (2,)
        with pytest.raises(StoreUnusable), reader.atomic():
            reader.connection.execute("DELETE FROM meta")


def test_a_second_holder_is_told_who_the_first_is(path: Path) -> None:
    with locked(path):
        assert is_held(path)
        with pytest.raises(StoreLocked, match=str(os.getpid())), locked(path):
            pass
    assert not is_held(path)


def test_a_killed_holder_holds_nothing(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from watcher.store.lock import locked\n"
        f"with locked(Path({str(path)!r})): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(path):
        pass


def test_a_backup_is_a_store_that_opens(database: Database, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    assert backup(path, target) == target.stat().st_size
    with closing(open_database(target)) as copy:
        assert copy.connection.execute("SELECT value FROM meta").fetchall() == [("b",)]
    assert list(tmp_path.glob(".*partial")) == []


def test_a_backup_that_does_not_fit_leaves_the_old_one(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"the old copy")
    with closing(open_database(path)) as store, store.atomic():
        store.connection.execute("INSERT INTO meta (key, value) VALUES ('large', hex(zeroblob(1000000)))")
    code = (
        "import resource, sys; from pathlib import Path; from watcher.store.backup import backup\n"
        "from watcher.errors import StoreFailed\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))\n"
        f"try: backup(Path({str(path)!r}), Path({str(target)!r}))\n"
        "except StoreFailed as error: print(error); sys.exit(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert str(target) in done.stdout
    assert target.read_bytes() == b"the old copy"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_farm_keeps_its_first_contact(database: Database) -> None:
    store = Store(database)
    with store.atomic():
        store.fleet.write_farms([Farm("f", "Old name")], [], 0)
        store.fleet.set_t0("f", 5)
        store.fleet.set_t0("f", 9)
        store.fleet.write_farms([Farm("f", "New name")], [], 0)
    (record,) = store.fleet.farms()
    assert (record.farm.name, record.t0) == ("New name", 5)
