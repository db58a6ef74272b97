"""The state file under real faults: damage, full disks, other programs, other users, a crash while it is made."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from watcher.errors import StoreFailed, StoreUnusable
from watcher.store.database import Database, file_system, how_to_restore, open_database, open_reader

PUT = "INSERT INTO meta (key, value) VALUES (?, ?)"
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with closing(open_database(path)) as made:
        put(made, "a", "b")
    return path


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(open_database(path)) as found:
        yield found


@pytest.fixture
def shared() -> Iterator[Path]:
    """A store in a folder that other users can reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "state.db"


def put(database: Database, key: str, value: str) -> None:
    with database.atomic():
        database.connection.execute(PUT, (key, value))


def keys(path: Path) -> list[str]:
    with closing(open_reader(path)) as reader:
        return [row[0] for row in reader.connection.execute("SELECT key FROM meta ORDER BY key")]


def refusal(path: Path) -> str:
    """Why the daemon refuses a store; the commands that look refuse it as well."""
    with pytest.raises(StoreUnusable) as caught:
        open_database(path)
    with pytest.raises(StoreUnusable):
        open_reader(path)
    return str(caught.value)


@contextmanager
def only_readable(folder: Path) -> Iterator[None]:
    modes = {place: place.stat().st_mode for place in (folder, *folder.iterdir())}
    for place in modes:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        yield
    finally:
        for place, mode in modes.items():
            place.chmod(mode)


def as_another(work: Callable[[], object]) -> str:
    """What comes of something done by a user whom only the modes of files let in; not of root, that is."""
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                said = str(work())
            except BaseException as error:  # noqa: BLE001 - told to the parent
                said = str(error)
            os.write(told.fileno(), said.encode())
            os._exit(0)
        os.waitpid(child, 0)
        told.seek(0)
        return told.read().decode()


def as_reader(folder: Path, work: Callable[[], object]) -> str:
    """The same by one who may read the folder and no more, as the group's members may."""
    with only_readable(folder):
        return as_another(work)


