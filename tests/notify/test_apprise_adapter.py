import asyncio
import email.policy
import logging
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.notify.conftest import Answer
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.outcome import Outcome, Result
from watcher.notify.targets import BadUrl
from watcher.notify.text import Attachment, Form, Kind, Text

if TYPE_CHECKING:
    from tests.notify.conftest import PostOffice, Receiver

TOKEN = "123456789:AAcanary-of-the-telegram-bot_token"
SLACK = "slack://TCANARY01/BCANARY02/CanaryCanaryCanaryCanary"


def sent(url: str, text: Text, deadline: float = 5.0) -> Outcome:
    (target,) = open_targets("ops", [url])
    return asyncio.run(AppriseSender(deadline).send(target, text))


def the_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == "apprise":
            thread.join(2)
            assert not thread.is_alive()


@pytest.fixture
def telegram(receiver: "Receiver", monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{receiver.port}/bot")
    return f"tgram://{TOKEN}/4711"


@pytest.fixture
def slack(receiver: "Receiver", monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{receiver.port}/services")
    return SLACK


BLOCKS: tuple[dict[str, Any], ...] = (
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Critical* &lt;b&gt;", "verbatim": True}},
)
HTML = "<b>Critical &amp; bad</b>\n\n• <code>M  1</code> &quot;x&quot;\n"
TABLE = Attachment("nonce-watcher-m.csv", b"miner\r\nM-1\r\n")


def scripted(receiver: "Receiver", status: int, body: str = "", **headers: str) -> None:
    answer = receiver.answers[0]
    answer.status, answer.body = status, body
    answer.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def test_a_message_arrives_as_one_post(receiver: "Receiver", text: Text) -> None:
    outcome = sent(f"json://127.0.0.1:{receiver.port}/hook", text)
    assert outcome == Outcome(Result.SENT, "JSON answered 200 OK")
    assert [(body["title"], body["message"], body["type"]) for body in receiver.bodies] == [
        (text.title, text.body, "failure")
    ]


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (201, Result.SENT),
        (204, Result.SENT),
        (400, Result.PERMANENT),
        (401, Result.PERMANENT),
        (403, Result.PERMANENT),
        (404, Result.PERMANENT),
        (410, Result.PERMANENT),
        (413, Result.PERMANENT),
        (408, Result.PASSING),
        (425, Result.PASSING),
        (429, Result.PASSING),
        (500, Result.PASSING),
        (502, Result.PASSING),
        (503, Result.PASSING),
    ],
)
def test_the_status_decides(receiver: "Receiver", text: Text, status: int, result: Result) -> None:
    scripted(receiver, status)
    assert sent(f"json://127.0.0.1:{receiver.port}/hook", text).result is result
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_neither_followed_nor_taken_for_a_success(receiver: "Receiver", text: Text, status: int) -> None:
    scripted(receiver, status, Location=f"http://127.0.0.1:{receiver.port}/elsewhere")
    outcome = sent(f"json://127.0.0.1:{receiver.port}/hook?redirect=yes", text)
    assert outcome.result is Result.PASSING
    assert receiver.paths == ["/hook"]


@pytest.mark.parametrize(
    "body", ['{"ok": false}', "<!DOCTYPE html><title>Hotel Wi-Fi</title>", " <html>log in</html>", "", "ok", "[1]"]
)
def test_telegram_is_believed_only_when_it_says_ok(receiver: "Receiver", telegram: str, text: Text, body: str) -> None:
    scripted(receiver, 200, body)
    assert sent(telegram, text).result is Result.PASSING


@pytest.mark.parametrize("body", ['{"ok": false}', "<html>log in</html>", "no_text"])
def test_slack_is_believed_only_when_it_says_ok(receiver: "Receiver", slack: str, text: Text, body: str) -> None:
    scripted(receiver, 200, body, Content_Type="text/html")
    assert sent(slack, text).result is Result.PASSING


def test_slack_s_own_ok_is_a_success(receiver: "Receiver", slack: str, text: Text) -> None:
    scripted(receiver, 200, "ok", Content_Type="text/html")
    assert sent(slack, text).result is Result.SENT


