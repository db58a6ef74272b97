"""The daemon's clock: the API's present, carried on by the monotonic clock, so that the host's may step."""

from collections.abc import Callable

import structlog

from watcher.model.times import Millis
from watcher.nonce.present import Present, Verdict

_log = structlog.get_logger()


class ApiClock:
    """Tells the API's present at any moment.

    Until the API has told it, the present is that of the last look ever taken; the host's clock is believed
    only where there was none.

    Args:
        wall: the host's clock (ms UTC).
        monotonic: seconds that never step.
        last_look: the API's present at the newest look in the store.
    """

    def __init__(
        self, wall: Callable[[], Millis], monotonic: Callable[[], float], last_look: Millis | None = None
    ) -> None:
        self.wall = wall
        self.monotonic = monotonic
        self.told = False
        self.stepped = False
        self._last = last_look or 0
        self._present = Present.start(wall() if last_look is None else last_look, monotonic(), last_look or 0)

    def now(self) -> Millis:
        return self._present.now(self.monotonic())

    def seen(self, date: Millis | None, read_at: float) -> Millis:
        """Take in the time of a look's first reply; returns up to when the look can tell."""
        self._present, verdict = self._present.seen(date, self.wall(), read_at)
        self.told = True
        self.stepped = self.stepped or verdict is Verdict.STEPPED
        if verdict is not Verdict.TAKEN:
            _log.warning("the API's clock stepped", verdict=verdict.value)
        if verdict is not Verdict.STEPPED:
            # A `Date` has whole seconds; a millisecond more for each look keeps the order in which things were seen.
            self._last = max(self._present.at, self._last + 1)
        else:
            self._last = self._present.at
        return self._last

    def take_step(self) -> bool:
        """Whether the API's clock jumped since the last call."""
        stepped, self.stepped = self.stepped, False
        return stepped
