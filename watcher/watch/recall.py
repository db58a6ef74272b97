"""What the board is to know after a start: read from the store alone, by the daemon and by whoever explains it."""

from watcher.alerts.board import Board, GroupRecord, Heard
from watcher.model.times import Millis
from watcher.store.store import Store


def recall(board: Board, store: Store, now: Millis, max_age: Millis) -> dict[str, GroupRecord]:
    """Fill a board from the store; returns the groups' own states, by their keys."""
    records = {
        row.key: GroupRecord(row.key, row.anchored_at, row.spoken_at, row.flushes) for row in store.speech.groups()
    }
    heard = [
        Heard(told.episode, told.channel, told.count, told.end_told_at is not None) for told in store.speech.told()
    ]
    unsaid = store.episodes.unsaid(now - max_age)
    reasons = store.speech.last_decisions([episode.id for episode in unsaid])
    board.restore(unsaid, heard, records.values(), store.episodes.open(), reasons)
    return records
