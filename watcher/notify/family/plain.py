"""Plain text: for every service that has no family of its own, and for the console."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from watcher.notify.document import Document, Line, Span, Style
from watcher.notify.fit import cut, sized, units
from watcher.notify.rows import Look, Row, rows
from watcher.notify.text import BREAK, Text

_TITLE = 200


def as_it_is(text: str) -> str:
    return text


def unbroken(text: str) -> str:
    """For a reader that makes no links: names can be copied as they are."""
    return text.replace(BREAK, "")


@dataclass(frozen=True, slots=True)
class Plain:
    """Writes plain text; what is too long even without its lists is cut hard."""

    escape: Callable[[str], str] = as_it_is

    def __call__(self, document: Document, limit: int) -> Text:
        shown = sized(document, lambda one: units(self.body(one)), limit)
        body = self.body(shown)
        if units(body) > limit:
            foot = _written(shown.foot, self.escape)
            room = limit - units(foot) - 1
            body = f"{cut(body, room)}\n{foot}" if room > 0 else cut(foot, limit)
        return Text(cut(self.escape(shown.headline), _TITLE), body, document.kind)

    def body(self, document: Document) -> str:
        """All but the headline, which is the title."""
        return written(rows(document), self.escape)


def written(lines: Iterable[Row], escape: Callable[[str], str] = as_it_is) -> str:
    marks = {Look.ITEM: "• "}
    return "\n".join(marks.get(row.look, "") + _written(row.line, escape) for row in lines).lstrip("\n")


def _written(line: Line, escape: Callable[[str], str]) -> str:
    return "".join(_span(span, escape) for span in line)


def _span(span: Span, escape: Callable[[str], str]) -> str:
    if span.style is Style.LINK and span.url and span.url != span.text:
        return f"{escape(span.text)}: {span.url}"
    return span.url if span.style is Style.LINK and span.url else escape(span.text)
