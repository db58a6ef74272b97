"""Which channels messages don't get through to."""

from collections.abc import Collection

from watcher.model.times import HOUR, MINUTE, Millis
from watcher.model.trouble import Trouble, TroubleKind
from watcher.store.outbox import Outbox

_PATIENCE: Millis = 10 * MINUTE
_SHOWN: Millis = HOUR


def broken_channels(outbox: Outbox, channels: Collection[str], now: Millis) -> list[Trouble]:
    """Those where a message was not accepted for ten minutes, or was given up within the hour.

    Args:
        channels: the configured ones.
    """
    return [
        Trouble(TroubleKind.CHANNEL, since, f"{count} not delivered: {reason}", channel=channel)
        for channel, since, reason, count in outbox.failing(now - _PATIENCE, now - _SHOWN)
        if channel in channels
    ]
