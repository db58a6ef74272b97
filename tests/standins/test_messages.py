"""Generated alerts with hostile names and unbounded lists, written by the real renderers and sent by the real adapter:
every stand-in takes every one of them, and no reader misses a figure.

`NONCE_WATCHER_MESSAGES=5000 python -m pytest tests/standins/test_messages.py` sends so many to each; without it, 500.
"""

import asyncio
import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC
from io import StringIO
from itertools import count

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.standins import mail, slack, telegram
from tests.standins.figures import missing
from tests.standins.hostile import alerts, is_ours
from tests.standins.verdict import Allowed, Received
from watcher.model.message import Message
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.families import FAMILIES, Family, rendered
from watcher.notify.family.mail import Mail
from watcher.notify.family.slack import Slack
from watcher.notify.family.telegram import Telegram
from watcher.notify.outcome import Result

MOST = int(os.environ.get("NONCE_WATCHER_MESSAGES", "500"))
OURS = Allowed(links=is_ours)
SECONDS = 3.0
"""Between two messages: what Telegram asks of a bot in a group."""
Stand = slack.Stand | telegram.Stand | mail.Stand


@contextmanager
def slack_stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stand, str]]:
    with slack.Stand(OURS, _paced()) as stand:
        monkeypatch.setattr(NotifySlack, "webhook_url", stand.url)
        yield stand, slack.APPRISE_URL


@contextmanager
def telegram_stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stand, str]]:
    with telegram.Stand(OURS, _paced()) as stand:
        monkeypatch.setattr(NotifyTelegram, "notify_url", stand.url)
        yield stand, stand.apprise_url("-1001234567890")


@contextmanager
def mail_stand(_: pytest.MonkeyPatch) -> Iterator[tuple[Stand, str]]:
    with mail.Stand(OURS) as stand:
        yield stand, stand.apprise_url()


STANDS: dict[str, Callable[[pytest.MonkeyPatch], AbstractContextManager[tuple[Stand, str]]]] = {
    "slack": slack_stand,
    "telegram": telegram_stand,
    "mail": mail_stand,
}
UNESCAPED: dict[str, Family] = {
    "slack": Slack(escape=str),
    "tgram": Telegram(escape=str),
    "mailtos": Mail(escape=str),
}


def _paced() -> Callable[[], float]:
    moments = count()
    return lambda: next(moments) * SECONDS


def sent(url: str, messages: Iterable[Message], families: Mapping[str, Family] = FAMILIES) -> Iterator[Result]:
    """What became of each, one after the other."""
    (target,) = open_targets("ops", [url])
    sender = AppriseSender(10)
    with asyncio.Runner() as runner:
        for message in messages:
            text = rendered(message, target, UTC, may_repeat=False, families=families)
            outcome = runner.run(sender.send(target, text))
            assert "without its table" not in outcome.reason
            yield outcome.result


@pytest.mark.parametrize("service", STANDS)
def test_every_message_is_taken_with_nothing_live_but_our_links_and_with_all_its_figures(
    service: str, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = list(alerts(MOST))
    with STANDS[service](monkeypatch) as (stand, url):
        for message, result in zip(messages, sent(url, messages), strict=True):
            assert result is Result.SENT, (message.id, [refusal.reason for refusal in stand.refused])
            first, *files = stand.received
            stand.received.clear()
            assert missing(message, first.seen) == [], message.id
            assert _lost_in_html(first) == set(), message.id
            tables = [table for one in (first, *files) for name, table in one.files.items() if name]
            assert _rows(tables) in ({len(_table(message))}, set()), message.id
    assert stand.refused == []


def _table(message: Message) -> list[object]:
    closing = () if message.closing is None else message.closing.rows
    return [*closing, *(row for section in message.sections for row in section.rows)]


def _rows(tables: list[bytes]) -> set[int]:
    """How many tasks the table has, if there is one."""
    return {sum(1 for _ in csv.reader(StringIO(one.decode("utf-8-sig"), newline=""))) - 1 for one in tables}


def _lines(text: str) -> set[str]:
    """Those that any part of a letter has alike: bullets are the mail program's, links have their own form."""
    lines = (" ".join(line.removeprefix("• ").split()) for line in text.split("\n"))
    return {line for line in lines if line and "://" not in line}


def _lost_in_html(letter: Received) -> set[str]:
    """What the plain part of a letter says under its subject, and the HTML beside it does not."""
    if "" not in letter.files:
        return set()
    _, text = letter.seen.split("\n", 1)
    return _lines(text) - _lines(letter.files[""].decode())


@pytest.mark.parametrize("service", STANDS)
def test_without_escaping_nearly_all_of_them_are_refused(
    service: str, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = list(alerts(min(MOST // 3, 500)))
    with STANDS[service](monkeypatch) as (stand, url):
        results = list(sent(url, messages, UNESCAPED))
    assert len(stand.refused) > len(messages) * 0.9
    assert results.count(Result.SENT) < len(messages) * 0.1


def test_a_line_with_figures_that_is_gone_is_missed() -> None:
    (target,) = open_targets("ops", ["json://localhost"])
    lost = kept = 0
    for message in alerts(60):
        shown = rendered(message, target, UTC, may_repeat=False)
        lines = f"{shown.title}\n{shown.body}".split("\n")
        assert missing(message, "\n".join(lines)) == []
        for number, line in enumerate(lines):
            told = line.startswith(("• ", "and ", "Rule ", "Message ", "By model:", "Tasks:", "Note:")) or "× " in line
            if told:
                without = "\n".join([*lines[:number], *lines[number + 1 :]])
                lost, kept = (lost + 1, kept) if missing(message, without) else (lost, kept + 1)
    assert lost > 50 * kept
