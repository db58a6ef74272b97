"""The simulated API's own time: virtual, scaled, and wrong if a test wants it to be."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimClock:
    """Virtual time that runs `scale` times as fast as the real one; with 0 it moves by hand alone.

    Args:
        start: the first moment, aware; the real present without one.
        scale: virtual seconds for each real one; fixed, since changing it would make time jump.
        offset: seconds by which the server's clock is ahead of the truth; negative when it is behind. May be changed.
    """

    def __init__(
        self,
        start: datetime | None = None,
        scale: float = 1.0,
        offset: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the clock's start needs a time zone")
        self._start = start.astimezone(UTC) if start is not None else datetime.now(UTC)
        self._monotonic = monotonic
        self._began = monotonic()
        self._advanced = 0.0
        self._scale = scale
        self.offset = offset

    @property
    def scale(self) -> float:
        return self._scale

    def now(self) -> datetime:
        """What the server believes the time to be."""
        passed = (self._monotonic() - self._began) * self._scale + self._advanced
        return self._start + timedelta(seconds=passed + self.offset)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass at once."""
        self._advanced += seconds

    def jump_to(self, at: datetime) -> None:
        """Make this moment the present; time goes on from there."""
        self._advanced += (at - self.now()).total_seconds()
