"""Sizing a document to what a service takes: lists give way first, then whole parts, each time with what is gone
counted; a figure never does."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from watcher.notify.document import Document, Gives

LIMIT = 3500
"""UTF-16 units (in which Telegram counts): with its title such a body fits every chat service."""

_HEADLINES = (128, 64, 32)


def units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """The text, or as much of its beginning as takes `limit` units with an ellipsis; `limit` from 1."""
    if units(text) <= limit:
        return text
    kept, room = 0, limit - 1
    for sign in text:
        room -= 2 if sign > "\uffff" else 1
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def sized(document: Document, measure: Callable[[Document], int], limit: int) -> Document:
    """As much of the document as fits; where nothing more can go, it may still be too long.

    Args:
        measure: how long a document is once it is written, in the service's own units.
    """

    def fits(candidate: Document) -> bool:
        return measure(candidate) <= limit

    if fits(document):
        return document
    for gives in Gives:
        if not document.longest(gives):
            continue
        emptied = document.capped(gives, 0)
        if fits(emptied):
            return _most(partial(document.capped, gives), document.longest(gives), fits)
        document = emptied
    for shorten in (document.briefed, document.briefed(0).bare, document.bare(0).kept):
        if fits(shorten(0)):
            return _most(shorten, len(document.parts), fits)
        document = shorten(0)
    for longest in _HEADLINES:
        document = replace(document, headline=cut(document.headline, longest))
        if fits(document):
            break
    return document


def _most(made: Callable[[int], Document], top: int, fits: Callable[[Document], bool]) -> Document:
    """The document with the most that fits; none of it does."""
    low, high = 0, top
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(made(middle)) else (low, middle - 1)
    return made(low)
