"""One request as the endpoints see it, and what they ask of it: whole numbers, times, a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from watcher.sim.fleet import SimFarm
from watcher.sim.replies import Document, Refused, envelope
from watcher.sim.sim import Sim
from watcher.sim.switches import Switches

Row = TypeVar("Row")

_WEEK = timedelta(days=7)
_LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered.

    Args:
        place: the names in its path.
        query: what a GET says behind the question mark, a POST in its body.
        size_name: what it must call the size of a page.
        now: the API's present, the same for the whole reply.
    """

    sim: Sim
    place: Mapping[str, str]
    query: Mapping[str, Any]
    size_name: str
    now: datetime

    @property
    def switches(self) -> Switches:
        return self.sim.switches

    def farm(self) -> SimFarm:
        farm = self.sim.farms.get(self.place["farm"])
        if farm is None:
            raise Refused(404, "No such farm")
        return farm

    def time(self, name: str, default: datetime) -> datetime:
        """A time of the query, which must carry an offset and lie within the last seven days."""
        text = self.query.get(name)
        if text is None:
            return default
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(400, f"{name} must be an ISO 8601 time") from None
        if at.tzinfo is None:
            raise Refused(400, f"{name} must carry an offset")
        if not self.now - _WEEK <= at <= self.now:
            raise Refused(400, f"{name} must lie within the last 7 days")
        return at

    def span(self) -> tuple[datetime, datetime]:
        """`from_time` and `to_time`: the last seven days without them."""
        return self.time("from_time", self.now - _WEEK), self.time("to_time", self.now)

    def page(self, found: Sequence[Row], make: Callable[[Row], Document]) -> Document:
        """The page asked for; only its rows are made."""
        number = self._whole("page", 1, None)
        size = min(self._whole(self.size_name, 10, _LARGEST_PAGE), self.switches.page_cap)
        start, total = (number - 1) * size, len(found)
        rows = [make(row) for row in found[start : start + size]]
        if self.switches.pagination == "page":
            return envelope(rows, {"total": total, "page": number, "page_size": size, "total_pages": -(-total // size)})
        more = {"hasNext": start + size < total, "hasPrevious": start > 0}
        return envelope(rows, {"total": total, "limit": size, "offset": start, **more})

    def _whole(self, name: str, default: int, most: int | None) -> int:
        try:
            number = int(str(self.query.get(name, default)))
        except ValueError:
            raise Refused(400, f"{name} must be a whole number") from None
        if number < 1 or (most is not None and number > most):
            raise Refused(400, f"{name} is out of range")
        return number