def test_nothing_foreign_is_live_on_slack(receiver: "Receiver", slack: str, text: Text) -> None:
    scripted(receiver, 200, "ok")
    sent(slack, Text("<!channel> <@U1>", "<http://evil|bank> <!here>", text.kind))
    assert "<" not in str(receiver.bodies)


def test_slack_gets_our_blocks_and_the_words_for_the_lock_screen(receiver: "Receiver", slack: str) -> None:
    scripted(receiver, 200, "ok")
    written = Text("", "Critical &lt;b&gt;", Kind.FAILURE, Form.MARKDOWN, plain="Critical <b>", blocks=BLOCKS)
    assert sent(f"{slack}/#ops?footer=yes&image=yes", written).result is Result.SENT
    (body,) = receiver.bodies
    assert body == {"text": "Critical &lt;b&gt;", "blocks": list(BLOCKS), "channel": "#ops"}


def test_a_slack_url_that_wants_plain_text_gets_it(receiver: "Receiver", slack: str) -> None:
    scripted(receiver, 200, "ok")
    written = Text("", "x", Kind.FAILURE, Form.MARKDOWN, plain="Critical <!channel>", blocks=BLOCKS)
    assert sent(f"{slack}?format=text", written).result is Result.SENT
    assert "Critical &lt;!channel&gt;" in str(receiver.bodies)


def test_a_slack_workflow_gets_plain_words_in_its_one_variable(
    receiver: "Receiver", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifySlack, "workflow_url", f"http://127.0.0.1:{receiver.port}/workflows")
    written = Text("", "x", Kind.FAILURE, Form.MARKDOWN, plain="Critical <!channel>", blocks=BLOCKS)
    url = "https://hooks.slack.com/workflows/T0CANARY/A0CANARY/123456789/CanaryCanaryCanaryCanary"
    assert sent(url, written).result is Result.SENT
    assert receiver.bodies == [{"text": "Critical &lt;!channel&gt;"}]


def test_telegram_gets_our_html_to_the_letter(receiver: "Receiver", telegram: str) -> None:
    assert sent(telegram, Text("", HTML, Kind.FAILURE, Form.HTML)).result is Result.SENT
    (body,) = receiver.bodies
    assert (body["text"], body["parse_mode"], body["disable_web_page_preview"]) == (HTML, "HTML", True)


def test_telegram_gets_the_table_behind_the_message(receiver: "Receiver", telegram: str) -> None:
    written = Text("", HTML, Kind.FAILURE, Form.HTML, attachment=replace(TABLE, apart=True))
    assert sent(telegram, written).result is Result.SENT
    message, table = receiver.bodies
    assert message["text"] == HTML
    assert receiver.paths[1].lower().endswith("/senddocument")
    assert b'filename="nonce-watcher-m.csv"' in table
    assert TABLE.content in table


def test_a_table_that_does_not_get_through_does_not_bring_the_message_again(
    receiver: "Receiver", telegram: str
) -> None:
    receiver.answers.append(Answer(413, '{"ok": false, "description": "Request Entity Too Large"}'))
    written = Text("", HTML, Kind.FAILURE, Form.HTML, attachment=replace(TABLE, apart=True))
    outcome = sent(telegram, written)
    assert outcome.result is Result.SENT
    assert "without its table: Telegram answered 413" in outcome.reason


