"""Telegram's HTML: https://core.telegram.org/bots/api#html-style. The whole message is the body, title included.

Telegram makes links of its own from what looks like a #tag, a /command, a $TAG or an address, so an invisible space
stands in them; inside <code>, where it makes none, names are as they are and one touch copies them."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from watcher.notify.document import Document, Span, Style
from watcher.notify.family.plain import written
from watcher.notify.fit import sized, units
from watcher.notify.rows import Look, Row, rows
from watcher.notify.table import attachment
from watcher.notify.text import BREAK, Form, Text

MOST = 4096
"""UTF-16 units; Telegram counts after it has read the markup, we count before: it is never more."""
_ENTITIES = 90
"""Telegram reads 100 tags and takes what follows for plain text: a name in the 101st <code> would be live."""
_TAG = re.compile(r"(?<!\w)[#/$](?=\w)")
_ADDRESS = re.compile(r"(?<=\d)(?=\.\d{1,3}\.\d)")


def escape(text: str) -> str:
    return html.escape(text, quote=False)


@dataclass(frozen=True, slots=True)
class Telegram:
    """Args:
    escape: makes words harmless; another one is for tests that must see it missed.
    """

    escape: Callable[[str], str] = escape

    def __call__(self, document: Document, limit: int) -> Text:
        shown = sized(document, lambda one: units(self._body(one)), min(limit, MOST))
        return Text(
            "",
            self._body(shown),
            document.kind,
            Form.HTML,
            plain=f"{shown.headline}\n{written(rows(shown))}",
            attachment=attachment(shown, apart=True),
        )

    def _body(self, document: Document) -> str:
        text = self._written(document, codes=True)
        return text if text.count("</") <= _ENTITIES else self._written(document, codes=False)

    def _written(self, document: Document, *, codes: bool) -> str:
        headline = self._span(Span(f"{document.sign} {document.headline}", Style.STRONG), codes=codes)
        return "\n".join([headline, *(self._row(row, codes=codes) for row in rows(document))])

    def _row(self, row: Row, *, codes: bool) -> str:
        line = "".join(self._span(span, codes=codes) for span in row.line)
        match row.look:
            case Look.HEADING:
                return f"<b>{line}</b>"
            case Look.ITEM:
                return f"• {line}"
            case _:
                return line

    def _span(self, span: Span, *, codes: bool) -> str:
        code = codes and span.style is Style.CODE and span.url is None
        words = self.escape(
            span.text.replace(BREAK, "") if code else _ADDRESS.sub(BREAK, _TAG.sub(rf"\g<0>{BREAK}", span.text))
        )
        if span.url is not None:
            return f'<a href="{html.escape(span.url)}">{words}</a>'
        if span.style is Style.STRONG:
            return f"<b>{words}</b>"
        return f"<code>{words}</code>" if code else words
