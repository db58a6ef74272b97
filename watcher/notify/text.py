"""A message in words, and the cleaning of words that come from machines."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_LONGEST = 128

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # a colour, a move of the cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # a window's title, a link
    r"|\x1b.?"
)
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")


class Kind(StrEnum):
    """What a channel may show by a colour or a sign."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text: a title of one line, and a body that is never empty."""

    title: str
    body: str
    kind: Kind


def clean(foreign: str, longest: int = _LONGEST) -> str:
    """One harmless line of what somebody else wrote.

    Terminal escapes, control and invisible characters and changes of direction are gone, a lone surrogate is
    shown as U+FFFD, `@name` names nobody, and what is longer than `longest` ends in an ellipsis.
    """
    start = foreign[: longest * 8]  # what is cut anyway is not looked at
    line = " ".join(_visible(_ESCAPE.sub("", start), keep="").split())
    line = _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", line)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def clean_lines(foreign: str) -> str:
    """What a rule's own template made: as `clean`, but of any length and with its lines."""
    text = _visible(_ESCAPE.sub("", foreign), keep="\n")
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", text).strip()


def _visible(text: str, keep: str) -> str:
    return text if text.isascii() and text.isprintable() else "".join(_shown(sign, keep) for sign in text)


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