def test_markdown_arrives_as_it_is(receiver: "Receiver", monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.discord import NotifyDiscord

    monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{receiver.port}/webhooks")
    written = Text("", "**a** \\: \\<b\\>\n- x", Kind.INFO, Form.MARKDOWN, plain="a")
    assert sent("discord://1234567890/canary-of-discord", written).result is Result.SENT
    assert [body["content"] for body in receiver.bodies] == [written.body]
    scripted(receiver, 200)
    assert sent(f"mmost://127.0.0.1:{receiver.port}/canaryofmattermost", written).result is Result.SENT
    assert receiver.bodies[-1]["text"] == written.body


def test_mail_has_our_html_our_plain_part_and_the_table(post_office: "PostOffice") -> None:
    plain = "300 of 900 tasks\n\n• M-1 (S21 Pro)\nRunbook: https://wiki/x?a=1&b=2\n"
    written = Text("Critical: <b> ü", "<p>300 &lt;b&gt;</p>\n", Kind.FAILURE, Form.HTML, plain=plain, attachment=TABLE)
    assert sent(post_office.url(), written) == Outcome(Result.SENT, "The mail server took it")
    (envelope,) = post_office.envelopes
    assert isinstance(envelope.content, bytes)
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert mail["Subject"] == written.title
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    assert [(part.get_content_type(), part.get_filename()) for part in leaves] == [
        ("text/plain", None),
        ("text/html", None),
        ("text/csv", "nonce-watcher-m.csv"),
    ]
    assert leaves[0].get_content().splitlines() == plain.splitlines()
    assert leaves[1].get_content().splitlines() == written.body.splitlines()
    assert leaves[2].get_payload(decode=True) == TABLE.content


def test_mail_that_shall_be_plain_is(post_office: "PostOffice") -> None:
    written = Text("t", "<p>300</p>", Kind.FAILURE, Form.HTML, plain="300 <b>")
    assert sent(post_office.url(query="&format=text"), written).result is Result.SENT
    (envelope,) = post_office.envelopes
    assert isinstance(envelope.content, bytes)
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert (mail.get_content_type(), mail.get_content().strip()) == ("text/plain", "300 <b>")


def test_nothing_foreign_is_markup_on_telegram(receiver: "Receiver", telegram: str, text: Text) -> None:
    outcome = sent(telegram, Text("<b>title</b>", "<a href='http://evil'>bank</a> &amp; _x_", text.kind))
    assert outcome.result is Result.SENT
    (body,) = receiver.bodies
    assert "<a" not in body["text"]
    assert "&lt;a href" in body["text"]
    assert "&amp;amp;" in body["text"]


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (("", {"Retry-After": "7"}), 7.0),
        (('{"ok": false, "parameters": {"retry_after": 30}}', {}), 30.0),
        (('{"retry_after": 1.5}', {}), 1.5),
        (('{"retry_after": 2}', {"Retry-After": "9"}), 9.0),
        (("", {"Retry-After": "999999999"}), 3600.0),
        (("", {"Retry-After": "soon"}), None),
        (("", {"Retry-After": "-5"}), None),
        (('{"retry_after": NaN}', {}), None),
        (("", {}), None),
    ],
)
def test_what_a_service_asks_to_wait_is_heard(
    receiver: "Receiver", telegram: str, text: Text, answer: tuple[str, dict[str, str]], wait: float | None
) -> None:
    receiver.answers[0].status = 429
    receiver.answers[0].body, receiver.answers[0].headers = answer
    outcome = sent(telegram, text)
    assert (outcome.result, outcome.retry_after) == (Result.PASSING, wait)


