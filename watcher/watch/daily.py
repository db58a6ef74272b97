"""The daily summary: what stands unrepaired, what was not told by itself, what died on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, tzinfo
from hashlib import sha256

import structlog

from watcher.alerts.digest import Digester, digest_message
from watcher.model.alert import Origin
from watcher.model.codec import to_json
from watcher.model.decision import Hush
from watcher.model.digest import Cause
from watcher.model.times import Millis, to_datetime
from watcher.store.store import Store

_log = structlog.get_logger()

_LAST = "daily"
_COMMON = frozenset({Hush.UNCHANGED, Hush.WAITING, Hush.BASELINE})
_UNSAID = tuple(reason.value for reason in Hush if reason not in _COMMON)


def is_due(now: Millis, at: time, zone: tzinfo, last: str) -> str | None:
    """The day whose summary is due, as `2026-11-23`; None: today's was made, or is to come. An hour that a change of
    the clocks leaves out has come when the next one begins; one that comes twice is due the first time.

    Args:
        last: the day of the last one.
    """
    local = to_datetime(now).astimezone(zone)
    today = local.date().isoformat()
    return today if local.time() >= at and today > last else None


@dataclass(frozen=True, slots=True)
class Daily:
    """Args:
    at: when, in `zone`.
    targets: channel → keys of its targets, of the channels that are told; without any, nothing is.
    """

    store: Store
    digester: Digester
    at: time
    zone: tzinfo
    targets: Mapping[str, Sequence[str]]

    def tick(self, now: Millis) -> bool:
        """Puts the summary into the outbox when its time has come; says whether it did.

        Raises:
            StoreFailed: nothing was saved, and it is still due.
        """
        if not self.targets:
            return False
        last, _, since = (self.store.meta.get(_LAST) or "").partition(" ")
        today = is_due(now, self.at, self.zone, last)
        if since and today is None:
            return False
        with self.store.atomic():
            # The first one is that of the first full day.
            day = today or last or "0000-00-00"
            self.store.meta.set(_LAST, f"{day} {now}")
            if since and today is not None:
                self._say(today, int(since), now)
        return bool(since)

    def _say(self, today: str, since: Millis, now: Millis) -> None:
        standing = [one for one in self.store.episodes.open() if one.origin is not Origin.BASELINE]
        digest = self.digester.digest(
            standing,
            cause=Cause.DAILY,
            messages=0,
            since=since,
            unsaid=self.store.speech.unsaid(_UNSAID, since),
            died=self.store.outbox.died(since),
        )
        for channel, targets in self.targets.items():
            identity = sha256(f"{_LAST}/{today}/{channel}".encode()).hexdigest()[:10]
            text = to_json(digest_message(digest, id_=identity, channel=channel, at=now))
            for target in targets:
                self.store.outbox.add(f"{identity}/{channel}/{target}", channel, target, text, now)
        _log.info("daily summary queued", day=today, channels=list(self.targets), standing=len(standing))
