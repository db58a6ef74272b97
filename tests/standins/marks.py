"""From the bytes that a stand-in received to what its reader sees, with its look: bold, code, links, points."""

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from html import unescape
from html.parser import HTMLParser

from tests.standins.picture import Run
from watcher.notify.text import BREAK

Line = tuple[Run, ...]
_MRKDWN = re.compile(r"<([^<>|]+)\|([^<>]*)>|(?<!\S)\*(?=\S)(.+?)\*(?!\S)")


def of_slack(body: bytes) -> tuple[list[Line], list[Line]]:
    """The lines of its sections, and those of its context."""
    blocks = json.loads(body)["blocks"]
    sections = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    context = [one["text"] for block in blocks if block["type"] == "context" for one in block["elements"]]
    return [_mrkdwn(line) for text in sections for line in text.split("\n")], [_mrkdwn(line) for line in context]


def _mrkdwn(line: str, *, bold: bool = False) -> Line:
    runs: list[Run] = []
    place = 0
    for found in _MRKDWN.finditer(line):
        runs.append(Run(_plain(line[place : found.start()]), bold))
        if found[1] is not None:
            runs.append(Run(_plain(found[2]), bold, link=True))
        else:
            runs += _mrkdwn(found[3], bold=True)
        place = found.end()
    return tuple(run for run in (*runs, Run(_plain(line[place:]), bold)) if run.text)


def of_telegram(body: bytes) -> list[Line]:
    return list(_html(json.loads(body)["text"].replace("\n", "<br>")))


def of_mail(content: bytes) -> tuple[str, list[tuple[str, Line]], list[str]]:
    """Its subject, the lines of its HTML part with the tag and style that they stand in, and its files' names."""
    letter = message_from_bytes(content, policy=policy.default)
    page = letter.get_body(("html",))
    assert page is not None
    reader = _Reader()
    reader.feed(page.get_content().partition("<body")[2].partition(">")[2])
    reader.close()
    files = [part.get_filename() or "" for part in letter.iter_attachments()]
    return _plain(str(letter["Subject"])), [(how, line) for how, line in reader.lines() if line], files


def _html(markup: str) -> Iterator[Line]:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    yield from (line for _, line in reader.lines())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str]] = []
        self._lines: list[tuple[str, list[Run]]] = [("", [])]

    def lines(self) -> list[tuple[str, Line]]:
        return [(how, tuple(runs)) for how, runs in self._lines]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p", "li"):
            self._lines.append((f"{tag} {dict(attrs).get('style') or ''}", []))
        if tag != "br":
            self._open.append((tag, dict(attrs).get("style") or ""))

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        text = data.replace(BREAK, "").replace("\r", "").strip("\n")
        if text:
            tags = {tag for tag, _ in self._open}
            self._lines[-1][1].append(Run(text, "b" in tags, "code" in tags, "a" in tags))


def _plain(text: str) -> str:
    return unescape(text).replace(BREAK, "")
