"""What was asked of the simulated API, and when: the record that budgets are checked against."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server saw it.

    Args:
        status: of the reply; 0 where none was begun.
        at: real monotonic seconds.
        virtual: the API's own time.
    """

    method: str
    path: str
    status: int
    at: float
    virtual: datetime


class Ledger:
    """All requests in the order of their replies. Readers see it as it was when they began."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[Request] = []

    def add(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(self._requests.copy())

    def matching(self, path_contains: str = "", *, method: str | None = None) -> list[Request]:
        return [one for one in self if path_contains in one.path and method in (None, one.method)]

    def busiest(self, window: float = 60.0, *, method: str | None = None) -> int:
        """The most requests in any `window` real seconds, those answered 429 apart."""
        return most_within((one.at for one in self.matching(method=method) if one.status != 429), window)


def most_within(moments: Iterable[float], window: float) -> int:
    """The most of these moments that any half-open window of this length holds."""
    most = 0
    recent: deque[float] = deque()
    for at in sorted(moments):
        recent.append(at)
        while recent[0] <= at - window:
            recent.popleft()
        most = max(most, len(recent))
    return most
