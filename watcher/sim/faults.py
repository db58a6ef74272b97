"""Which of the next requests go wrong, and how. What is then sent is the business of `broken`."""

from collections import deque
from dataclasses import dataclass

INSTEAD = (
    *("html", "empty", "wrong_type", "bare_list", "empty_list", "huge", "gzip_bomb"),
    *("drip", "hang", "reset", "redirect"),
)
"""Sent by something in between: the API never sees the request."""

DISTORTED = ("truncated", "page_loop", "odd_fields")
"""A true reply, spoilt: cut off, the first page for ever, rows with fields and types that nobody documented."""

KINDS = (*INSTEAD, *DISTORTED)


@dataclass(frozen=True, slots=True)
class Fault:
    kind: str
    path_contains: str = ""


class Faults:
    """The faults still to come, in order; each is spent on the first request whose path has its text."""

    def __init__(self) -> None:
        self._coming: deque[Fault] = deque()

    def plan(self, count: int, kind: str, path_contains: str = "") -> None:
        """`count` more of a kind: one of `KINDS`, or a status.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS and not kind.isdigit():
            raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)} and statuses")
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
