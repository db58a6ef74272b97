"""What a stand-in says of a message: what a reader would see of it and what in it would be live, or why it is
refused. A service refuses what it cannot read; we refuse what it would take and make live."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Files = Mapping[str, bytes]

FORMATS = frozenset({"bold", "italic", "underline", "strike", "spoiler", "code", "pre", "quote", "emoji"})
"""Kinds of live things that change only the look."""


@dataclass(frozen=True, slots=True)
class Live:
    """A thing that does something: `kind` is one of FORMATS, or mention, link, channel, date, image, command …"""

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Seen:
    text: str
    live: tuple[Live, ...]
    files: Files = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was taken; `to` is the chat, channel or mailbox."""

    bytes: bytes
    seen: str
    live: tuple[Live, ...]
    at: float
    to: str = ""
    files: Files = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    bytes: bytes
    answer: str
    reason: str
    at: float


class Refused(Exception):
    """Args:
    answer: what the service says, in its own words.
    reason: what is wrong with the message, for whoever reads the test's failure.
    status: the HTTP status of the answer; 0 where the service speaks no HTTP.
    """

    def __init__(self, answer: str, reason: str, status: int = 400) -> None:
        super().__init__(f"{answer}: {reason}")
        self.answer = answer
        self.reason = reason
        self.status = status


def no_link(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Allowed:
    """What in a message may be live: these formats, and links to what `links` says yes to. No mention ever."""

    links: Callable[[str], bool] = no_link
    formats: frozenset[str] = FORMATS

    def offence(self, live: Iterable[Live]) -> str | None:
        for one in live:
            if one.kind in self.formats or (one.kind == "link" and self.links(one.what)):
                continue
            return f"live {one.kind} {one.what!r}"
        return None


STRICT = Allowed()
