"""The simulated API's own time: virtual, scaled, and wrong if a test wants it to be."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimClock:
    """Virtual time that runs `scale` times as fast as the real one; with 0 it moves by `advance` alone.

    Args:
        start: the first moment; the real present without one.
        scale: virtual seconds for each real one.
        offset: seconds by which the server's clock is ahead of the truth; negative when it is behind.
    """

    def __init__(
        self,
        start: datetime | None = None,
        scale: float = 1.0,
        offset: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start if start is not None else datetime.now(UTC)
        self._monotonic = monotonic
        self._began = monotonic()
        self._advanced = 0.0
        self.scale = scale
        self.offset = offset

    def now(self) -> datetime:
        """What the server believes the time to be."""
        passed = (self._monotonic() - self._began) * self.scale + self._advanced
        return self._start + timedelta(seconds=passed + self.offset)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass at once."""
        self._advanced += seconds
