"""A document line by line, in the order in which every family shows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from watcher.notify.document import Block, Document, Line, Listing, joined, plain


class Look(StrEnum):
    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    """a point of a list"""
    GAP = "gap"
    QUIET = "quiet"
    """what a person needs only when they act: small print where a family has it"""


@dataclass(frozen=True, slots=True)
class Row:
    look: Look
    line: Line = ()


_GAP = Row(Look.GAP)


def rows(document: Document) -> Iterator[Row]:
    """All but the headline."""
    for number, part in enumerate(document.parts):
        if number and (part.heading or document.parts[number - 1].heading):
            yield _GAP
        if part.heading:
            yield Row(Look.HEADING, part.heading)
        for block in part.blocks:
            yield from _of_block(block)
    if document.rest:
        yield Row(Look.TEXT, plain(document.rest))
    yield from _of_block(document.notes)
    yield _GAP
    yield Row(Look.QUIET, document.foot)


def _of_block(block: Block) -> Iterator[Row]:
    if not isinstance(block, Listing):
        yield Row(Look.TEXT, block)
        return
    if block.inline:
        yield Row(Look.TEXT, _in_line(block))
        return
    if block.head and block.lines:
        yield Row(Look.TEXT, plain(block.head))
    for line in block.lines:
        yield Row(Look.ITEM if block.bullets else Look.TEXT, line)
    if block.rest:
        yield Row(Look.TEXT, plain(block.rest))


def _in_line(block: Listing) -> Line:
    lines = [*block.lines, *([plain(block.rest)] if block.rest else [])]
    return (*plain(f"{block.head} " if block.head else ""), *joined(lines))
