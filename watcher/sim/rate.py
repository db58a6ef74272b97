"""The rate limit: a sliding window over the requests that were let through."""

from collections import deque


class SlidingWindow:
    """Remembers when requests were admitted. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._admitted: deque[float] = deque()

    def admit(self, now: float, limit: int, window: float) -> float | None:
        """Count a request; or, where that would be one too many, tell the seconds until there is room."""
        while self._admitted and self._admitted[0] <= now - window:
            self._admitted.popleft()
        if len(self._admitted) < limit:
            self._admitted.append(now)
            return None
        return self._admitted[-limit] + window - now if limit else window
