"""The delivery's outbox, kept in the store: with each channel's budget, its digests, and its fallback channels."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from hashlib import sha256

import structlog

from watcher.alerts.digest import Digester, digest_message
from watcher.model.codec import from_json, to_json
from watcher.model.decision import Decided, Hush, Why
from watcher.model.digest import Cause
from watcher.model.times import HOUR, Millis
from watcher.notify.draft import headline_of
from watcher.notify.fallback import instead
from watcher.notify.folding import folds
from watcher.notify.outbox import Row
from watcher.notify.outcome import Outcome, Result
from watcher.notify.retry import Dead, Retry
from watcher.notify.targets import Channel
from watcher.store.folds import Waiting
from watcher.store.outbox import OutboxRecord
from watcher.store.store import Store

_log = structlog.get_logger()

SENDING = "sending"
_LONGEST_WAIT: Millis = HOUR
"""No retry is later: what is to come later still was written before the API's clock was put back."""


class StoredOutbox:
    """Each call is one transaction; any may raise `StoreFailed`.

    Args:
        channels: for their budgets and fallback channels.
        digester: makes digests.
        zone: in which a digest shows times within a line.
    """

    def __init__(
        self, store: Store, channels: Sequence[Channel] = (), digester: Digester | None = None, zone: tzinfo = UTC
    ) -> None:
        self._store = store
        self._channels = {channel.name: channel for channel in channels}
        self._digester = digester or Digester({})
        self._zone = zone

    def due(self, channel: str, target: str, now: Millis) -> Row | None:
        record = self._store.outbox.oldest(channel, target)
        if record is None or self._due_at(record, now) > now:
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

    def next_due(self, channel: str, target: str, now: Millis) -> Millis | None:
        record = self._store.outbox.oldest(channel, target)
        return None if record is None else self._due_at(record, now)

    def _due_at(self, record: OutboxRecord, now: Millis) -> Millis:
        next_at = record.next_at or 0
        return max(next_at if next_at <= now + _LONGEST_WAIT else 0, self._opens_at(record, now))

    def _opens_at(self, record: OutboxRecord, now: Millis) -> Millis:
        """When the target's budget allows a message again; 0 where it does."""
        channel = self._channels.get(record.channel)
        if channel is None or channel.budget is None:
            return 0
        count, per = channel.budget.count, channel.budget.per
        nth = self._store.folds.nth_last(record.channel, record.target, count, now, per)
        return 0 if nth is None else nth + per

    def unfinished(self, channel: str, target: str) -> int:
        return self._store.outbox.unfinished(channel, target)

    def fold(self, channel: str, target: str, now: Millis) -> None:
        head = self._store.outbox.oldest(channel, target)
        if head is None or head.may_repeat or head.state == SENDING:
            return  # what may have been delivered is repeated as it was
        waiting = self._store.folds.waiting(channel, target)
        cause = folds(waiting, now, last=self._is_last(channel, target, now))
        if cause is not None:
            with self._store.atomic():
                self._fold(channel, target, waiting, cause, now)

    def _is_last(self, name: str, target: str, now: Millis) -> bool:
        channel = self._channels.get(name)
        if channel is None or channel.budget is None:
            return False
        count, per = channel.budget.count, channel.budget.per
        return count == 1 or self._store.folds.nth_last(name, target, count - 1, now, per) is not None

    def _fold(self, channel: str, target: str, waiting: Sequence[Waiting], cause: Cause, now: Millis) -> None:
        kept = [row for row in waiting if row.unfinished]
        carrier = next((row.id for row in kept if row.stands_for > 1), 0)
        carrier = carrier or self._store.folds.carrier(channel, target, now)
        self._store.folds.fold([row.id for row in waiting], carrier, now)
        members = self._store.folds.members(carrier)
        messages = [message for message, _ in members]
        others = self._store.folds.without_alerts(messages)
        of_others = {message for message, _ in others}
        told = self._store.folds.episodes(channel, [one for one in messages if one not in of_others])
        episodes = self._store.episodes.numbered(number for number, _ in told)
        digest = self._digester.digest(
            episodes,
            cause=cause,
            messages=len(members),
            since=min(at for _, at in members),
            others=[headline_of(from_json(text), self._zone) for _, text in others],
        )
        identity = sha256(f"{channel}/{target}/{carrier}".encode()).hexdigest()[:10]
        notes = self._store.folds.notes([one for one in messages if one not in of_others])
        message = digest_message(digest, id_=identity, channel=channel, at=now, notes=notes)
        self._store.folds.write(
            carrier,
            identity,
            to_json(message),
            stands_for=len(members),
            attempts=max(row.attempts for row in kept),
            first_tried_at=min((row.first_tried_at for row in kept if row.first_tried_at is not None), default=None),
        )
        new = {row.message_id for row in waiting if row.id != carrier}
        fresh = {number for number, said in told if said in new}
        why = Why(Hush.FOLDED, message=identity)
        self._store.speech.decided(
            Decided(now, one.alert.fingerprint, channel, one.id, why) for one in episodes if one.id in fresh
        )
        _log.info(
            "messages folded", channel=channel, target=target, message=identity, count=len(members), cause=cause.value
        )

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
                case Dead(reason, owed):
                    self._store.outbox.dead(row.id, now, reason, owed=owed)
                    self._fall_back(row, reason, now)

    def _fall_back(self, row: Row, reason: str, now: Millis) -> None:
        channel = self._channels.get(row.channel)
        for name in () if channel is None else channel.fallback:
            other = self._channels.get(name)
            message = instead(row.message, name, reason)
            for target in () if other is None else other.targets:
                key = f"{message.id}/{name}/{target.key}"
                self._store.outbox.add(key, name, target.key, to_json(message), now, fallback_of=row.id)
