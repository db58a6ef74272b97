"""What people do through commands reaches the daemon's groups without a restart."""

from datetime import UTC
from pathlib import Path

from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.routes import Route, Timers
from watcher.model.act import Ack, Silence
from watcher.model.alert import Alert, Episode, Origin
from watcher.model.message import Severity
from watcher.model.times import DAY, HOUR, MINUTE
from watcher.store.database import open_database, open_writer
from watcher.store.store import Store
from watcher.watch.desk import Desk, Policy
from watcher.watch.watermarks import Watermarks

T = 20_000 * DAY


def test_a_silence_and_an_ack_are_heeded_at_the_next_tick(tmp_path: Path) -> None:
    store = Store(open_database(tmp_path / "state.db"))
    board = Board([Route({}, ("ops",), ("rule",), Timers())], {}, {"ops": Voice("ops")})
    desk = Desk(store, Policy([], {"ops": ["t"]}), board, Composer({}, store.past, UTC), Watermarks())
    labels = {"rule": "r", "severity": "warning", "farm": "North"}
    alert = Alert("a", "r", Severity.WARNING, (), labels)
    episode = Episode(0, alert, T, Origin.NEWS, 1, None, T, T, (), T)
    with store.atomic():
        desk.restore(T)
        board.update(Episode(1, alert, T, Origin.NEWS, 1, None, T, T, (), T), T)
        store.episodes.write(episode)
    desk.heed(T)
    assert not desk.heed(T)
    assert desk.next_due(T) == T + 30_000
    other = Store(open_writer(tmp_path / "state.db"))
    with other.atomic():
        other.acts.add(Silence(0, {"farm": ("North",)}, T, T + HOUR, "alice", ""), T)
        other.acts.acknowledge(Ack(1, T, "bob", "", 1))
    assert desk.heed(T)
    assert desk.next_due(T) == T + HOUR
    with store.atomic():
        assert desk.speak(T + MINUTE) == 0
    (decided,) = store.speech.decisions("a", T + MINUTE)
    assert (decided.why.reason.value, decided.why.author) == ("silenced", "alice")
    with other.atomic():
        other.acts.expire(1, T + 2 * MINUTE)
    assert desk.heed(T + 2 * MINUTE)
    with store.atomic():
        assert desk.speak(T + 2 * MINUTE) == 1
    other.close()
    store.close()
