"""What an attempt comes to for each answer that a service can give, over a real connection."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.standins import plays, slack, telegram
from tests.standins.certificates import Certificate, server_side
from tests.standins.plays import Play
from tests.standins.script import Script
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.outcome import Outcome, Result
from watcher.notify.text import Kind, Text

TEXT = Text("Critical: reboots fail", "300 of 900 tasks", Kind.FAILURE)
NOW = datetime(2026, 11, 23, 22, 6, tzinfo=UTC)
LOGIN_PAGE = b"<!DOCTYPE html><title>Hotel Wi-Fi</title>"


@dataclass(frozen=True)
class Case:
    """Args:
    play: what the service does.
    result: what the attempt comes to.
    of: which channel is asked: json, slack or tgram.
    wait: the seconds that the outcome says to wait.
    """

    name: str
    play: Callable[[], Play]
    result: Result
    of: str = "json"
    wait: float | None = None


def said(status: int, body: bytes = b"", **headers: str) -> Callable[[], Play]:
    return lambda: plays.answer(status, body, **headers)


CASES = [
    Case("200", said(200, b"ok"), Result.SENT),
    Case("204", said(204), Result.SENT),
    Case("Slack's ok", said(200, b"ok"), Result.SENT, "slack"),
    Case("Telegram's ok", said(200, b'{"ok": true, "result": {}}'), Result.SENT, "tgram"),
    Case("a login page", said(200, LOGIN_PAGE, Content_Type="text/html"), Result.PASSING),
    Case("a login page for Slack", said(200, LOGIN_PAGE), Result.PASSING, "slack"),
    Case("a login page for Telegram", said(200, LOGIN_PAGE), Result.PASSING, "tgram"),
    Case("200 with ok false", said(200, b'{"ok": false}'), Result.PASSING, "tgram"),
    Case("200 with success false", said(200, b'{"success": false}'), Result.PASSING),
    Case("200 with nothing", said(200), Result.PASSING, "tgram"),
    Case("200 with half an answer", plays.cut_short, Result.UNCERTAIN, "tgram"),
    Case("200 with half a word", lambda: plays.cut_short(b"o"), Result.UNCERTAIN, "slack"),
    Case("200 with half a login page", lambda: plays.cut_short(LOGIN_PAGE), Result.PASSING, "tgram"),
    Case("200 with half an answer that nobody needs", lambda: plays.cut_short(b"o"), Result.SENT),
    Case("200 with an error that stays", said(200, b'{"ok":false,"error":"invalid_auth"}'), Result.PERMANENT, "slack"),
    Case("302", lambda: plays.redirect("http://127.0.0.1:1/"), Result.PASSING),
    Case("307", lambda: plays.redirect("http://127.0.0.1:1/", 307), Result.PASSING),
    Case("400", said(400, b"invalid_payload"), Result.PERMANENT, "slack"),
    Case("401", said(401, telegram.failure(401, "Unauthorized").body), Result.PERMANENT, "tgram"),
    Case("403", said(403, b"invalid_token"), Result.PERMANENT, "slack"),
    Case("404", said(404, b"no_service"), Result.PERMANENT, "slack"),
    Case("408", said(408), Result.PASSING),
    Case("410", said(410, b"channel_is_archived"), Result.PERMANENT, "slack"),
    Case("413", said(413), Result.PERMANENT),
    Case("425", said(425), Result.PASSING),
    Case("429 with seconds", lambda: plays.busy(7), Result.PASSING, "slack", 7.0),
    Case("429 with a date", lambda: plays.busy_until(NOW, 90), Result.PASSING, "json", 90.0),
    Case("429 without a word", plays.busy, Result.PASSING),
    Case("429 that says it in the body", lambda: plays.busy(None, 429, b'{"ok":false,"parameters":{"retry_after":30}}'),
         Result.PASSING, "tgram", 30.0),
    Case("500", said(500), Result.PASSING),
    Case("502 with a page", said(502, LOGIN_PAGE), Result.PASSING),
    Case("503 with seconds", lambda: plays.busy(60, 503), Result.PASSING, "json", 60.0),
    Case("599", said(599), Result.PASSING),
    Case("hang", plays.hang, Result.UNCERTAIN),
    Case("deaf", plays.deaf, Result.UNCERTAIN),
    Case("hang in the body", lambda: plays.hang_after(200), Result.UNCERTAIN),
    Case("drip", lambda: plays.drip(every=0.02), Result.UNCERTAIN),
    Case("drip of the head", lambda: plays.drip(0, every=0.02), Result.UNCERTAIN),
    Case("200 with a body that breaks off", lambda: plays.vanish(70, b"x" * 100), Result.SENT),
    Case("close without an answer", plays.vanish, Result.UNCERTAIN),
    Case("reset without an answer", plays.reset, Result.UNCERTAIN),
    Case("reset in the head", lambda: plays.reset(12), Result.UNCERTAIN),
    Case("close in the status line", lambda: plays.vanish(14), Result.UNCERTAIN),
    Case("close between status and headers", lambda: plays.vanish(17), Result.UNCERTAIN),
    Case("close in a header", lambda: plays.vanish(30), Result.UNCERTAIN),
    Case("close before the blank line", lambda: plays.vanish(len(plays.head(200, 2)) - 2), Result.UNCERTAIN),
    Case("what is no HTTP", plays.garbage, Result.UNCERTAIN),
    Case("a bomb for Telegram", lambda: plays.gzip_bomb(256 << 20), Result.PASSING, "tgram"),
    Case("a huge body for Telegram", plays.huge, Result.PASSING, "tgram"),
]  # fmt: skip


def sent(url: str, deadline: float = 5.0) -> Outcome:
    (target,) = open_targets("ops", [url])
    return asyncio.run(AppriseSender(deadline).send(target, TEXT))


def the_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == "apprise":
            thread.join(3)
            assert not thread.is_alive()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_answer_ends_in_the_right_state(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = case.result is Result.UNCERTAIN
    with Script(case.play()) as server:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{server.url}/services")
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{server.url}/bot")
        urls = {
            "json": f"json://127.0.0.1:{server.port}/hook?rto=1",
            "slack": slack.APPRISE_URL,
            "tgram": telegram.Stand.apprise_url(),
        }
        began = time.monotonic()
        outcome = sent(urls[case.of], 0.3 if slow else 5.0)
        took = time.monotonic() - began
    assert (outcome.result, outcome.retry_after) == (case.result, case.wait)
    assert took < 2
    assert len(server.ledger) <= 1
    the_threads_end()


def test_a_redirect_is_not_followed() -> None:
    with Script() as other, Script(plays.redirect(f"{other.url}/elsewhere")) as server:
        outcome = sent(f"json://127.0.0.1:{server.port}/hook?redirect=yes")
    assert outcome.result is Result.PASSING
    assert other.ledger == []


@pytest.mark.parametrize("certificate", [one for one in Certificate if one is not Certificate.TRUSTED])
def test_nothing_is_sent_to_a_server_that_cannot_be_trusted(certificate: Certificate, trusted: None) -> None:
    with Script(tls=server_side(certificate)) as server:
        outcome = sent(f"jsons://localhost:{server.port}/hook")
    assert outcome == Outcome(Result.PASSING, "JSON could not be trusted (TLS)")
    assert server.ledger == []


def test_a_server_that_can_be_trusted_is_told(trusted: None) -> None:
    with Script(tls=server_side()) as server:
        assert sent(f"jsons://localhost:{server.port}/hook").result is Result.SENT


def test_a_thousand_hangs_leave_no_thread_behind() -> None:
    with Script(plays.hang()) as server:
        targets = open_targets(
            "ops", [f"json://127.0.0.1:{server.port}/hook/{number}?rto=0.6" for number in range(250)]
        )
        sender = AppriseSender(0.5)

        async def wave() -> list[Outcome]:
            return await asyncio.gather(*(sender.send(target, TEXT) for target in targets))

        outcomes: list[Outcome] = []
        for _ in range(4):
            outcomes += asyncio.run(wave())
            the_threads_end()
        uncertain = [outcome for outcome in outcomes if outcome.result is Result.UNCERTAIN]
        assert 500 < len(uncertain) <= len(server.ledger)
        assert Result.SENT not in {outcome.result for outcome in outcomes}
    assert [thread for thread in threading.enumerate() if thread.name in {"apprise", "stand-in"}] == []
