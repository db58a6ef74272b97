"""The dead man's ping: as long as it comes, somebody else knows that the watch works."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import structlog

from watcher.model.secret import Secret
from watcher.model.times import SECOND, Millis

_log = structlog.get_logger()

_DEADLINE = 10.0
_RETRY = 10.0


def is_due(now: float, every: float, beaten_at: float | None, tried_at: float | None) -> bool:
    """Whether to ping now: `every` seconds after the last ping that arrived, and after one that didn't, a little
    later. All times in seconds of one monotonic clock."""
    if tried_at is not None and now - tried_at < min(every, _RETRY):
        return False
    return beaten_at is None or now - beaten_at >= every


class Heartbeat:
    """Pings an address, which is a secret.

    Args:
        every: how often (ms).
        monotonic: seconds that never step.
        deadline: seconds for a whole ping.
    """

    def __init__(
        self, url: Secret, every: Millis, *, monotonic: Callable[[], float], deadline: float = _DEADLINE
    ) -> None:
        self._url = url
        self._every = every / SECOND
        self._monotonic = monotonic
        self._deadline = deadline
        self._beaten_at: float | None = None
        self._tried_at: float | None = None
        self._trouble: str | None = None
        self._http = httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113 - one deadline for everything

    async def beat(self) -> bool:
        """Ping if it is time; whether a ping arrived."""
        now = self._monotonic()
        if not is_due(now, self._every, self._beaten_at, self._tried_at):
            return False
        self._tried_at = now
        trouble = await self._ping()
        if trouble != self._trouble:
            host = urlsplit(self._url.reveal()).hostname
            if trouble is None:
                _log.info("the heartbeat arrives again", host=host)
            else:
                _log.warning("the heartbeat does not arrive", host=host, reason=trouble)
            self._trouble = trouble
        if trouble is None:
            self._beaten_at = now
        return trouble is None

    async def _ping(self) -> str | None:
        """What is wrong; None where the ping arrived. The text of an error may hold the address: its kind is told."""
        try:
            async with asyncio.timeout(self._deadline):
                reply = await self._http.get(self._url.reveal())
        except TimeoutError:
            return f"no answer within {self._deadline:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return type(error).__name__
        return None if reply.is_success else f"answered {reply.status_code}"

    async def aclose(self) -> None:
        await self._http.aclose()
