from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.model.secret import Secret
from watcher.nonce.replies import date_of, error_inside, error_of, retry_after
from watcher.nonce.transport import Reply

KEY = Secret("canary-9f31c7")


def reply(status: int, body: bytes = b"", *, kind: str = "application/json", **headers: str) -> Reply:
    return Reply(status, httpx.Headers({"Content-Type": kind, **headers}), body, 0.0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, type(None)),  # its empty body is no page: that shows when it is read
        (301, ApiUnavailable),
        (304, ApiUnavailable),
        (400, ApiRejected),
        (401, ApiRefused),
        (403, ApiRefused),
        (404, ApiRejected),
        (429, ApiThrottled),
        (500, ApiUnavailable),
        (503, ApiUnavailable),
        (599, ApiUnavailable),
    ],
)
def test_the_status_decides_the_class(status: int, kind: type[Any]) -> None:
    error = error_of(reply(status), KEY)
    assert type(error) is kind
    assert str(status) in str(error) or error is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"statusCode": 400, "message": "from_time is too old", "error": "Bad Request"}', "from_time is too old"),
        (b'{"message": ["a is wrong", "b is missing"]}', "a is wrong; b is missing"),
        (b'{"success": false, "error": {"code": 7, "message": "no such miner"}}', "no such miner"),
        (b'{"success": false, "error": "no such miner"}', "no such miner"),
        (b'{"error": {}}', "(400)"),
        (b"[1]", "(400)"),
        (b"<html>Bad Request</html>", "(400)"),
        (b"[" * 100_000, "(400)"),
        (b'{"message": "two\\nlines \\u001b[31m\\u202e"}', "two lines [31m)"),
    ],
)
def test_what_the_body_says_is_told_on_one_line(body: bytes, text: str) -> None:
    assert text in str(error_of(reply(400, body), KEY))


def test_a_server_that_repeats_the_key_does_not_get_it_into_the_log() -> None:
    told = b'{"message": "no such key: canary-9f31c7"}'
    errors = [
        error_of(reply(401, told), KEY),
        error_of(reply(302, Location="https://canary-9f31c7/"), KEY),
        error_of(reply(200, kind="text/canary-9f31c7"), KEY),
        error_inside(reply(200, told), KEY),
    ]
    assert all(error is not None and "canary" not in str(error) and "***" in str(error) for error in errors)


@pytest.mark.parametrize(
    ("location", "target"),
    [("https://evil.example/x?y", "evil.example"), ("/login", "itself"), ("http://h:port/", "nowhere"), ("", "itself")],
)
def test_a_redirect_names_its_host(location: str, target: str) -> None:
    assert f"points to {target};" in str(error_of(reply(307, Location=location), KEY))


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=utf-8", "application/octet-stream", ""])
def test_an_answer_that_claims_to_be_no_json_is_none(kind: str) -> None:
    assert isinstance(error_of(reply(200, kind=kind), KEY), ApiUnavailable)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/problem+json", "APPLICATION/JSON"])
def test_json_under_any_name_may_be_a_page(kind: str) -> None:
    assert error_of(reply(200, kind=kind), KEY) is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"statusCode": 401, "message": "Unauthorized"}', ApiRefused),
        (b'{"statusCode": 404, "message": "Not found"}', ApiRejected),
        (b'{"statusCode": 200, "message": "hm"}', ApiUnavailable),
        (b'{"success": false, "error": {"message": "try later"}}', ApiUnavailable),
        (b'{"data": 5}', type(None)),
    ],
)
def test_an_error_under_status_200_is_as_its_body_says(body: bytes, error: type[ApiError]) -> None:
    assert type(error_inside(reply(200, body), KEY)) is error


DATE = "Mon, 23 Nov 2026 20:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("30", None, 30),
        (" 1.5 ", None, 1.5),
        ("9" * 400, None, float("inf")),
        ("Mon, 23 Nov 2026 20:00:45 GMT", DATE, 45),  # by the server's clock, not by ours
        ("Mon, 23 Nov 2026 19:00:00 GMT", DATE, 0),
        ("Mon, 23 Nov 2026 20:00:45 GMT", None, None),
        ("-5", DATE, None),
        ("nan", DATE, None),
        ("1e3", DATE, None),
        ("soon", DATE, None),
        (None, DATE, None),
    ],
)
def test_retry_after(asked: str | None, date: str | None, seconds: float | None) -> None:
    headers = {name: text for name, text in (("Retry-After", asked), ("Date", date)) if text is not None}
    assert retry_after(httpx.Headers(headers)) == seconds


def test_a_date_is_in_milliseconds_of_utc() -> None:
    assert date_of(DATE) == 1795464000000
    assert date_of("Mon, 23 Nov 2026 21:00:00 +0100") == date_of(DATE)


@given(st.none() | st.text() | st.from_regex(r"\w{3}, [-\d]{1,12} \w{3} [-\d]{1,12} \d+:\d+:\d+ [-+\w]{1,12}"))
def test_no_header_breaks_the_reading_of_a_date(text: str | None) -> None:
    assert isinstance(date_of(text), int | None)
