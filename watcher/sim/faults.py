"""Which of the next requests go wrong, and how. What is then sent is the business of `replies`."""

from collections import deque
from dataclasses import dataclass

STATUSES = ("400", "401", "403", "404", "429", "500", "502", "503", "504")

UNASKED = ("html", "empty", "bare_list", "empty_list", "wrong_type", "huge", "gzip_bomb", "drip", "hang", "redirect")
"""Faults of something in between: the API never saw the request."""

DISTORTED = ("truncated", "reset", "page_loop", "wrong_rows")
"""Faults of a true reply: cut off, cut off with the connection, the first page for ever, rows of odd types."""

KINDS = (*STATUSES, *UNASKED, *DISTORTED)


@dataclass(frozen=True, slots=True)
class Fault:
    kind: str
    path_contains: str = ""


class Faults:
    """The faults still to come, in order; each is spent on the first request whose path has its text."""

    def __init__(self) -> None:
        self._coming: deque[Fault] = deque()

    def plan(self, count: int, kind: str, path_contains: str = "") -> None:
        """`count` more of a kind: one of `KINDS`.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)}")
        self._coming.extend([Fault(kind, path_contains)] * count)

    def take(self, path: str) -> str | None:
        """The kind of fault for a request to this path, spent by asking."""
        found = next((fault for fault in self._coming if fault.path_contains in path), None)
        if found is None:
            return None
        self._coming.remove(found)
        return found.kind

    def clear(self) -> None:
        self._coming.clear()

    def __len__(self) -> int:
        return len(self._coming)
