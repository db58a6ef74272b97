"""Markdown as Discord and Mattermost read it. The whole message is the body, title included.

A backslash stands before every sign that could be markup, a mention or an emoji; a link stands in angle brackets,
so that no preview follows it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from watcher.notify.document import Document, Span, Style
from watcher.notify.family.plain import written
from watcher.notify.fit import sized, units
from watcher.notify.rows import Look, Row, rows
from watcher.notify.text import BREAK, Form, Text

_SIGNS = re.compile(r"[\\`*_\[\]<>|~@#$]|:(?=\w+:)|&(?=#?\w+;)|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]")
_TAG = re.compile(r"(?<!\w)[#~](?=\w)|@(?=\w)")
"""Escaped or not, Mattermost takes it for a hashtag or a channel, Discord for a mention in the midst of a word."""


def escape(text: str) -> str:
    return _SIGNS.sub(lambda sign: f"\\{sign[0]}", _TAG.sub(lambda sign: sign[0] + BREAK, text))


@dataclass(frozen=True, slots=True)
class Markdown:
    """Args:
    escape: makes words harmless; another one is for tests that must see it missed.
    """

    escape: Callable[[str], str] = escape

    def __call__(self, document: Document, limit: int) -> Text:
        shown = sized(document, lambda one: units(self._body(one)), limit)
        plain = f"{shown.headline}\n{written(rows(shown))}"
        return Text("", self._body(shown), document.kind, Form.MARKDOWN, plain=plain)

    def _body(self, document: Document) -> str:
        headline = f"**{document.sign} {self.escape(document.headline)}**"
        return "\n".join([headline, *(self._row(row) for row in rows(document))])

    def _row(self, row: Row) -> str:
        line = "".join(self._span(span) for span in row.line)
        match row.look:
            case Look.HEADING:
                return f"**{line}**"
            case Look.ITEM:
                return f"- {line}"
            case _:
                return line

    def _span(self, span: Span) -> str:
        words = self.escape(span.text)
        if span.url is not None:
            return f"[{words}](<{span.url}>)"
        return f"**{words}**" if span.style is Style.STRONG else words
