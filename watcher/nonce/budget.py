"""The request budget: a sliding window that no 60 seconds can overfill. Pure; `gate` asks it before each request.

The server counts a request when it arrives, which is somewhere between its sending and its reply. So a place
is taken at the sending and comes back a window after the reply or the failure: of more requests than there
are places, the last was sent a window after another one had certainly arrived.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from math import floor

MARGIN = 1.0
"""Seconds added to the window, for a server whose clock or counting differs a little."""


class Budget:
    """All times are seconds of one monotonic clock, which the processes of one boot share.

    Args:
        limit: requests a window; below 1, the window is stretched until it holds one.
        spent: when the requests of earlier processes ended. Of one whose end nobody wrote down, its sending
            plus its timeout.
    """

    def __init__(self, limit: float, window: float = 60.0, spent: Iterable[float] = ()) -> None:
        self._places = max(1, floor(limit))
        self._window = window / min(limit, 1.0) + MARGIN
        self._returning = sorted(ended + self._window for ended in spent)
        self._in_flight = 0

    def remaining(self, now: float) -> int:
        """How many requests may go now."""
        del self._returning[: bisect_right(self._returning, now)]
        return max(0, self._places - len(self._returning) - self._in_flight)

    def wait(self, now: float) -> float:
        """Seconds until a request may go, 0.0 for now. With requests in flight it may be longer: ask again."""
        if self.remaining(now) > 0:
            return 0.0
        needed = len(self._returning) + self._in_flight - self._places
        return self._returning[needed] - now if needed < len(self._returning) else self._window

    def spend(self, now: float) -> None:
        """A request goes out.

        Raises:
            ValueError: there is no place for it.
        """
        if self.remaining(now) == 0:
            raise ValueError("no request may go now")
        self._in_flight += 1

    def settle(self, now: float) -> None:
        """A request has ended, by its reply or without one."""
        self._in_flight -= 1
        insort(self._returning, now + self._window)
