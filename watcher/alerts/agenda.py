"""Which groups are to be asked what they have to say: those that something happened to, those whose time has come."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from watcher.model.times import Millis


@dataclass(slots=True)
class Agenda:
    """Groups by their keys.

    Args:
        touched: something happened to them since they were last asked.
    """

    touched: set[str] = field(default_factory=set)
    _due: dict[str, Millis] = field(default_factory=dict)
    _queue: list[tuple[Millis, str]] = field(default_factory=list)

    def clear(self) -> None:
        self.touched.clear()
        self._due.clear()
        self._queue.clear()

    def touch(self, keys: Iterable[str]) -> None:
        self.touched.update(keys)

    def put(self, key: str, due: Millis | None) -> None:
        """Ask a group again at a moment; None: only when something happens to it."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._queue, (due, key))

    def take(self, now: Millis) -> set[str]:
        """Those that are to be asked now; they leave the agenda."""
        found, self.touched = self.touched, set()
        while (due := self.next()) is not None and due <= now:
            _, key = heapq.heappop(self._queue)
            del self._due[key]
            found.add(key)
        return found

    def next(self) -> Millis | None:
        """When the time of the first comes."""
        while self._queue and self._due.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)  # it was put elsewhere meanwhile
        return self._queue[0][0] if self._queue else None
