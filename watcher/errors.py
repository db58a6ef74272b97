"""The error tree. A class answers one question: what may the caller do?

WatcherError
├── ConfigError          the operator mends a file: every fault at once, each with its place (exit 2)
├── ApiError             something the Nonce API, or the way to it, did
│   ├── ApiUnavailable   passing: try again, later (network, 5xx, nonsense instead of JSON)
│   ├── ApiThrottled     429: try again, not before `retry_after` seconds
│   ├── ApiRefused       401, 403: stop, tell the operator, try every few minutes
│   └── ApiRejected      any other 4xx: this request will never work as it is
└── StoreError           the state file
    ├── StoreLocked      another daemon holds it (exit 2)
    ├── StoreUnusable    damaged, newer, not ours, not writable: says the way out (exit 2)
    └── StoreFailed      a transaction did not commit: drop the memory, try again
"""

from dataclasses import dataclass


class WatcherError(Exception):
    """Anything nonce-watcher raises on purpose; its text is a sentence for the operator."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One mistake in a file: where, what, and what would be right.

    Args:
        path: the file as the operator named it.
        line: 1-based; 0 when the fault is of the file as a whole.
        column: 1-based; 0 when the fault is of the file as a whole.
        text: what is wrong and what would be right, without the place.
    """

    path: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{place}: {self.text}"


class ConfigError(WatcherError):
    """Every fault found in one pass over the configuration and the rules, in file order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ApiError(WatcherError):
    """A request to the Nonce API that brought no usable answer."""


class ApiUnavailable(ApiError):
    pass


class ApiThrottled(ApiError):
    """429. `retry_after` in seconds, or None where the server did not say."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ApiRefused(ApiError):
    """401 or 403. `status` tells which."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ApiRejected(ApiError):
    """Any other 4xx. `status` tells which; 404 may mean that a farm or miner is gone."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class StoreError(WatcherError):
    pass


class StoreLocked(StoreError):
    pass


class StoreUnusable(StoreError):
    pass


class StoreFailed(StoreError):
    pass
