"""Decisions are kept with what they hang on, and those of older versions are still read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.model.decision import Decided, Hush, Why
from watcher.model.message import Say
from watcher.store.database import open_database
from watcher.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(open_database(tmp_path / "state.db"))
    yield store
    store.close()


WAITING = Decided(1, "a", "ops", 7, Why(Hush.WAITING, "g", due=31))
SAID = Decided(31, "a", "ops", 7, Why(Say.FIRST, "g", message="m1"))
HUSHED = Decided(32, "a", "night", 7, Why(Hush.INHIBITED, "h", by="b", by_rule="cause"))
LEARNT = Decided(5, "c", None, 8, Why(Hush.BASELINE))


def test_a_decision_comes_back_as_it_was(store: Store) -> None:
    with store.atomic():
        store.speech.decided([WAITING, SAID, HUSHED, LEARNT])
    assert store.speech.decisions("a", 100) == [WAITING, SAID, HUSHED]
    assert store.speech.decisions("a", 31) == [WAITING, SAID]
    assert store.speech.decisions("c", 100) == [LEARNT]


def test_the_last_decision_on_each_channel_is_what_a_restart_goes_on_from(store: Store) -> None:
    with store.atomic():
        store.speech.decided([WAITING, SAID, HUSHED, LEARNT])
    assert store.speech.last_decisions([7, 8]) == {(7, "ops"): SAID.why, (7, "night"): HUSHED.why}
    assert store.speech.last_decisions([9]) == {}


def test_what_an_older_version_kept_is_read(store: Store) -> None:
    with store.atomic():
        store.database.connection.execute(
            "INSERT INTO decisions (at, alert, channel, reason, detail) VALUES (1, 'a', 'ops', 'first', 'm1')"
        )
    assert store.speech.decisions("a", 1) == [Decided(1, "a", "ops", 0, Why(Say.FIRST, message="m1"))]


def test_old_decisions_are_forgotten(store: Store) -> None:
    with store.atomic():
        store.speech.decided([WAITING, SAID])
        store.speech.purge(31)
    assert store.speech.decisions("a", 100) == [SAID]


def test_a_messages_rows_are_found_by_its_id_alone(store: Store) -> None:
    with store.atomic():
        for message in ("ab", "abc", "b"):
            store.outbox.add(f"{message}/ops/slack-1", "ops", "slack-1", f'"{message}"', 1)
        store.outbox.delivery(1, 2, "sent", "200 OK")
    assert [row.message for row in store.outbox.of_messages(["ab"])] == ['"ab"']
    assert store.outbox.deliveries(1) == [(2, "sent", "200 OK")]
    assert store.outbox.of_messages(["c"]) == []
