"""Walking over the pages of a list that moves meanwhile: repeats are dropped, loops noticed, and a list that
moved is walked again. Knows neither HTTP nor what the rows mean."""

from collections.abc import Awaitable, Callable

from watcher.errors import ApiUnavailable
from watcher.nonce.lenient import Page, Row

PAGE_SIZE = 500
MAX_PAGES = 200
MAX_WALKS = 3

Fetch = Callable[[int, int], Awaitable[Page[Row]]]
"""Brings a page, by its number from 1 and the size of the pages."""

Enough = Callable[[list[Row]], bool]
"""Whether the rows of a walk so far, in its order, make the pages to come unnecessary."""


async def read_all(fetch: Fetch[Row], enough: Enough[Row] = lambda _: False) -> list[Row]:
    """Every row, each id once, as last read; fewer where there are `enough`.

    Offsets shift while rows come and go: what slipped over a page's border shows in a `total` that moved.
    A list that keeps moving is left after `MAX_WALKS`; the next look finds the rest.

    Raises:
        ApiUnavailable: the pages do not end.
    """
    rows: dict[str, Row] = {}
    for _ in range(MAX_WALKS):
        if await _walk(fetch, rows, enough):
            break
    return list(rows.values())


async def _walk(fetch: Fetch[Row], rows: dict[str, Row], enough: Enough[Row]) -> bool:
    """Adds every page's rows; whether `total` stood still."""
    size = PAGE_SIZE
    seen: set[str] = set()
    walked: list[Row] = []
    totals: set[int | None] = set()
    for number in range(1, MAX_PAGES + 1):
        page = await fetch(number, size)
        found = {row.id: row for row in page.rows}
        rows.update(found)
        walked += page.rows
        totals.add(page.pagination.total)
        size = page.pagination.size or size
        if not _goes_on(page, number, size) or enough(walked):
            return len(totals) == 1
        if found.keys() <= seen:
            raise ApiUnavailable(f"The Nonce API's list goes round in circles: page {number} brought nothing new.")
        seen |= found.keys()
    raise ApiUnavailable(f"The Nonce API's list does not end after {MAX_PAGES} pages.")


def _goes_on(page: Page[Row], number: int, size: int) -> bool:
    """Whether another page follows, in the first of the styles that the reply speaks."""
    told = page.pagination
    if told.has_next is not None:
        return told.has_next
    if told.pages is not None:
        return number < told.pages
    if told.total is not None:
        return number * size < told.total
    return len(page.rows) + page.skipped >= size
