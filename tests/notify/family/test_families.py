"""Laws of all families: whatever a message holds, it is sound, within its limit, alive in nothing but our links, and
no figure is lost."""

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.notify.family.reading import CHAT_TAGS, MAIL_TAGS, Read, Unsound, read_html, read_markdown, read_mrkdwn
from tests.notify.hostile import is_ours, messages
from watcher.model.message import Message, MinerLine, Say, State, TaskLine
from watcher.notify.draft import draft
from watcher.notify.families import FAMILIES, Family, rendered
from watcher.notify.family.mail import Mail
from watcher.notify.family.markdown import Markdown
from watcher.notify.family.slack import Slack
from watcher.notify.family.telegram import Telegram
from watcher.notify.fit import LIMIT, units
from watcher.notify.targets import Target
from watcher.notify.text import BREAK, Text

if TYPE_CHECKING:
    from watcher.model.message import Section


def _of_blocks(text: Text) -> Read:
    *sections, context = text.blocks
    texts = [block["text"]["text"] for block in sections] + [one["text"] for one in context["elements"]]
    assert all(block["text"]["verbatim"] for block in sections)
    assert all(0 < units(part) <= 3000 for part in texts)
    assert len(text.blocks) <= 50
    read_mrkdwn(text.body)
    return read_mrkdwn("\n".join(texts))


READERS: dict[str, Callable[[Text], Read]] = {
    "slack": _of_blocks,
    "tgram": lambda text: read_html(text.body, CHAT_TAGS),
    "mailto": lambda text: read_html(text.body.removeprefix("<!DOCTYPE html>"), MAIL_TAGS),
    "discord": lambda text: read_markdown(text.body),
    "json": lambda text: Read(text.body),
    "console": lambda text: Read(text.body),
}
UNESCAPED: dict[str, Family] = {
    "slack": Slack(escape=str),
    "tgram": Telegram(escape=str),
    "mailto": Mail(escape=str),
    "discord": Markdown(escape=str),
}
MIXED = list(messages(120, seed=11))


def written(message: Message, schema: str, limit: int = LIMIT, families: dict[str, Family] | None = None) -> Text:
    target = Target("ops", "one", schema, limit=limit)
    return rendered(message, target, UTC, may_repeat=False, families=families or FAMILIES)


@pytest.mark.parametrize("schema", READERS)
def test_hostile_messages_are_sound_and_alive_in_our_links_only(schema: str) -> None:
    for message in MIXED:
        text = written(message, schema)
        read = READERS[schema](text)
        assert all(is_ours(link) for link in read.links)
        assert message.id in read.text
        assert "\n" not in text.title
        shown = read.text + text.title
        assert not re.search(r"(?<!\w)@\w", shown)
        if schema not in ("console", "tgram"):  # the one makes no links, the other none inside <code>
            assert not re.search(r"[a-z]://(?!app\.farm\.example/)|\w\.(?:com|org|net)\b", shown)
        shown.encode()


@pytest.mark.parametrize("schema", READERS)
def test_no_message_is_longer_than_its_limit(schema: str) -> None:
    for message in MIXED:
        for limit in (LIMIT, 2000):
            text = written(message, schema, limit)
            assert units(text.body) <= (60_000 if schema == "mailto" else limit)
            assert units(text.title) <= 200


@pytest.mark.parametrize("schema", READERS)
def test_no_figure_is_lost(schema: str) -> None:
    for message in MIXED:
        text = written(message, schema)
        shown = (READERS[schema](text).text + text.title).replace(BREAK, "")
        for figure in _figures(message, shown):
            assert figure in shown, (figure, shown)


def _figures(message: Message, shown: str) -> set[str]:
    """All numbers that the message must tell; of rules that found no room, their sums."""
    if message.closing is not None:
        again = {f"{message.closing.again_total:,} miner"} if message.closing.again_total else set()
        return {f"{message.closing.succeeded:,} of {message.closing.total:,}"} | again
    sections = list(message.sections)
    dropped = re.search(r"([\d,]+) (?:more )?rules?: ([\d,]+) tasks? in ([\d,]+) alert", shown)
    figures: set[str] = set()
    if dropped:
        gone = int(dropped[1].replace(",", ""))
        figures |= {f"{sum(s.count for s in sections[-gone:]):,} task", f"{sum(s.alerts for s in sections[-gone:]):,}"}
        del sections[-gone:]
    for section in sections:
        if (section.cause is None and not (section.body or "").strip()) or message.say is Say.CATCH_UP:
            figures |= _of_section(section)
    return figures


def _of_section(section: "Section") -> set[str]:
    told = {f"{section.count:,}"}
    if section.total is not None:
        told.add(f"{section.count:,} of {section.total:,} task")
    if section.miners_total:
        told.add(f"on {section.miners_total:,} miner")
    if section.alerts > 1:
        told.add(f"in {section.alerts:,} alerts")
    return told


