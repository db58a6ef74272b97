"""The README's pictures: a firmware batch that goes wrong and its end, sent to the stand-ins as they would be to the
services, and drawn from the bytes that came there. `python -m tests.standins.drawn` draws them anew."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.standins import mail, slack, telegram
from tests.standins.certificates import authority_file
from tests.standins.marks import Line, of_mail, of_slack, of_telegram
from tests.standins.picture import WIDTH, Canvas, Paragraph, Run
from tests.standins.verdict import Allowed, Received
from watcher.model.message import Link, Message, MinerLine, Say, Section, Severity, State, TaskLine
from watcher.model.times import to_datetime
from watcher.notify.apprise_adapter import AppriseSender, open_targets
from watcher.notify.families import rendered

FOLDER = Path(__file__).parent / "pictures"
ZONE = ZoneInfo("America/Chicago")
AT = 1_795_493_340_000
BATCH = "b-20261123-2"
OURS = Allowed(links=lambda url: url.startswith(("https://app.farm.example/", "https://wiki.farm.example/")))
GREY = "#616061"
_MODELS = ("Antminer S19 Pro", "Antminer S21", "Whatsminer M50")
_MINERS = tuple(
    MinerLine(f"M-{1040 + 7 * n:04}", _MODELS[0 if n % 4 else 1], f"10.0.{3 + n // 4}.{17 + 9 * n}") for n in range(10)
)
ALERT = Message(
    id="9c21f04b7a",
    say=Say.FIRST,
    channel="ops",
    severity=Severity.CRITICAL,
    at=AT,
    sections=(
        Section(
            rule="firmware-batch-failing",
            summary="A firmware batch is going wrong",
            state=State.FIRING,
            severity=Severity.CRITICAL,
            labels={"farm": "North Barn", "batch": BATCH},
            alerts=1,
            alert_ids=("7f3a9c12ab34",),
            new=1,
            count=124,
            total=611,
            tasks={"miner.firmware.update failed": 117, "miner.firmware.update timed_out": 7},
            reasons=(("install failed: checksum mismatch at block <n>", 96), ("no answer from <ip>", 21)),
            models=((_MODELS[0], 96), (_MODELS[1], 21), (_MODELS[2], 7)),
            miners=_MINERS,
            miners_total=124,
            first_at=AT - 540_000,
            last_at=AT - 41_000,
            started_at=AT - 60_000,
            runbook="https://wiki.farm.example/firmware",
            links=(Link(f"Batch {BATCH}", f"https://app.farm.example/batches/{BATCH}"),),
            rows=tuple(
                TaskLine("North Barn", f"M-{n}", None, None, "miner.firmware.update", "failed", None, BATCH)
                for n in range(124)
            ),
        ),
    ),
)
_OVER = replace(
    ALERT.sections[0],
    state=State.RESOLVED,
    new=0,
    count=131,
    total=900,
    last_at=AT + 1_560_000,
    ended_at=AT + 8_760_000,
    ended_by="less than 20% in the window",
    unrepaired=(15, 131),
    miners_total=131,
)
END = replace(ALERT, id="e07d11c8f2", say=Say.ALL_ENDED, at=AT + 8_800_000, sections=(_OVER,))


def sent(patch: pytest.MonkeyPatch, folder: Path) -> dict[str, list[Received]]:
    """What each stand-in received of both messages."""
    patch.setenv("SSL_CERT_FILE", authority_file(folder))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        patch.delenv(name, raising=False)
    moments = count()
    with slack.Stand(OURS) as chat, telegram.Stand(OURS, lambda: 3.0 * next(moments)) as bot, mail.Stand(OURS) as post:
        patch.setattr(NotifySlack, "webhook_url", chat.url)
        patch.setattr(NotifyTelegram, "notify_url", bot.url)
        stands: dict[str, slack.Stand | telegram.Stand | mail.Stand] = {"slack": chat, "telegram": bot, "mail": post}
        for url in (slack.APPRISE_URL, bot.apprise_url(), post.apprise_url()):
            (target,) = open_targets("ops", [url])
            sender = AppriseSender(10)
            for message in (ALERT, END):
                asyncio.run(sender.send(target, rendered(message, target, ZONE, may_repeat=False)))
        return {name: list(stand.received) for name, stand in stands.items()}


def clock(message: Message) -> str:
    return f"{to_datetime(message.at).astimezone(ZONE):%H:%M}"


def of_the_chat(received: list[Received]) -> str:
    """Slack's."""
    canvas = Canvas("#ffffff")
    for message, one in zip((ALERT, END), received, strict=True):
        canvas.y += 16
        canvas.shape(f'<rect x="14" y="{canvas.y:.0f}" width="36" height="36" rx="8" fill="#35507a"/>')
        canvas.shape(
            f'<text x="32" y="{canvas.y + 25:.0f}" font-size="19" font-weight="700" fill="#ffffff" '
            f'text-anchor="middle">n</text>'
        )
        top = (Run("nonce-watcher", bold=True), Run(f"  APP  {clock(message)}"))
        sections, context = of_slack(one.bytes)
        canvas.y -= 4
        canvas.write([Paragraph(top, 14)], 60, WIDTH - 74)
        canvas.write(_paragraphs(sections), 60, WIDTH - 74)
        canvas.write((Paragraph(line, 12, GREY, above=6) for line in context), 60, WIDTH - 74)
        canvas.y += 6
    return canvas.svg("A firmware batch and its end, as Slack shows them")


