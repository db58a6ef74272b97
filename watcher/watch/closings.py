"""When a batch's closing message is due: once for each channel that was told of an alert of the batch, of a rule that
says `closing: true`. What is awaited is in the store."""

from collections.abc import Collection
from hashlib import sha256

import structlog

from watcher.alerts.closing import closing_message, closing_of
from watcher.alerts.links import AppLinks
from watcher.model.alert import Episode
from watcher.model.message import Message, Say
from watcher.model.times import Millis
from watcher.rules.scope import Scope
from watcher.store.closings import Ended
from watcher.store.store import Store
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()


class Closings:
    """Args:
    rules: names of those that want it.
    """

    def __init__(self, store: Store, rules: Collection[str], links: AppLinks) -> None:
        self._store = store
        self._rules = rules
        self._links = links

    def told(self, episode: Episode, channel: str) -> None:
        """The channel hears of this episode now."""
        if episode.alert.rule in self._rules:
            self._store.closings.wait(episode.tasks, channel)

    def due(self, watermarks: Watermarks, now: Millis) -> list[Message]:
        """The messages of the batches that are over; they then count as said.

        A batch whose last known end is not past the farm's watermark may have tasks that nobody has seen yet.
        """
        messages: list[Message] = []
        for one in self._store.closings.over():
            known_to = watermarks.of(Scope(one.farm_id))
            ended = self._store.closings.ended(one.farm_id, one.batch_id)
            if ended is not None and (known_to is None or (ended.at or 0) > known_to):
                continue
            self._store.closings.said(one, now)
            if ended is not None:
                messages.append(self._message(ended, one.channel, now))
        return messages

    def _message(self, ended: Ended, channel: str, now: Millis) -> Message:
        batch = ended.batch
        closing = closing_of(
            batch,
            self._store.fleet.names().get(batch.farm_id, batch.farm_id),
            self._store.past.task_facts(ended.tasks),
            ended_at=ended.at,
            links=self._links,
        )
        name = sha256(f"batch:{batch.farm_id}/{batch.id}/{channel}".encode()).hexdigest()[:10]
        _log.info("message queued", message=name, channel=channel, reason=Say.BATCH_ENDED.value, batch=batch.id)
        return closing_message(closing, name=name, channel=channel, at=now)