def test_after_a_429_a_plugin_asks_no_more(receiver: "Receiver", text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.discord import NotifyDiscord

    monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{receiver.port}/webhooks")
    scripted(receiver, 429, '{"retry_after": 3}', X_RateLimit_Remaining="0", X_RateLimit_Reset="9999999999")
    began = time.monotonic()
    outcome = sent("discord://1234567890/canary-of-discord", text)
    assert (outcome.result, outcome.retry_after) == (Result.PASSING, 3.0)
    assert len(receiver.bodies) == 1
    assert time.monotonic() - began < 2


def test_the_reason_tells_the_answer_but_no_secret(receiver: "Receiver", telegram: str, text: Text) -> None:
    scripted(receiver, 401, '{"ok": false, "description": "Unauthorized"}')
    assert sent(telegram, text).reason == "Telegram answered 401 Unauthorized: Unauthorized"
    scripted(receiver, 404, f"The requested URL /bot{TOKEN}/sendMessage was not found\n\x1b[31m")
    reason = sent(telegram, text).reason
    assert reason == "Telegram answered 404 Not Found: The requested URL /bot…/sendMessage was not found"


def test_credentials_that_are_echoed_are_masked(receiver: "Receiver", text: Text) -> None:
    def echo(handler: BaseHTTPRequestHandler) -> bool:
        body = handler.headers["Authorization"].encode()
        handler.send_response(403)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    receiver.answers[0].before = echo
    outcome = sent(f"json://user:canary-password@127.0.0.1:{receiver.port}/hook", text)
    assert outcome == Outcome(Result.PERMANENT, "JSON answered 403 Forbidden: … …")


def test_no_log_line_at_any_level_tells_a_secret(
    receiver: "Receiver", telegram: str, text: Text, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(1)
    for status in (200, 401, 500):
        scripted(receiver, status, '{"ok": true}')
        sent(telegram, text)
    assert "canary" not in caplog.text


def test_a_service_that_is_not_there_is_a_passing_fault(text: Text) -> None:
    outcome = sent("json://127.0.0.1:1/hook", text)
    assert outcome == Outcome(Result.PASSING, "JSON could not be reached")


def test_plain_http_where_tls_is_wanted_is_a_passing_fault(receiver: "Receiver", text: Text) -> None:
    outcome = sent(f"jsons://127.0.0.1:{receiver.port}/hook", text)
    assert outcome == Outcome(Result.PASSING, "JSON could not be trusted (TLS)")


def test_an_answer_that_never_comes_leaves_it_uncertain(receiver: "Receiver", text: Text) -> None:
    def hang(_: BaseHTTPRequestHandler) -> bool:
        return receiver.released.wait(5)

    receiver.answers[0].before = hang
    outcome = sent(f"json://127.0.0.1:{receiver.port}/hook?rto=0.2", text)
    assert outcome == Outcome(Result.UNCERTAIN, "JSON did not answer in time")


def test_a_connection_that_breaks_after_the_request_leaves_it_uncertain(receiver: "Receiver", text: Text) -> None:
    def drop(handler: BaseHTTPRequestHandler) -> bool:
        handler.close_connection = True
        return True

    receiver.answers[0].before = drop
    outcome = sent(f"json://127.0.0.1:{receiver.port}/hook", text)
    assert outcome == Outcome(Result.UNCERTAIN, "JSON broke off without an answer")


def test_a_dripping_answer_ends_at_the_deadline_and_its_thread_with_it(receiver: "Receiver", text: Text) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not receiver.released.wait(0.05):
            handler.wfile.write(b"x")
        return True

    receiver.answers[0].before = drip
    began = time.monotonic()
    outcome = sent(f"json://127.0.0.1:{receiver.port}/hook", text, deadline=0.3)
    assert outcome == Outcome(Result.UNCERTAIN, "JSON did not answer in time")
    assert time.monotonic() - began < 1
    the_threads_end()


def test_a_hanging_attempt_is_not_joined_by_a_second(receiver: "Receiver", text: Text) -> None:
    def hang(_: BaseHTTPRequestHandler) -> bool:
        return receiver.released.wait(5)

    receiver.answers[0].before = hang
    (target,) = open_targets("ops", [f"json://127.0.0.1:{receiver.port}/hook?rto=3"])

    async def twice() -> list[Outcome]:
        sender = AppriseSender(0.2)
        return [await sender.send(target, text), await sender.send(target, text)]

    first, second = asyncio.run(twice())
    assert first.result is Result.UNCERTAIN
    assert second == Outcome(Result.PASSING, "JSON still holds the attempt before")
    assert len(receiver.bodies) == 1


def test_mail_arrives_as_one_plain_message(post_office: "PostOffice", text: Text) -> None:
    assert sent(post_office.url(), text) == Outcome(Result.SENT, "The mail server took it")
    (envelope,) = post_office.envelopes
    content = str(envelope.content)
    assert envelope.rcpt_tos == ["ops@farm.example"]
    assert "text/plain" in content
    assert "text/html" not in content


@pytest.mark.parametrize(
    ("command", "answer", "result"),
    [
        ("RCPT", "550 no such user", Result.PERMANENT),
        ("RCPT", "451 greylisted", Result.PASSING),
        ("DATA", "554 spam", Result.PERMANENT),
        ("DATA", "452 disk full", Result.PASSING),
    ],
)
def test_the_mail_server_s_code_decides(
    post_office: "PostOffice", text: Text, command: str, answer: str, result: Result
) -> None:
    post_office.refusals[command] = answer
    outcome = sent(post_office.url(), text)
    assert outcome == Outcome(result, f"The mail server answered {answer[:3]}: {answer[4:]}")


def test_a_wrong_password_is_a_permanent_fault(post_office: "PostOffice", text: Text) -> None:
    outcome = sent(post_office.url(user="user:wrong-password@"), text)
    assert outcome.result is Result.PERMANENT
    assert outcome.reason.startswith("The mail server answered 535")


def test_a_mail_server_that_breaks_off_after_the_message_leaves_it_uncertain(
    post_office: "PostOffice", text: Text
) -> None:
    post_office.broken_after_data = True
    assert sent(post_office.url(), text).result is Result.UNCERTAIN


def test_mail_that_was_not_handed_over_by_the_deadline_never_is(post_office: "PostOffice", text: Text) -> None:
    post_office.delays["RCPT"] = 0.4
    outcome = sent(post_office.url(), text, deadline=0.2)
    assert outcome == Outcome(Result.PASSING, "E-Mail was not ready in time")
    the_threads_end()
    assert post_office.envelopes == []


def test_mail_whose_acceptance_comes_too_late_is_uncertain(post_office: "PostOffice", text: Text) -> None:
    post_office.delays["DATA"] = 0.4
    outcome = sent(post_office.url(), text, deadline=0.2)
    assert outcome == Outcome(Result.UNCERTAIN, "E-Mail did not finish in time")
    the_threads_end()


def test_mail_is_not_sent_in_the_clear_when_tls_was_asked_for(post_office: "PostOffice", text: Text) -> None:
    outcome = sent(post_office.url().replace("insecure", "starttls"), text)
    assert outcome.result is Result.PASSING
    assert post_office.envelopes == []


def test_a_url_s_own_retries_and_splits_are_overruled(receiver: "Receiver", text: Text) -> None:
    scripted(receiver, 500)
    long = Text(text.title, "line\n" * 10_000, text.kind)
    sent(f"json://127.0.0.1:{receiver.port}/hook?retry=3&wait=1&overflow=split", long)
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("urls", "keys"),
    [
        ([f"tgram://{TOKEN}/4711/4712"], ["tgram-1", "tgram-2"]),
        (["mailto://u:p@x.example?to=a@x.example,b@x.example"], ["mailto-1", "mailto-2"]),
        ([SLACK, "mailto://u:p@x.example", SLACK], ["slack-1", "mailto-1", "slack-2"]),
        (["https://hooks.slack.com/services/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"], ["slack-1"]),
        (["json://127.0.0.1/hook"], ["json-1"]),
    ],
)
def test_each_place_is_a_target_of_its_own(urls: list[str], keys: list[str]) -> None:
    targets = open_targets("ops", urls)
    assert [target.key for target in targets] == keys
    assert "canary" not in repr(targets).lower()


def test_each_target_gets_its_own_copy_only(receiver: "Receiver", telegram: str, text: Text) -> None:
    first, second = open_targets("ops", [f"{telegram}/4712"])

    async def both() -> None:
        sender = AppriseSender(5)
        await sender.send(second, text)
        await sender.send(first, text)

    asyncio.run(both())
    assert [body["chat_id"] for body in receiver.bodies] == [4712, 4711]


@pytest.mark.parametrize(
    "url",
    [
        "nosuch://canary/canary",
        "canary",
        "",
        "tgram://canary",
        "slack://canary",
        "mailto://u:canary@x.example?to=canary",
        "json://169.254.169.254/canary",
        "json://metadata.google.internal/canary",
        "json://[fe80::1]/canary",
        "json://[::ffff:169.254.169.254]/canary",
    ],
)
def test_a_bad_url_is_refused_without_being_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    with pytest.raises(BadUrl, match="channel ops: URL 2") as caught:
        open_targets("ops", ["json://127.0.0.1/hook", url])
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None or "canary" not in repr(caught.value.__context__)
    assert "canary" not in caplog.text


def test_a_small_service_gets_small_bodies() -> None:
    (pushover,) = open_targets("ops", ["pover://useruseruseruseruseruseruserus@tokentokentokentokentokentokent"])
    (telegram_target,) = open_targets("ops", [f"tgram://{TOKEN}/4711"])
    assert pushover.limit == 1024
    assert telegram_target.limit == 3500


def test_the_next_message_may_follow_at_once(receiver: "Receiver", text: Text) -> None:
    (target,) = open_targets("ops", [f"json://127.0.0.1:{receiver.port}/hook"])
    sender = AppriseSender(5)

    async def one_after_the_other() -> set[Result]:
        return {(await sender.send(target, text)).result for _ in range(200)}

    assert asyncio.run(one_after_the_other()) == {Result.SENT}
