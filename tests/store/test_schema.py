"""The tables: made in whole steps, strict, and fit for the questions that are asked of them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from sqlite_utils.migrations import Migrations

from watcher.store.database import Database, open_database
from watcher.store.outbox import Outbox
from watcher.store.schema import is_newer, migrations

TASK = "INSERT INTO tasks (farm_id, id, name, status, created_at) VALUES ('f', 't', 'miner.log.get', ?, ?)"
LOG = "INSERT INTO transitions (task, status, at, observed_at, observed, baseline) VALUES (1, 'failed', ?, 1000, 1, 5)"
OPEN = "lost_at IS NULL AND status NOT IN ('succeed', 'failed', 'timed_out', 'cancelled')"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(tmp_path / "state.db")) as found:
        yield found


def plan(database: Database, question: str) -> str:
    return " ".join(str(row[3]) for row in database.connection.execute(f"EXPLAIN QUERY PLAN {question}"))


def test_every_table_of_ours_is_strict(database: Database) -> None:
    tables = database.connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()
    lax = {name for name, strict in tables if not strict}
    assert lax == {"sqlite_schema", "sqlite_temp_schema", "_sqlite_migrations"}


def test_a_time_that_is_no_whole_number_is_refused(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        database.connection.execute(TASK, ("failed", "2026-11-23T19:09:03Z"))


def test_a_task_and_its_transition_exist_once(database: Database) -> None:
    database.connection.execute(TASK, ("failed", 1))
    with pytest.raises(sqlite3.IntegrityError, match=r"tasks\.farm_id, tasks\.id"):
        database.connection.execute(TASK, ("succeed", 2))
    database.connection.execute(LOG, (3,))
    with pytest.raises(sqlite3.IntegrityError, match=r"transitions\.task, transitions\.status"):
        database.connection.execute(LOG, (4,))


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (f"SELECT 1 FROM tasks WHERE farm_id = 'f' AND miner_id = 'm' AND {OPEN}", "tasks_open"),
        ("SELECT 1 FROM tasks WHERE farm_id = 'f' AND miner_id = 'm'", "tasks_by_miner"),
        ("SELECT 1 FROM transitions WHERE at > 5", "transitions_by_time"),
        ("SELECT 1 FROM episodes WHERE alert = 'a' AND ended_at IS NULL", "episodes_open"),
        ("SELECT 1 FROM episodes WHERE alert = 'a' AND started_at > 5", "episodes_by_alert"),
        ("SELECT 1 FROM episodes WHERE ended_at > 5", "episodes_by_end"),
        (
            "SELECT 1 FROM outbox WHERE channel = 'c' AND target = 't' AND state IN ('queued', 'sending') ORDER BY id",
            "outbox_unfinished",
        ),
        ("SELECT 1 FROM decisions WHERE alert = 'a' AND at > 5", "decisions_by_alert"),
        ("SELECT 1 FROM decisions WHERE episode = 5 AND channel = 'c'", "decisions_by_episode"),
        ("SELECT 1 FROM deliveries WHERE outbox = 5", "deliveries_by_outbox"),
    ],
)
def test_what_is_asked_often_has_its_index(database: Database, question: str, index: str) -> None:
    assert f"INDEX {index} " in plan(database, question)
    assert "TEMP B-TREE" not in plan(database, question)


def test_people_read_times_as_text(database: Database) -> None:
    database.connection.execute(TASK, ("failed", 1_795_460_943_120))
    database.connection.execute(LOG, (0,))
    assert database.connection.execute("SELECT id, status, created FROM readable_tasks").fetchall() == [
        ("t", "failed", "2026-11-23T19:09:03.120Z")
    ]
    assert database.connection.execute(
        "SELECT farm_id, task, status, at, observed_at, observed, baseline FROM readable_transitions"
    ).fetchall() == [("f", "t", "failed", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:01.000Z", 1, 1)]


def test_a_migration_that_dies_half_way_leaves_the_old_tables(database: Database) -> None:
    later = Migrations(migrations.name)

    @later()
    def half(db: sqlite_utils.Database) -> None:
        db.execute("CREATE TABLE half (x)")
        db.execute("INSERT INTO meta (key) VALUES ('no value')")

    with pytest.raises(sqlite3.IntegrityError):
        later.apply(database.db)
    assert "half" not in database.db.table_names()
    assert not is_newer(database.db)


def test_the_tables_of_a_later_version_are_recognised(database: Database) -> None:
    later = Migrations(migrations.name)

    @later()
    def one_more(db: sqlite_utils.Database) -> None:
        db.execute("ALTER TABLE meta ADD COLUMN more TEXT")

    assert not is_newer(database.db)
    later.apply(database.db)
    assert is_newer(database.db)


def test_messages_of_an_older_version_are_kept_once_for_all_their_targets(tmp_path: Path) -> None:
    older = Migrations(migrations.name)
    for migration in migrations._migrations:
        if migration.name != "letters":
            older(name=migration.name)(migration.fn)
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        older.apply(sqlite_utils.Database(connection))
        connection.executemany(
            "INSERT INTO outbox (dedupe_key, channel, target, message, state, attempts, may_repeat, created_at) "
            "VALUES (?, 'ops', ?, ?, 'queued', 0, 0, 1)",
            [("m1/ops/a", "a", '{"id": "m1"}'), ("m1/ops/b", "b", '{"id": "m1"}'), ("m2/ops/a", "a", '{"id": "m2"}')],
        )
        migrations.apply(sqlite_utils.Database(connection))
        outbox = Outbox(connection)
        assert [(one.target, one.message) for one in outbox.of_messages(["m1", "m2"])] == [
            ("a", '{"id": "m1"}'),
            ("b", '{"id": "m1"}'),
            ("a", '{"id": "m2"}'),
        ]
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)
