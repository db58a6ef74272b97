"""Slack's mrkdwn in blocks: https://docs.slack.dev/messaging/formatting-message-text. The `text` beside the blocks
is what a phone's lock screen shows. Every block is `verbatim`: Slack makes no links of its own in it.

mrkdwn has no escape for * _ ~ and `: where one of them could begin or end something, its double is shown."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from watcher.notify.document import Document, Line, Span, Style
from watcher.notify.family.plain import written
from watcher.notify.fit import cut, sized, units
from watcher.notify.rows import Look, Row, rows
from watcher.notify.text import BREAK, Form, Text

MOST = 3500
_SECTION = 3000
"""UTF-16 units of one section's text, escapes included."""
_MARK = re.compile(r"(?<![^\W_])[*_~]|[*_~](?![^\W_])|`")
_DOUBLES = {"*": "∗", "_": "\N{FULLWIDTH LOW LINE}", "~": "∼", "`": "ˋ"}
_EMOJI = re.compile(r":(?=[a-z0-9_+'-]*[a-z][a-z0-9_+'-]*:)")
_NOTICE = 300


def escape(text: str) -> str:
    """`&`, `<` and `>` as Slack asks for them; nothing in it is bold, code, a quote, a link or a mention."""
    text = _EMOJI.sub(f":{BREAK}", _MARK.sub(lambda mark: _DOUBLES[mark[0]], text))
    if text.startswith(">"):
        text = BREAK + text  # at the beginning of a line also an escaped one would quote it
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True, slots=True)
class Slack:
    """Args:
    escape: makes words harmless; another one is for tests that must see it missed.
    """

    escape: Callable[[str], str] = escape

    def __call__(self, document: Document, limit: int) -> Text:
        shown = sized(document, lambda one: units("\n".join(self._lines(one))), min(limit, MOST))
        first = next((row.line for row in rows(shown) if row.line), ())
        notice = self.escape(cut(f"{shown.sign} {shown.headline}", _NOTICE)) + "\n" + self._line(first)
        return Text(
            "",
            notice,
            document.kind,
            Form.MARKDOWN,
            plain=f"{shown.headline}\n{written(rows(shown))}",
            blocks=tuple(self._blocks(shown)),
        )

    def _lines(self, document: Document) -> list[str]:
        headline = self._span(Span(f"{document.sign} {document.headline}", Style.STRONG))
        return [headline, *(self._row(row) for row in rows(document))]

    def _blocks(self, document: Document) -> Iterator[Mapping[str, Any]]:
        *lines, foot = self._lines(document)
        for text in _sections(lines):
            yield {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": foot, "verbatim": True}]}

    def _row(self, row: Row) -> str:
        match row.look:
            case Look.HEADING:
                return f"*{self._line(row.line)}*"
            case Look.ITEM:
                return f"• {self._line(row.line)}"
            case _:
                return self._line(row.line)

    def _line(self, line: Line) -> str:
        return "".join(self._span(span) for span in line)

    def _span(self, span: Span) -> str:
        words = self.escape(span.text)
        if span.url is not None:
            return f"<{_url(span.url)}|{words.replace('|', '¦')}>"
        return f"*{words}*" if span.style is Style.STRONG else words


def _url(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _sections(lines: Iterable[str]) -> Iterator[str]:
    """The lines in as few texts as a section's limit allows."""
    kept: list[str] = []
    for line in lines:
        if kept and units("\n".join([*kept, line])) > _SECTION:
            yield "\n".join(kept).strip("\n") or " "
            kept = []
        kept.append(line)
    yield "\n".join(kept).strip("\n") or " "
