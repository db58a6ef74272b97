"""The request budget: a sliding window that no 60 seconds can overfill, and that a 429 makes smaller for a while.
Pure; `gate` asks it before each request.

The server counts a request when it arrives, which is somewhere between its sending and its reply. So a place
is taken at the sending and comes back a window after the reply or the failure: of more requests than there
are places, the last was sent a window after another one had certainly arrived.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

MARGIN = 1.0
"""Seconds added to the window, for a server whose clock or counting differs a little."""

_FEWER = 0.8
"""After a 429, the share of what was out that is tried next."""

_RISE, _RISE_EVERY = 0.05, 600.0
"""Without another 429 the limit regains this share of the configured one, every so many seconds."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a planner may count on.

    Args:
        places: how many requests a window may hold, as learnt; at least 1.
        free: how many of them may go right now.
        window: seconds, the margin and the stretch for limits below 1 included.
    """

    places: int
    free: int
    window: float


class Budget:
    """All times are seconds of one monotonic clock, which the processes of one boot share.

    Args:
        limit: requests a window; below 1, the window is stretched until it holds one.
        spent: when the requests of earlier processes ended. Of one whose end nobody wrote down, its sending
            plus its timeout.
        learnt: the limit that an earlier process had learnt.
        since: when to begin unlearning that.
    """

    def __init__(
        self,
        limit: float,
        window: float = 60.0,
        spent: Iterable[float] = (),
        *,
        learnt: float | None = None,
        since: float = 0.0,
    ) -> None:
        self._configured = limit
        self._lowered = limit if learnt is None else _lowered(limit, learnt)
        self._since = since
        self._window = window / min(limit, 1.0) + MARGIN
        self._returning = sorted(ended + self._window for ended in spent)
        self._in_flight = 0

    def limit(self, now: float) -> float:
        """Requests a window, as learnt."""
        rises = max(0, floor((now - self._since) / _RISE_EVERY))
        return min(self._configured, self._lowered + rises * _RISE * self._configured)

    def learnt(self, now: float) -> float | None:
        """The limit, where it is not the configured one."""
        limit = self.limit(now)
        return limit if limit < self._configured else None

    def allowance(self, now: float) -> Allowance:
        return Allowance(self._places(now), self.remaining(now), self._window)

    def throttled(self, now: float) -> None:
        """A 429 came: what was out in the last window was too much, by whoever's count."""
        limit = self.limit(now)
        # Where another program uses the key too, our own count says little: never below half at once.
        self._lowered, self._since = _lowered(limit, max(_FEWER * self._out(now), limit / 2)), now

    def remaining(self, now: float) -> int:
        """How many requests may go now."""
        return max(0, self._places(now) - self._out(now))

    def wait(self, now: float) -> float:
        """Seconds until a request may go, 0.0 for now. With requests in flight it may be longer: ask again."""
        if self.remaining(now) > 0:
            return 0.0
        needed = self._out(now) - self._places(now)
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

    def _places(self, now: float) -> int:
        return max(1, floor(self.limit(now)))

    def _out(self, now: float) -> int:
        """How many places are taken."""
        del self._returning[: bisect_right(self._returning, now)]
        return len(self._returning) + self._in_flight


def _lowered(limit: float, to: float) -> float:
    """A limit that is never raised, and never below one request, whatever a 429 or a stored number says."""
    return min(limit, max(1.0, to))