def of_the_bot(received: list[Received]) -> str:
    """Telegram's: each message a bubble, the table behind it one of its own."""
    canvas = Canvas("#dfe7dc", link="#2f6ea5", code="#7a4b12")
    text = [one for one in received if not one.files]
    tables = [(name, content) for one in received for name, content in one.files.items()]
    for message, one in zip((ALERT, END), text, strict=True):
        canvas.y += 12
        with_id = of_telegram(one.bytes)
        _bubble(
            canvas, [Paragraph((Run("nonce-watcher", bold=True),), 14, "#2f6ea5"), *_paragraphs(with_id, 14.5)], message
        )
        if message is ALERT:
            for name, content in tables:
                canvas.y += 6
                size = f"{len(content) / 1024:.1f} KB"
                file = [Paragraph((Run(name, bold=True),), 14, "#2f6ea5"), Paragraph((Run(size),), 12.5, "#707579")]
                _bubble(canvas, file, message)
    return canvas.svg("A firmware batch and its end, as Telegram shows them")


def _bubble(canvas: Canvas, paragraphs: Iterable[Paragraph], message: Message) -> None:
    under, top = canvas.mark, canvas.y
    canvas.y += 4
    canvas.write(paragraphs, 24, WIDTH - 48)
    canvas.y += 14
    canvas.shape(
        f'<text x="{WIDTH - 24}" y="{canvas.y:.1f}" font-size="11.5" fill="#8a9a86" text-anchor="end">'
        f"{clock(message)}</text>"
    )
    canvas.y += 8
    box = f'<rect x="12" y="{top:.1f}" width="{WIDTH - 24}" height="{canvas.y - top:.1f}" rx="13" fill="#ffffff"/>'
    canvas.under(under, box)


def of_the_letters(received: list[Received]) -> str:
    """A mail program's: subject, sender, the HTML part, what is attached."""
    canvas = Canvas("#f3f5f7", link="#0b57d0", code="#3c4043")
    for message, one in zip((ALERT, END), received, strict=True):
        subject, lines, files = of_mail(one.bytes)
        canvas.y += 12
        under, top = canvas.mark, canvas.y
        canvas.y += 8
        head = (Run(f"{mail.SENDER}  ·  {clock(message)}"),)
        canvas.write([Paragraph((Run(subject, bold=True),), 17), Paragraph(head, 12.5, GREY, above=3)], 26, WIDTH - 52)
        canvas.y += 8
        bar, begun = canvas.mark, canvas.y
        canvas.write(_styled(lines), 38, WIDTH - 64)
        colour = "#c62828" if message is ALERT else "#2e7d32"
        assert f"4px solid {colour}" in _html_of(one)
        canvas.y += 6
        canvas.under(bar, f'<rect x="26" y="{begun:.1f}" width="4" height="{canvas.y - begun:.1f}" fill="{colour}"/>')
        for name in files:
            canvas.y += 10
            canvas.shape(
                f'<rect x="26" y="{canvas.y:.1f}" width="{WIDTH - 52}" height="30" rx="8" fill="none" '
                f'stroke="#c4c7c5"/>'
            )
            canvas.y += 1.5
            canvas.write([Paragraph((Run(name),), 13)], 38, WIDTH - 76)
            canvas.y += 10
        canvas.y += 10
        box = f'<rect x="12" y="{top:.1f}" width="{WIDTH - 24}" height="{canvas.y - top:.1f}" rx="12" fill="#ffffff"/>'
        canvas.under(under, box)
    return canvas.svg("A firmware batch and its end, as a mail program shows them")


def _html_of(one: Received) -> str:
    return one.bytes.decode("utf-8", "replace").replace("=\r\n", "").replace("=3D", "=")


def _styled(lines: list[tuple[str, Line]]) -> Iterator[Paragraph]:
    for how, line in lines:
        if how.startswith("li"):
            yield Paragraph((Run("•  "), *line), 15, indent=(4, 17))
        elif "color:#666666" in how:
            yield Paragraph(line, 12.5, GREY, above=6)
        elif "font-size:18px" in how:
            yield Paragraph(tuple(replace(run, bold=True) for run in line), 16.5, above=2)
        else:
            yield Paragraph(line, 15, above=2)


def _paragraphs(lines: Iterable[Line], size: float = 15) -> Iterator[Paragraph]:
    gap = 0.0
    for line in lines:
        if not line:
            gap = 8
            continue
        point = line[0].text.startswith("•")
        yield Paragraph(line, size, indent=(0, 11) if point else (0, 0), above=gap)
        gap = 0


PICTURES: dict[str, Callable[[list[Received]], str]] = {
    "slack": of_the_chat,
    "telegram": of_the_bot,
    "mail": of_the_letters,
}


def pictures() -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        received = sent(patch, Path(folder))
    return {name: draw(received[name]) for name, draw in PICTURES.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures().items():
        (FOLDER / f"{name}.svg").write_text(picture)
