"""Apprise talks to the stand-ins as it talks to the services, and what it sends of ours with escaping turned off
is refused."""

import asyncio
from dataclasses import replace
from datetime import UTC

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.standins import mail, slack, telegram
from tests.standins.certificates import Certificate
from tests.standins.hostile import NAMES, alerts
from tests.standins.verdict import FORMATS, Allowed
from watcher.notify import apprise_adapter
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.families import rendered
from watcher.notify.outcome import Outcome, Result
from watcher.notify.text import Kind, Text

TEXT = Text("Critical: R&D <b>reboots</b> fail", "300 of 900 tasks\non <!channel>, \uff20here", Kind.FAILURE)


def sent(url: str, text: Text = TEXT) -> Outcome:
    (target,) = open_targets("ops", [url])
    return asyncio.run(AppriseSender(10).send(target, text))


def sent_all(url: str, texts: list[Text]) -> list[Outcome]:
    (target,) = open_targets("ops", [url])
    sender = AppriseSender(10)

    async def all_of_them() -> list[Outcome]:
        return [await sender.send(target, text) for text in texts]

    return asyncio.run(all_of_them())


def unescaped(url: str, texts: list[Text]) -> None:
    """The same plugins, told that the text needs no escaping."""
    (target,) = open_targets("ops", [url])
    plugin = apprise_adapter._plugin(target.key, target.parts)
    for text in texts:
        plugin.notify(body=text.body, title=text.title, body_passthrough=True)


def test_slack_shows_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with slack.Stand() as stand:
        monkeypatch.setattr(NotifySlack, "webhook_url", stand.url)
        assert sent(slack.APPRISE_URL) == Outcome(Result.SENT, "Slack answered 200 OK")
    assert [message.seen for message in stand.received] == [f"{TEXT.title}\n{TEXT.body}\nnonce-watcher"]


def test_telegram_shows_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with telegram.Stand() as stand:
        monkeypatch.setattr(NotifyTelegram, "notify_url", stand.url)
        assert sent(stand.apprise_url()) == Outcome(Result.SENT, "Telegram answered 200 OK")
    (message,) = stand.received
    assert TEXT.title in message.seen
    assert TEXT.body in message.seen


def test_mail_shows_what_was_sent(trusted: None) -> None:
    with mail.Stand() as stand:
        assert sent(stand.apprise_url()) == Outcome(Result.SENT, "The mail server took it")
    assert [message.seen for message in stand.received] == [f"{TEXT.title}\n{TEXT.body}"]


@pytest.mark.parametrize("certificate", [one for one in Certificate if one is not Certificate.TRUSTED])
def test_no_mail_goes_to_a_server_that_cannot_be_trusted(certificate: Certificate, trusted: None) -> None:
    with mail.Stand(certificate=certificate) as stand:
        assert sent(stand.apprise_url()).result is Result.PASSING
    assert stand.received == []


def test_slack_refuses_our_text_with_its_escaping_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with slack.Stand() as stand:
        monkeypatch.setattr(NotifySlack, "webhook_url", stand.url)
        unescaped(slack.APPRISE_URL, [TEXT])
    assert [refusal.answer for refusal in stand.refused] == ["invalid_payload"]
    assert stand.received == []


def test_telegram_refuses_our_text_with_its_escaping_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with telegram.Stand() as stand:
        monkeypatch.setattr(NotifyTelegram, "notify_url", stand.url)
        unescaped(stand.apprise_url(), [TEXT])
    (refusal,) = stand.refused
    assert "can't parse entities: Unsupported start tag" in refusal.answer
    assert stand.received == []


def raw(name: str) -> Text:
    return Text("Critical", f"Critical at {name}: 300 of 900 tasks", Kind.FAILURE)


def test_of_hostile_names_left_as_they_are_the_stand_ins_find_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither cleaned nor escaped; what is left is harmless there, or shown otherwise than it was written."""
    strict = Allowed(formats=FORMATS - {"bold", "italic", "strike", "code", "pre", "quote", "emoji", "spoiler"})
    texts = [raw(name) for name in NAMES if name.isprintable()]
    with slack.Stand(strict) as slack_stand, telegram.Stand(strict) as telegram_stand:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack_stand.url)
        monkeypatch.setattr(NotifyTelegram, "notify_url", telegram_stand.url)
        unescaped(slack.APPRISE_URL, texts)
        unescaped(telegram_stand.apprise_url(), texts)
    assert len(slack_stand.refused) >= 50
    assert len(telegram_stand.refused) >= 40


def test_generated_alerts_are_as_hostile_every_time() -> None:
    first, again = list(alerts(50)), list(alerts(50))
    assert first == again
    assert max(len(section.miners) for message in first for section in message.sections) > 200


def test_a_title_of_many_signs_is_no_line_that_a_mail_server_refuses(trusted: None) -> None:
    """Apprise folds no subject, and each sign takes up to 12 bytes of one line of 998."""
    (generated,) = alerts(1)
    message = replace(generated, sections=(replace(generated.sections[0], title="矿机" * 70),))
    with mail.Stand() as stand:
        (target,) = open_targets("ops", [stand.apprise_url()])
        assert sent(stand.apprise_url(), rendered(message, target, UTC, may_repeat=False)).result is Result.SENT
