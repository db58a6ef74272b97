import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import ApiUnavailable
from watcher.model.task import Task
from watcher.nonce import translate
from watcher.nonce.lenient import Envelope, Page, Reader, read_batch
from watcher.nonce.shapes import TaskShape

TASKS = Reader(TaskShape, Envelope[TaskShape])
GOOD = {"id": "good", "name": "miner.system.reboot", "status": "created"}
ODD = [5, "12.5", float("nan"), float("inf"), -1, 10**40, True, [], {}, [None], "", "yesterday", "2026-11-23T19:09:03"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id", "task_id", "name", "status", "batchId", "createdAt", "failed_at", "payload", "params", "result", "error",
    "logs", "miner", "metadata", "ip", "message", "timestamp", "health_status", "updated_at", "created_by",
]  # fmt: skip
ROWS = st.recursive(
    st.sampled_from(ODD) | st.just("2026-11-23T19:09:03Z") | JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8),
    max_leaves=30,
)


def read(*rows: Any, **more: Any) -> Page[TaskShape]:
    return TASKS.read(json.dumps({"success": True, "data": rows, **more}).encode())


def task(**more: Any) -> tuple[Task, frozenset[str]]:
    found = read({**GOOD, **more})
    return translate.task(found.rows[0], "f", "m"), found.odd


@given(st.lists(ROWS, max_size=4), JSON)
def test_no_json_at_all_breaks_the_reading_or_the_translation(rows: list[Any], pagination: Any) -> None:
    found = read(GOOD, *rows, pagination=pagination)
    assert len(found.rows) + found.skipped == len(rows) + 1
    for row in found.rows:
        translate.task(row, "f", "m")


@given(JSON | st.builds(lambda data: {"data": data}, JSON))
def test_what_is_no_page_is_an_error_and_nothing_else(value: Any) -> None:
    with contextlib.suppress(ApiUnavailable):
        assert TASKS.read(json.dumps(value).encode()).rows == []


@given(st.lists(ROWS, max_size=4), JSON)
def test_no_json_at_all_breaks_the_reading_of_a_batch(rows: list[Any], head: Any) -> None:
    found = read_batch(json.dumps({"data": {"batch": head, "tasks": [GOOD, *rows]}}).encode())
    told = translate.head(found.head, found.members, "f", "b")
    for row in found.members:
        assert translate.member(row, told).batch_id == told.id == "b"


@given(JSON | st.builds(lambda data: {"data": data}, JSON))
def test_what_is_no_batch_is_an_error_and_nothing_else(value: Any) -> None:
    with contextlib.suppress(ApiUnavailable):
        assert read_batch(json.dumps(value).encode()).members == []


@given(st.binary())
def test_no_bytes_break_the_reading(body: bytes) -> None:
    with contextlib.suppress(ApiUnavailable):
        assert TASKS.read(body).rows == []


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", ["createdAt", "failed_at", "updated_at"])
def test_a_time_that_is_none_is_unknown_and_noted(name: str, value: Any) -> None:
    found, odd = task(**{name: value})
    assert found.times == {}
    assert found.updated_at is None
    assert odd == {name}


@pytest.mark.parametrize("value", [5, -1, float("nan"), 1e300, 10**40, True, [], {}])
@pytest.mark.parametrize("name", ["batch_id", "created_by"])
def test_a_text_that_is_none_is_unknown_and_noted(name: str, value: Any) -> None:
    found, odd = task(**{name: value})
    assert (found.batch_id, found.actor) == (None, None)
    assert odd == {name}


def test_the_rest_of_an_odd_row_is_kept_however_deep_the_oddness() -> None:
    miner = {"id": "m7", "health_status": 7, "metadata": {"ip": 5, "model": "S21"}}
    logs = [{"message": "one"}, {"level": "error"}, "two", {"message": "three", "timestamp": "12.5"}]
    found, odd = task(miner=miner, logs=logs, batchId="b")
    assert found.miner is not None
    assert (found.miner.id, found.miner.ip, found.miner.model, found.miner.health) == ("m7", None, "S21", ())
    assert [line.message for line in found.logs] == ["one", "three"]
    assert found.batch_id == "b"
    assert odd == {"miner.health_status", "miner.metadata.ip", "logs", "logs.timestamp"}