@pytest.mark.parametrize("schema", READERS)
def test_every_reason_is_counted_or_added_up(schema: str) -> None:
    for message in MIXED:
        if len(message.sections) != 1 or message.say is Say.CATCH_UP:
            continue
        (section,) = message.sections
        if section.state is not State.FIRING or section.cause is not None or section.body:
            continue
        read = READERS[schema](written(message, schema)).text
        counted = sum(int(count.replace(",", "")) for count in re.findall(r"(?:^|: |\()([\d,]+)×", read, re.MULTILINE))
        rest = sum(
            int(count.replace(",", ""))
            for line in re.findall(r"^(?:By model|Tasks):.*$|^[\d,]+ (?:models?|kinds?).*$", read, re.MULTILINE)
            for count in re.findall(r"\(([\d,]+)×\)", line)
        )
        assert counted - rest == sum(count for _, count in section.reasons) + section.other_reasons[1], read


@pytest.mark.parametrize("schema", UNESCAPED)
def test_without_escaping_the_reader_finds_it(schema: str) -> None:
    found = 0
    for message in MIXED:
        try:
            links = READERS[schema](written(message, schema, families=UNESCAPED)).links
        except (Unsound, AssertionError):
            found += 1
        else:
            found += not all(is_ours(link) for link in links)
    assert found > len(MIXED) / 2


@settings(max_examples=40)
@given(st.text(st.characters(), max_size=300), st.sampled_from(sorted(READERS)))
def test_any_text_at_all_is_harmless(foreign: str, schema: str) -> None:
    message = _named(foreign)
    read = READERS[schema](written(message, schema))
    assert not read.links
    assert message.id in read.text


def _named(foreign: str) -> Message:
    message = next(message for message in messages(50, seed=3) if message.sections)
    section = replace(
        message.sections[0],
        summary=foreign,
        labels={"farm": foreign},
        body=None,
        runbook=None,
        links=(),
        cause=None,
        title=foreign,
        ended_by=foreign,
        reasons=((foreign, 3),),
        miners=(),
        tasks={f"{foreign} x": 1},
        without=(foreign,),
    )
    return replace(message, sections=(section,), notes=(foreign,))


def test_a_message_that_shows_all_brings_no_table(message: Message) -> None:
    (section,) = message.sections
    rows = tuple(TaskLine("f", f"M-{n}", "S21", None, "t", "failed", None, None) for n in range(10))
    small = replace(message, sections=(replace(section, miners_total=10, rows=rows),))
    assert written(small, "mailto").attachment is None
    assert written(small, "tgram").attachment is None


def test_what_was_cut_goes_along_as_a_table_without_formulas(message: Message) -> None:
    (section,) = message.sections
    rows = tuple(TaskLine("f", f"=M-{n}", "S21,x", "@a", "t", "failed", "-1\r\n+2", None) for n in range(300))
    large = replace(message, sections=(replace(section, rows=rows),))
    for schema in ("mailto", "tgram"):
        attachment = written(large, schema).attachment
        assert attachment is not None
        assert attachment.name == "nonce-watcher-9c21f0.csv"
        head, *lines = csv.reader(StringIO(attachment.content.decode("utf-8-sig"), newline=""))
        assert head == list(TaskLine._fields)
        assert len(lines) == 300
        assert lines[0] == ["f", "'=M-0", "S21,x", "'\uff20a", "t", "failed", "'-1 +2", ""]
    assert written(large, "slack").attachment is None


def test_miners_are_cut_before_reasons(message: Message) -> None:
    text = written(message, "json", limit=300).body
    assert "300 of 900 tasks on 300 miners" in text
    assert "41× no answer from <ip>" in text
    assert "300 miners" in text.replace("on 300 miners", "")
    assert "M-0001" not in text


def test_telegram_reads_every_tag_that_keeps_a_name_harmless(message: Message) -> None:
    (section,) = message.sections
    miners = tuple(MinerLine("evil.com", None, "10.0.3.1") for _ in range(9))
    few = replace(message, sections=(replace(section, miners=miners),) * 2)
    many = replace(message, sections=(replace(section, miners=miners),) * 5)
    assert "<code>evil.com</code>" in written(few, "tgram").body
    text = written(many, "tgram", limit=4096).body
    assert text.count("</") <= 100
    assert "evil.com" not in text
    assert "10.0.3.1" not in text
    assert f"evil{BREAK}.com" in text


def test_the_smallest_service_still_tells_the_figures(message: Message) -> None:
    assert written(message, "json", limit=120).body == "• 300 of 900 tasks on 300 miners\n\nMessage 9c21f0"
    assert written(message, "json", limit=40).body.endswith("\nMessage 9c21f0")


def test_the_first_two_lines_say_what_where_how_many_and_why(message: Message) -> None:
    document = draft(message, UTC, may_repeat=False)
    first = written(message, "tgram").body.split("\n")[:2]
    assert document.headline in first[0]
    assert first == [
        "<b>🔴 Critical: Firmware updates are failing, North Barn</b>",
        "300 of 900 tasks on 300 miners: 240× install failed: checksum mismatch at block &lt;n&gt;",
    ]
    assert written(message, "slack").body.split("\n") == [
        "🔴 Critical: Firmware updates are failing, North Barn",
        first[1],
    ]
