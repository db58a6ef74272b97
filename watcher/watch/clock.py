"""The daemon's clock: the API's present, carried on by the monotonic clock, so that the host's may step."""

from collections.abc import Callable

import structlog

from watcher.model.times import Millis
from watcher.nonce.present import Present, Verdict

_log = structlog.get_logger()


class ApiClock:
    """Tells the API's present at any moment.

    Args:
        wall: the host's clock (ms UTC); used only until the API has told the time.
        monotonic: seconds that never step.
        watermark: the newest stored one; the present is never before it.
    """

    def __init__(
        self, wall: Callable[[], Millis], monotonic: Callable[[], float], watermark: Millis | None = None
    ) -> None:
        self.wall = wall
        self.monotonic = monotonic
        self._last = watermark or 0
        self._present = Present.start(wall(), monotonic(), watermark or 0)

    def now(self) -> Millis:
        return self._present.now(self.monotonic())

    def seen(self, date: Millis | None, read_at: float) -> Millis:
        """Take in the time of a look's first reply; returns up to when the look can tell."""
        self._present, verdict = self._present.seen(date, self.wall(), read_at)
        if verdict is not Verdict.TAKEN:
            _log.warning("the API's clock stepped", verdict=verdict.value)
        if verdict is not Verdict.STEPPED:
            # A `Date` has whole seconds; a millisecond more for each look keeps the order in which things were seen.
            self._last = max(self._present.at, self._last + 1)
        else:
            self._last = self._present.at
        return self._last