@pytest.mark.parametrize(
    "line", [{"message": 1}, {"message": None}, {"level": 5}, {}, 7, [[]], {"message": {}, "level": 1}]
)
def test_an_odd_log_line_costs_that_line(line: Any) -> None:
    found, odd = task(logs=[{"message": "before"}, line, {"message": "after"}], batchId=7)
    assert [kept.message for kept in found.logs] == ["before", "after"]
    assert odd >= {"logs", "batchId"}


def test_a_number_that_no_reader_takes_costs_its_field() -> None:
    body = json.dumps({"data": [{**GOOD, "createdAt": 0}]}).replace(" 0}", "9" * 5000 + "}").encode()
    found = TASKS.read(body)
    assert [row.id for row in found.rows] == ["good"]
    assert found.odd == {"createdAt"}


def test_absent_and_null_are_unknown_but_not_odd() -> None:
    found, odd = task(batchId=None, failedAt=None, miner=None, logs=None, result=None, payload=None)
    assert found == task()[0]
    assert odd == frozenset()


@pytest.mark.parametrize("name", ["id", "name", "status"])
@pytest.mark.parametrize("value", [None, "", 5, []])
def test_a_row_without_a_usable_id_name_or_status_is_skipped_and_counted(name: str, value: Any) -> None:
    found = read({**GOOD, name: value}, GOOD, "no row", {key: text for key, text in GOOD.items() if key != name})
    assert [row.id for row in found.rows] == ["good"]
    assert found.skipped == 3


def test_a_page_of_which_nothing_can_be_used_is_no_empty_page() -> None:
    with pytest.raises(ApiUnavailable, match="none of which"):
        read({"uuid": "t1"}, {"uuid": "t2"})


def test_unknown_fields_names_and_statuses_are_no_oddness() -> None:
    found, odd = task(status="teleported", name="miner.new.thing", shoe_size=44)
    assert (found.name, found.status) == ("miner.new.thing", "teleported")
    assert odd == frozenset()


def test_half_characters_and_broken_utf8_cost_only_themselves() -> None:
    body = b'{"data": [{"id": "a\\ud800", "name": "n\xff", "status": "failed"}]}'
    (row,) = TASKS.read(body).rows
    assert (row.id, row.name, row.status) == ("a?", "n\N{REPLACEMENT CHARACTER}", "failed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b'{"success": true, "data": [{"id": "a", "na',
        b"[" * 100_000,
        b'{"data": ' * 100_000,
        b'{"data": [' + b"9" * 10_000 + b"]}",
        b"null",
        b"[]",
        b'{"success": true}',
        b'{"success": true, "data": null}',
        b'{"success": true, "data": {"id": "a"}}',
        b'{"success": false, "data": []}',
    ],
)
def test_nonsense_is_an_error_that_passes(body: bytes) -> None:
    with pytest.raises(ApiUnavailable):
        TASKS.read(body)


@pytest.mark.parametrize(
    ("told", "total", "size", "pages", "has_next"),
    [
        ({"total": 7, "limit": 5, "offset": 0, "hasNext": True, "hasPrevious": False}, 7, 5, None, True),
        ({"total": 7, "page": 1, "page_size": 5, "total_pages": 2}, 7, 5, 2, None),
        ({"total": -1, "limit": 0, "hasNext": "yes"}, None, None, None, None),
        ({"total": "7", "limit": 5}, None, 5, None, None),
        (None, None, None, None, None),
        ([], None, None, None, None),
    ],
)
def test_both_styles_of_pagination_are_understood(
    told: Any, total: int | None, size: int | None, pages: int | None, has_next: bool | None
) -> None:
    found = read(pagination=told).pagination
    assert (found.total, found.size, found.pages, found.has_next) == (total, size, pages, has_next)
