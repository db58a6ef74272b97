"""E-mail: HTML with a plain part beside it. The headline is the subject; a phone shows the first lines under it."""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from watcher.notify.document import Document, Span, Style
from watcher.notify.family.plain import written
from watcher.notify.fit import sized, units
from watcher.notify.rows import Look, Row, rows
from watcher.notify.table import attachment
from watcher.notify.text import Form, Kind, Text

MOST = 60_000
"""Longer ones are cut by mail programs, with a link to the rest."""
_SUBJECT = 280
"""Bytes of UTF-8. Apprise folds no header: encoded, it must stay below the 998 signs of a line."""
_COLOURS = {Kind.FAILURE: "#c62828", Kind.WARNING: "#ef6c00", Kind.SUCCESS: "#2e7d32", Kind.INFO: "#1565c0"}
_PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no"></head>'
    '<body style="margin:0;padding:12px;font:16px/1.45 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;'
    'color:#1a1a1a;background:#ffffff">\n'
    '<div style="max-width:640px;border-left:4px solid {colour};padding-left:12px">\n{body}\n</div>\n</body></html>\n'
)
_STYLES = {
    Look.HEADING: "margin:0 0 2px;font-weight:bold",
    Look.TEXT: "margin:0 0 2px",
    Look.QUIET: "margin:0 0 2px;font-size:13px;color:#666666",
}
_FIRST = "margin:0 0 6px;font-size:18px;font-weight:bold"
_CODE = "font:14px/1.4 ui-monospace,Consolas,monospace"


def escape(text: str) -> str:
    return html.escape(text)


@dataclass(frozen=True, slots=True)
class Mail:
    """Args:
    escape: makes words harmless; another one is for tests that must see it missed.
    """

    escape: Callable[[str], str] = escape

    def __call__(self, document: Document, limit: int) -> Text:  # noqa: ARG002 - mail has room
        shown = sized(document, lambda one: units(self._page(one)), MOST)
        return Text(
            _subject(shown.headline),
            self._page(shown),
            document.kind,
            Form.HTML,
            plain=written(rows(shown)) + "\n",
            attachment=attachment(shown),
        )

    def _page(self, document: Document) -> str:
        lines = list(self._elements(document))
        if not document.parts or document.parts[0].heading is None:
            lines[:1] = [lines[0].replace(_STYLES[Look.TEXT], _FIRST, 1)]
        return _PAGE.format(colour=_COLOURS[document.kind], body="\n".join(lines))

    def _elements(self, document: Document) -> Iterator[str]:
        for look, group in groupby(rows(document), lambda row: row.look):
            if look is Look.ITEM:
                points = "\n".join(f"<li>{self._line(row)}</li>" for row in group)
                yield f'<ul style="margin:2px 0 6px;padding-left:20px">\n{points}\n</ul>'
            elif look is Look.GAP:
                yield '<p style="margin:0 0 10px"></p>'
            else:
                yield from (f'<p style="{_STYLES[look]}">{self._line(row)}</p>' for row in group)

    def _line(self, row: Row) -> str:
        return "".join(self._span(span) for span in row.line)

    def _span(self, span: Span) -> str:
        words = self.escape(span.text)
        if span.url is not None:
            return f'<a href="{html.escape(span.url)}">{words}</a>'
        if span.style is Style.CODE:
            return f'<code style="{_CODE}">{words}</code>'
        return f"<b>{words}</b>" if span.style is Style.STRONG else words


def _subject(headline: str) -> str:
    if len(headline.encode()) <= _SUBJECT:
        return headline
    return headline.encode()[: _SUBJECT - 3].decode("utf-8", "ignore").rstrip() + "…"
