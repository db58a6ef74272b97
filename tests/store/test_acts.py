"""Silences and acknowledgements: written by commands, noticed by the daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.errors import StoreUnusable
from watcher.model.act import Ack, Silence
from watcher.model.alert import Alert, Episode, Origin
from watcher.model.decision import Decided, Hush, Why
from watcher.model.message import Say, Severity
from watcher.store.database import open_database, open_writer
from watcher.store.store import Store

SILENCE = Silence(1, {"farm": ("North*",), "rule": ("a", "b")}, 100, 200, "alice", "roll'out")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(open_database(tmp_path / "state.db"))
    yield store
    store.close()


def test_a_silence_comes_back_as_it_was(store: Store) -> None:
    with store.atomic():
        assert store.acts.add(SILENCE, 50) == 1
    assert store.acts.silences(0) == [SILENCE]
    assert store.acts.silences(199) == [SILENCE]
    assert store.acts.silences(200) == []
    assert store.acts.silence(2) is None


def test_a_silence_that_is_ended_early_is_over_and_one_that_had_not_begun_never_held(store: Store) -> None:
    with store.atomic():
        store.acts.add(SILENCE, 50)
        store.acts.add(SILENCE, 50)
        store.acts.expire(1, 150)
        store.acts.expire(2, 90)
        store.acts.expire(1, 170)
    assert [(one.starts_at, one.ends_at) for one in store.acts.silences(0)] == [(90, 90), (100, 150)]
    assert not any(one.holds(at) for one in store.acts.silences(0) for at in (89, 90, 150))


def test_the_last_ack_of_an_episode_counts_until_it_is_outgrown(store: Store) -> None:
    first, second = Ack(3, 1, "bob", "", 4), Ack(3, 2, "eve", "on it", 5)
    with store.atomic():
        store.acts.acknowledge(first)
        store.acts.acknowledge(second)
    assert store.acts.acks() == {3: second}
    with store.atomic():
        store.acts.outgrown(3)
    assert store.acts.acks() == {}


def test_the_daemon_notices_what_another_process_wrote_and_not_what_it_wrote_itself(
    store: Store, tmp_path: Path
) -> None:
    before = store.acts.version()
    with store.atomic():
        store.acts.add(SILENCE, 50)
    assert store.acts.version() == before
    other = Store(open_writer(tmp_path / "state.db"))
    with other.atomic():
        other.acts.add(SILENCE, 60)
    other.close()
    assert store.acts.version() != before
    assert len(store.acts.silences(0)) == 2


def test_what_is_long_over_is_forgotten(store: Store) -> None:
    with store.atomic():
        store.acts.add(SILENCE, 50)
        store.acts.acknowledge(Ack(3, 1, "bob", "", 4))
        store.acts.purge(201)
    assert store.acts.silences(0) == []
    assert store.acts.acks() == {}, "its episode is gone"


def test_a_command_may_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no store yet"):
        open_writer(tmp_path / "none.db")


def test_the_messages_of_late_are_told_with_what_they_were_sent_for(store: Store) -> None:
    def said(at: int, episode: int, message: str | None) -> Decided:
        reason = Hush.WAITING if message is None else Say.FIRST
        return Decided(at, "a", "ops", episode, Why(reason, "g", message=message))

    with store.atomic():
        store.speech.decided([said(5, 1, "old"), said(10, 1, None), said(11, 1, "m"), said(11, 2, "m")])
    assert store.speech.said(7) == {("m", "ops"): (11, "first", {1, 2})}


def test_when_a_channel_first_heard_of_it_is_kept(store: Store) -> None:
    with store.atomic():
        store.speech.tell(1, "ops", "m1", 1, 10, ended=False)
        store.speech.tell(1, "ops", "m2", 2, 20, ended=True)
    (told,) = store.speech.told()
    assert (told.first_at, told.told_at, told.end_told_at) == (10, 20, 20)


def test_an_end_that_is_owed_is_kept_for_longer_and_alerts_that_change_are_found(store: Store) -> None:
    def episode(start: int, end: int | None, name: str) -> Episode:
        alert = Alert(name, "r", Severity.WARNING, (), {})
        return Episode(0, alert, start, Origin.NEWS, 1, None, start, start, (), start, end, end_known_at=end)

    with store.atomic():
        owed, told, untold = (
            store.episodes.write(episode(at, 100, name)) for at, name in ((10, "a"), (20, "b"), (30, "c"))
        )
        store.episodes.write(episode(110, None, "a"))
        store.speech.tell(owed, "ops", "m", 1, 15, ended=False)
        store.speech.tell(told, "ops", "m", 1, 25, ended=True)
    assert [one.id for one in store.episodes.unsaid(150, 50)] == [owed, 4]
    assert [one.id for one in store.episodes.unsaid(150, 100)] == [4]
    assert [one.id for one in store.episodes.unsaid(50, 50)] == [owed, told, untold, 4]
    assert {one.alert.fingerprint for one in store.episodes.of_changing(50, 20)} == {"a", "b", "c"}
    assert [one.id for one in store.episodes.of_changing(150, 20)] == []