def test_it_is_durable_and_ours(database: Database) -> None:
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "application_id")
    found = [database.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert found == ["wal", 2, 5000, int.from_bytes(b"nonc")]
    assert database.db["meta"].count == 1


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_store_is_for_its_owner_and_read_by_the_group(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with closing(open_database(tmp_path / "state.db")):
            modes = {place.name: place.stat().st_mode & 0o777 for place in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 0o640)


def test_a_crash_while_it_is_made_leaves_no_half_of_it(tmp_path: Path) -> None:
    (tmp_path / ".state.db.new").write_bytes(b"half")
    assert "no store yet" in refusal_of_reader(tmp_path / "state.db")
    open_database(tmp_path / "state.db").close()
    assert [place.name for place in tmp_path.iterdir()] == ["state.db"]


def refusal_of_reader(path: Path) -> str:
    with pytest.raises(StoreUnusable) as caught:
        open_reader(path)
    return str(caught.value)


def test_none_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no store yet"):
        open_database(tmp_path / "state.db", create=False)
    assert list(tmp_path.iterdir()) == []


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    for place in range(at, at + 64):
        content[place] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database " * 1000),
        lambda path: flip(path, 0),
        lambda path: os.truncate(path, path.stat().st_size // 2),
        lambda path: os.truncate(path, 700),
    ],
    ids=["empty", "text", "header", "half", "stump"],
)
def test_a_lost_store_is_never_begun_anew_and_the_way_out_is_told(path: Path, harm: Callable[[Path], object]) -> None:
    harm(path)
    left = path.read_bytes()
    with pytest.raises(StoreUnusable) as caught:
        open_database(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert how_to_restore(path) in str(caught.value)
    assert path.read_bytes() == left


def damage_a_page_of(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    flip(path, (page - 1) * size)


def test_a_damaged_page_is_found_unless_nobody_looks(path: Path) -> None:
    damage_a_page_of(path, "meta")
    with pytest.raises(StoreUnusable, match="the file is damaged"):
        open_database(path)
    open_database(path, check=False).close()


def test_damage_met_while_it_runs_is_no_passing_trouble(path: Path) -> None:
    damage_a_page_of(path, "meta")
    with closing(open_database(path, check=False)) as database:
        with pytest.raises(StoreUnusable, match="nothing was saved: database disk image is malformed: to restore"):
            put(database, "c", "d")
        assert not database.connection.in_transaction


def test_the_log_of_a_store_that_is_gone_is_not_thrown_away(path: Path) -> None:
    path.unlink()
    path.with_name("state.db-wal").write_bytes(b"what was not yet in it")
    with pytest.raises(StoreUnusable, match=r"is gone, but its log state\.db-wal is there"):
        open_database(path)


def test_a_backup_is_restored_once_the_old_log_is_gone(database: Database, path: Path, tmp_path: Path) -> None:
    """SQLite would write the old log into the restored file."""
    saved = tmp_path / "saved"
    database.connection.execute("VACUUM INTO ?", (str(saved),))
    put(database, "z", "after the backup")
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copy(tmp_path / "state.db-wal", killed)
    shutil.copy(saved, killed / "state.db")
    with pytest.raises(StoreUnusable, match=r"malformed: .*delete state\.db-wal and state\.db-shm"):
        open_database(killed / "state.db")

    for suffix in ("-wal", "-shm"):
        (killed / f"state.db{suffix}").unlink(missing_ok=True)
    shutil.copy(saved, killed / "state.db")
    with closing(open_database(killed / "state.db")):
        assert keys(killed / "state.db") == ["a"]


@pytest.mark.parametrize("mark", [0, 0x12345678])
def test_another_programs_database_is_left_as_it_was(tmp_path: Path, mark: int) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute(f"PRAGMA application_id = {mark}")
    before = path.read_bytes()
    assert "another program's database" in refusal(path)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused_by_all_and_an_older_one_by_who_cannot_change_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE _sqlite_migrations SET name = 'much_later' WHERE name = 'first_tables'")
        connection.commit()
    assert "made by a newer nonce-watcher: upgrade it; or, to restore" in refusal(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM _sqlite_migrations")
        connection.commit()
    assert "made by an older nonce-watcher: restart the service" in refusal_of_reader(path)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=f"{tmp_path}/nowhere: there is no such folder"):
        open_database(tmp_path / "nowhere" / "state.db")


def test_who_may_not_write_is_told_so(shared: Path) -> None:
    assert "may not be written by this user: the state is kept there" in as_reader(
        shared.parent, lambda: open_database(shared)
    )


def test_a_file_that_somebody_else_restored_is_named_with_the_cause(shared: Path) -> None:
    open_database(shared).close()
    shared.parent.chmod(0o777)
    shared.chmod(0o444)
    assert as_another(lambda: open_database(shared)).endswith("check its owner (chown) and mode")
    shared.chmod(0o000)
    assert as_another(lambda: open_reader(shared)).endswith("is it in the group of nonce-watcher?")


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/x /srv/far nfs4 rw 0 0
/dev/sdb1 /srv/far/near ext4 rw 0 0
me@there: /mnt/two\\040words fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/state.db", "ext4"),
        ("/srv/far/state.db", "nfs4"),
        ("/srv/far/near/state.db", "ext4"),
        ("/srv/farther/state.db", "ext4"),
        ("/mnt/two words/state.db", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_decides_the_file_system(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_a_transaction_in_a_transaction_is_a_mistake_of_ours(database: Database) -> None:
    with pytest.raises(RuntimeError, match="open already"), database.atomic():
        put(database, "c", "d")
    assert keys(database.path) == ["a"]
    put(database, "e", "f")


def test_who_waits_too_long_for_the_lock_is_told_and_may_try_again(database: Database, path: Path) -> None:
    database.connection.execute("PRAGMA busy_timeout = 20")
    with closing(open_database(path)) as other:
        with (
            other.atomic(),
            pytest.raises(StoreFailed, match=f"{path}: nothing was saved: database is locked: another"),
        ):
            put(database, "c", "d")
        put(database, "c", "d")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_on_a_full_disk_nothing_is_half_saved_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, closing(open_database(disk / "state.db")) as database:
        put(database, "a", "b")
        filler = disk / "filler"
        filler.write_bytes(bytes(300_000))
        with pytest.raises(StoreFailed, match="database or disk is full: free some space"):
            put(database, "large", "x" * 2_000_000)
        assert keys(disk / "state.db") == ["a"]
        filler.unlink()
        put(database, "c", "d")
        assert keys(disk / "state.db") == ["a", "c"]


def test_no_store_is_left_on_a_disk_too_full_for_one(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        with pytest.raises(StoreFailed, match="cannot be made: database or disk is full: free some space"):
            open_database(disk / "state.db")
        assert not (disk / "state.db").exists()
        filler.unlink()
        open_database(disk / "state.db").close()


def test_a_write_that_fails_is_a_failed_commit_and_the_next_one_works(path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from watcher.errors import StoreFailed
from watcher.store.database import open_database
database = open_database(Path({str(path)!r}))
def put(key, value):
    with database.atomic():
        database.connection.execute({PUT!r}, (key, value))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, most))
try:
    put("large", "x" * 1_000_000)
except StoreFailed as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
put("c", "d")
database.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "nothing was saved: disk I/O error: its disk can't be read or written" in done.stdout
    assert keys(path) == ["a", "c"]


WRITER = """
import sys, time
from pathlib import Path
from watcher.store.database import open_database
database = open_database(Path(sys.argv[1]))
for number in range(10_000):
    with database.atomic():
        database.connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (f"k{number:05}", "x" * 3000))
    if number == 2:
        print("writing", flush=True)
time.sleep(60)
"""


def test_who_may_only_read_can_look_whatever_the_daemon_does(shared: Path) -> None:
    """The group's members: before, beside a writing daemon, after it was killed, after it was stopped."""
    open_database(shared).close()

    def count() -> int:
        return len(keys(shared))

    def counts() -> bool:
        seen = [count() for _ in range(50)]
        return seen == sorted(seen) and seen[0] > 0

    assert as_reader(shared.parent, count) == "0"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(shared)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        beside = as_reader(shared.parent, counts)
        writer.kill()
    assert beside == "True"
    left = as_reader(shared.parent, count)
    with closing(open_database(shared)):
        pass
    assert as_reader(shared.parent, count) == left
