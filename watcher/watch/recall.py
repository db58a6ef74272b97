"""What the board is to know after a start: read from the store alone, by the daemon and by whoever explains it."""

from watcher.alerts.board import OWED, Board, GroupRecord, Heard
from watcher.alerts.flapping import REACH
from watcher.model.times import DAY, Millis
from watcher.store.store import Store

_RELEASED: Millis = 7 * DAY
"""For how long after its end a silence still tells why something is said only now."""


def recall(board: Board, store: Store, now: Millis, max_age: Millis) -> dict[str, GroupRecord]:
    """Fill a board from the store; returns the groups' own states, by their keys."""
    records = {
        row.key: GroupRecord(row.key, row.anchored_at, row.spoken_at, row.flushes) for row in store.speech.groups()
    }
    heard = [
        Heard(told.episode, told.channel, told.count, told.end_told_at is not None, told.first_at, told.told_at)
        for told in store.speech.told()
    ]
    unsaid = store.episodes.unsaid(now - max_age, now - OWED)
    reasons = store.speech.last_decisions([episode.id for episode in unsaid])
    damping = board.damping
    recent = [] if damping is None else store.episodes.of_changing(now - 2 * damping.within, now - REACH)
    acts_of_people(board, store, now)
    board.restore(unsaid, heard, records.values(), store.episodes.open(), reasons, recent)
    return records


def acts_of_people(board: Board, store: Store, now: Millis) -> bool:
    """Tell a board of the silences and acknowledgements there are; whether they are others than before."""
    return board.act(store.acts.silences(now - _RELEASED), store.acts.acks())
