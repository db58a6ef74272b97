import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from watcher.errors import ApiUnavailable
from watcher.nonce.lenient import Page
from watcher.nonce.paging import MAX_PAGES, PAGE_SIZE, read_all
from watcher.nonce.shapes import MinerShape, Pagination

Answer = Callable[[int, int], Page[MinerShape]]


def page(ids: range | list[int], **pagination: Any) -> Page[MinerShape]:
    rows = [MinerShape(id=str(number)) for number in ids]
    return Page(rows, Pagination.model_validate(pagination), frozenset(), 0)


def walked(answer: Answer) -> tuple[list[str], list[tuple[int, int]]]:
    """The ids found, and what was asked for."""
    asked = []

    async def fetch(number: int, size: int) -> Page[MinerShape]:
        asked.append((number, size))
        return answer(number, size)

    return [row.id for row in asyncio.run(read_all(fetch))], asked


def of_1200(number: int, size: int) -> range:
    return range((number - 1) * size, min(1200, number * size))


@pytest.mark.parametrize(
    "told",
    [
        lambda number, size: {"hasNext": number * size < 1200},
        lambda number, size: {"total": 1200, "page": number, "page_size": size, "total_pages": -(-1200 // size)},
        lambda _number, size: {"total": 1200, "limit": size},
        lambda _number, _size: {},  # says nothing: a full page has a successor
    ],
)
def test_all_pages_are_read_in_every_style(told: Callable[[int, int], dict[str, Any]]) -> None:
    ids, asked = walked(lambda number, size: page(of_1200(number, size), **told(number, size)))
    assert ids == [str(number) for number in range(1200)]
    assert asked == [(1, PAGE_SIZE), (2, PAGE_SIZE), (3, PAGE_SIZE)]


def test_paging_goes_on_with_the_size_that_the_server_really_uses() -> None:
    def capped(number: int, size: int) -> Page[MinerShape]:
        size = min(size, 100)
        return page(of_1200(number, size), total=1200, limit=size, hasNext=number * size < 1200)

    ids, asked = walked(capped)
    assert len(ids) == 1200
    assert asked[1] == (2, 100)


def test_a_row_that_came_twice_is_kept_once_as_last_read() -> None:
    pages = {1: page([1, 2], hasNext=True), 2: page([2, 3], hasNext=False)}
    assert walked(lambda number, _: pages[number])[0] == ["1", "2", "3"]


def test_a_total_that_moved_is_looked_at_again() -> None:
    answers = [
        page([1, 2], total=4, hasNext=True),
        page([4], total=3, hasNext=False),  # 1 went, so 3 slipped over the border
        page([2, 3], total=3, hasNext=True),
        page([4], total=3, hasNext=False),
    ]
    assert sorted(walked(lambda *_: answers.pop(0))[0]) == ["1", "2", "3", "4"]
    assert answers == []


def test_a_total_that_keeps_moving_is_left_after_the_third_walk() -> None:
    totals = iter(range(100))
    _, asked = walked(lambda number, _: page([number], total=next(totals), hasNext=number < 2))
    assert len(asked) == 6


@pytest.mark.parametrize("ids", [range(500), []])
def test_pages_that_bring_nothing_new_are_a_failure(ids: range | list[int]) -> None:
    with pytest.raises(ApiUnavailable, match="circles"):
        walked(lambda *_: page(ids, hasNext=True))


def test_pages_without_end_are_a_failure() -> None:
    asked = []

    def endless(number: int, size: int) -> Page[MinerShape]:
        asked.append(number)
        return page(range(number * size, number * size + 1), hasNext=True)

    with pytest.raises(ApiUnavailable, match="does not end"):
        walked(endless)
    assert len(asked) == MAX_PAGES


def test_a_walk_ends_where_there_are_enough_rows() -> None:
    asked = []

    async def fetch(number: int, _: int) -> Page[MinerShape]:
        asked.append(number)
        return page([2 * number, 2 * number + 1], total=100, limit=2, hasNext=True)

    rows = asyncio.run(read_all(fetch, lambda walked: [row.id for row in walked][-1] == "7"))
    assert [row.id for row in rows] == ["2", "3", "4", "5", "6", "7"]
    assert asked == [1, 2, 3]
