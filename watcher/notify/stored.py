"""The delivery's outbox, kept in the store."""

from watcher.model.codec import from_json
from watcher.model.times import Millis
from watcher.notify.outbox import Row
from watcher.notify.outcome import Outcome, Result
from watcher.notify.retry import Dead, Retry
from watcher.store.store import Store

SENDING = "sending"


class StoredOutbox:
    """Each call is one transaction; any may raise `StoreFailed`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, channel: str, target: str, now: Millis) -> Row | None:
        record = self._store.outbox.oldest(channel, target)
        if record is None or (record.next_at is not None and record.next_at > now):
            return None
        return Row(
            id=record.id,
            message=from_json(record.message),
            channel=record.channel,
            target=record.target,
            attempts=record.attempts,
            first_tried_at=record.first_tried_at,
            # A row found in flight belongs to a process that died in it: the service may have taken it.
            may_repeat=record.may_repeat or record.state == SENDING,
        )

    def next_due(self, channel: str, target: str) -> Millis | None:
        record = self._store.outbox.oldest(channel, target)
        return None if record is None else record.next_at or 0

    def unfinished(self, channel: str, target: str) -> int:
        return self._store.outbox.unfinished(channel, target)

    def begin(self, row: Row, now: Millis) -> None:
        with self._store.atomic():
            self._store.outbox.begin(row.id, now)

    def finish(self, row: Row, outcome: Outcome, then: Retry | Dead | None, now: Millis) -> None:
        with self._store.atomic():
            self._store.outbox.delivery(row.id, now, outcome.result.value, outcome.reason)
            match then:
                case None:
                    self._store.outbox.sent(row.id, now)
                case Retry(at):
                    may_repeat = row.may_repeat or outcome.result is Result.UNCERTAIN
                    self._store.outbox.retry(row.id, at, outcome.reason, may_repeat=may_repeat)
                case Dead(reason):
                    self._store.outbox.dead(row.id, now, reason)
