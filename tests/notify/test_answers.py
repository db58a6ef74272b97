import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.notify.answers import judged
from watcher.notify.outcome import Outcome, Result
from watcher.notify.targets import Target
from watcher.notify.wire import Exchange, Heard, HttpAnswer, HttpBroken, SmtpReply

SLACK = Target("ops", "slack-1", "slack", "Slack")
OK = HttpAnswer(200, "OK", {}, b"ok")


def outcome(*heard: Heard, accepted: bool = False) -> Outcome:
    exchange = Exchange()
    exchange.heard += heard
    return judged(accepted, exchange, SLACK)


@pytest.mark.parametrize(
    ("heard", "accepted", "result"),
    [
        ((), True, Result.SENT),  # a protocol that is not HTTP or SMTP
        ((), False, Result.PASSING),
        ((OK,), True, Result.SENT),
        ((OK,), False, Result.PASSING),  # apprise looked closer than we do
        ((HttpAnswer(404, "Not Found", {}, b""), OK), True, Result.SENT),  # a look-up before the message
        ((OK, HttpAnswer(404, "Not Found", {}, b"")), True, Result.PERMANENT),
        ((HttpAnswer(200, "OK", {}, b'{"ok":false,"error":"invalid_auth"}'),), False, Result.PERMANENT),
        ((HttpAnswer(200, "OK", {}, b'{"ok":false,"error":"fatal_error"}'),), False, Result.PASSING),
        ((HttpAnswer(200, "OK", {}, b'{"error":["odd"]}'),), False, Result.PASSING),
        ((HttpAnswer(407, "Proxy Authentication Required", {}, b""),), False, Result.PASSING),
        ((HttpBroken("could not be reached", sent=False),), False, Result.PASSING),
        ((HttpBroken("did not answer in time", sent=True),), False, Result.UNCERTAIN),
        ((SmtpReply(220, b"hi"), SmtpReply(354, b"go on")), False, Result.UNCERTAIN),
        ((SmtpReply(220, b"hi"),), False, Result.PASSING),
        ((SmtpReply(421, b"too busy"),), False, Result.PASSING),
        ((SmtpReply(535, b"wrong"), SmtpReply(221, b"bye")), False, Result.PERMANENT),
        ((SmtpReply(354, b"go on"), SmtpReply(250, b"queued")), True, Result.SENT),
    ],
)
def test_the_outcome_follows_from_what_was_heard(heard: tuple[Heard, ...], accepted: bool, result: Result) -> None:
    assert outcome(*heard, accepted=accepted).result is result


def test_retry_after_as_a_date_is_taken_by_the_service_s_own_clock() -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert outcome(HttpAnswer(503, "Busy", headers, b"")).retry_after == 30
    assert outcome(HttpAnswer(503, "Busy", {"Retry-After": headers["Retry-After"]}, b"")).retry_after is None


@given(st.integers(200, 599), st.binary(max_size=200), st.booleans())
def test_no_answer_is_too_odd_to_be_judged(status: int, body: bytes, accepted: bool) -> None:
    assert len(outcome(HttpAnswer(status, "", {}, body), accepted=accepted).reason) < 200


@pytest.mark.parametrize("body", [b"<!--a-->" * 100_000, b"[" * 1_000_000, b" " * 1_000_000, b"<!--" * 200_000])
def test_no_answer_takes_long_to_judge(body: bytes) -> None:
    began = time.monotonic()
    outcome(HttpAnswer(200, "OK", {}, body), accepted=True)
    assert time.monotonic() - began < 1
