"""A message laid out, before any markup: what it says, in which order, and what may be cut. Every word of it that
is not ours is cleaned already; a family's renderer escapes all of them alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from watcher.model.message import TaskLine
from watcher.notify.moments import counted
from watcher.notify.text import Kind


class Style(StrEnum):
    PLAIN = "plain"
    STRONG = "strong"
    CODE = "code"
    """a name to copy: an id, an address"""
    LINK = "link"
    """a link worth writing out where there are no links"""


@dataclass(frozen=True, slots=True)
class Span:
    """Words of one style; `url` is ours and sound."""

    text: str
    style: Style = Style.PLAIN
    url: str | None = None


Line = tuple[Span, ...]


class Gives(IntEnum):
    """Which lists are cut first."""

    MINERS = 0
    LABELS = 1
    TASKS = 2
    MODELS = 3
    OWN_WORDS = 4
    REASONS = 5
    NOTES = 6


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines that may be cut from the end; what is not shown is counted.

    Args:
        head: what stands before it, if any of it is shown.
        figures: beside each line, how many tasks it stands for; empty where that is not told.
        more: how many there are beyond the lines, and `more_figures` of how many tasks.
        noun: of what is not shown: "and 3 more reasons".
        bullets: whether its lines are points of a list.
        inline: all of it stands in one line, behind its head.
    """

    gives: Gives
    lines: tuple[Line, ...]
    noun: str
    head: str | None = None
    figures: tuple[int, ...] = ()
    more: int = 0
    more_figures: int = 0
    bullets: bool = True
    inline: bool = False

    def capped(self, most: int) -> "Listing":
        gone = self.lines[most:]
        return replace(
            self,
            lines=self.lines[:most],
            figures=self.figures[:most],
            more=self.more + len(gone),
            more_figures=self.more_figures + sum(self.figures[most:]),
        )

    @property
    def rest(self) -> str | None:
        """`and 290 more miners`; None where all is shown."""
        if not self.more:
            return None
        words = counted(self.more, self.noun) if not self.lines else _more(self.more, self.noun)
        told = f" ({self.more_figures:,}×)" if self.more_figures else ""
        return f"and {words}{told}" if self.lines else f"{words}{told}"


def _more(count: int, noun: str) -> str:
    return counted(count, f"more {noun}")


Block = Line | Listing


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of one rule's alerts.

    Args:
        heading: what tells it from other parts; None for the only one.
        brief: all of it in one line, with every figure.
        least: the figures alone.
        events: how many events (tasks) it is about, and in how many `alerts`.
    """

    heading: Line | None
    blocks: tuple[Block, ...]
    brief: Line
    least: Line
    events: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A whole message.

    Args:
        sign: how bad it is, as one sign in front of the headline.
        headline: what has happened, and where.
        foot: the message's id.
        rows: what it is about, for the table that goes along where something had to be cut.
        dropped: parts that found no room, and their `events` and `alerts`.
        name: the message's id alone.
    """

    kind: Kind
    sign: str
    headline: str
    parts: tuple[Part, ...]
    notes: Listing
    foot: Line
    name: str
    rows: tuple[TaskLine, ...] = field(default=(), repr=False)
    dropped: tuple[int, int, int] = (0, 0, 0)

    @property
    def rest(self) -> str | None:
        """What the parts said that found no room."""
        parts, events, alerts = self.dropped
        if not parts:
            return None
        rules = f"and {counted(parts, 'more rule')}" if self.parts else counted(parts, "rule")
        return f"{rules}: {counted(events, 'task')} in {counted(alerts, 'alert')}"

    @property
    def is_cut(self) -> bool:
        return bool(self.dropped[0]) or any(listing.more for listing in self._listings())

    def longest(self, gives: Gives) -> int:
        return max((len(listing.lines) for listing in self._listings() if listing.gives is gives), default=0)

    def capped(self, gives: Gives, most: int) -> "Document":
        """With at most so many lines in each list of a kind."""
        return replace(
            self,
            parts=tuple(replace(part, blocks=tuple(_capped(part.blocks, gives, most))) for part in self.parts),
            notes=self.notes.capped(most) if self.notes.gives is gives else self.notes,
        )

    def briefed(self, whole: int) -> "Document":
        """With all parts but the first few in one line each."""
        short = (replace(part, heading=None, blocks=(part.brief,)) for part in self.parts[whole:])
        return replace(self, parts=(*self.parts[:whole], *short))

    def bare(self, whole: int) -> "Document":
        """With nothing but the figures of all parts but the first few."""
        short = (replace(part, heading=None, blocks=(part.least,)) for part in self.parts[whole:])
        return replace(self, parts=(*self.parts[:whole], *short))

    def kept(self, most: int) -> "Document":
        """With the first few parts alone."""
        gone = self.parts[most:]
        events, alerts = sum(part.events for part in gone), sum(part.alerts for part in gone)
        before = self.dropped
        return replace(
            self,
            parts=self.parts[:most],
            dropped=(before[0] + len(gone), before[1] + events, before[2] + alerts),
        )

    def _listings(self) -> Iterator[Listing]:
        for part in self.parts:
            yield from (block for block in part.blocks if isinstance(block, Listing))
        yield self.notes


def _capped(blocks: Iterable[Block], gives: Gives, most: int) -> Iterator[Block]:
    for block in blocks:
        yield block.capped(most) if isinstance(block, Listing) and block.gives is gives else block


def plain(text: str) -> Line:
    return (Span(text),)


def joined(lines: Iterable[Line], separator: str = ", ") -> Line:
    """Several lines as one."""
    spans: list[Span] = []
    for number, line in enumerate(lines):
        spans += [*([Span(separator)] if number else []), *line]
    return tuple(spans)
