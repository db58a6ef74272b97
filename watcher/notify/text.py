"""A message in words, and the cleaning of words that come from machines."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_LONGEST = 128

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a colour, a move of the cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # a window's title, a link
    r"|\x1b.?"
)
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MENTION = re.compile(r"(?<![^\W_])@(?=\w)")
_LINK = re.compile(
    r"(?<=[a-z])(?=://)|(?<=\bmailto)(?=:)|(?<=\btel)(?=:)"  # http://…, and any other scheme
    r"|(?<=www)(?=\.)|(?<=[^\W_])(?=\.[^\W\d_]{2})",  # evil.com
    re.IGNORECASE,
)
_LINK_IN_TASK = re.compile(
    r"\.(?=(?:[a-z]{2,3}|info|name|mobi|online|site|tech|store|shop|cloud|link|click|live|news|blog|page|work|world"
    r"|bank|farm|energy|solar|host|network|systems|support|space)$)"
)
"""Where a chat client or a mail program would begin to see a link."""
_TASK = re.compile(r"(?!www)[a-z_]+(?:\.[a-z_]+)+")
BREAK = "\N{ZERO WIDTH SPACE}"


class Kind(StrEnum):
    """What a channel may show by a colour or a sign."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


class Form(StrEnum):
    """What the body is written in."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along.

    Args:
        apart: it follows the message, as one of its own.
    """

    name: str
    content: bytes
    media_type: str = "text/csv"
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """What one service gets.

    Args:
        title: one plain line; empty where the body begins with it.
        body: never empty.
        form: of the body. What is not plain is final: nobody may escape or convert it again.
        plain: the same in plain text, for services that show either.
        blocks: the body in the service's own structure (Slack's blocks).
        attachment: what the body had to cut.
    """

    title: str
    body: str
    kind: Kind
    form: Form = Form.PLAIN
    plain: str | None = None
    blocks: tuple[Mapping[str, Any], ...] = ()
    attachment: Attachment | None = field(default=None, repr=False)


def clean(foreign: str, longest: int = _LONGEST) -> str:
    """One harmless line of what somebody else wrote.

    Terminal escapes, control and invisible characters and changes of direction are gone, a lone surrogate is
    shown as U+FFFD, `@name` names nobody, and what is longer than `longest` ends in an ellipsis.
    """
    start = foreign[: longest * 8]  # what is cut anyway is not looked at
    line = " ".join(_visible(_ESCAPE.sub("", start), keep="").split())
    line = _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", line)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def inert(foreign: str, longest: int = _LONGEST) -> str:
    """As `clean`, and nothing in it can become a link: an invisible space stands where one would begin."""
    return _LINK.sub(BREAK, clean(foreign, longest))


def task_name(foreign: str) -> str:
    """As `inert`; but a task's name can be copied, if its last word is no domain."""
    return _LINK_IN_TASK.sub(f".{BREAK}", foreign) if _TASK.fullmatch(foreign) else inert(foreign)


def clean_lines(foreign: str) -> str:
    """What a rule's own template made: as `clean`, but of any length and with its lines."""
    text = _visible(_ESCAPE.sub("", foreign), keep="\n")
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", text).strip()


def inert_lines(foreign: str) -> str:
    """As `clean_lines`, and nothing in it can become a link: what the API said is among the rule's own words."""
    return _LINK.sub(BREAK, clean_lines(foreign))


def _visible(text: str, keep: str) -> str:
    if text.isprintable() and _INVISIBLE.isdisjoint(text):
        return text
    return "".join(_shown(sign, keep) for sign in text)


def _shown(sign: str, keep: str) -> str:
    if sign in keep:
        return sign
    if sign.isspace():
        return " "
    if sign in _INVISIBLE:
        return ""
    match unicodedata.category(sign):
        case "Cs":
            return "\N{REPLACEMENT CHARACTER}"
        case "Cc" | "Cf":
            return ""
        case _:
            return sign
