"""What Telegram makes live of plain text by itself: names, commands, tags, addresses. An IP address is one of them."""

import re
from collections.abc import Iterator, Sequence

from tests.standins.domains import HOST, IPV4, is_known
from tests.standins.verdict import Live

_SHORT_NAMES = frozenset({"gif", "vid", "pic"})
_MENTION = re.compile(r"(?<![\w])@([a-zA-Z0-9_]{2,32})(?!\w)")
_COMMAND = re.compile(r"(?<![\w/<>])/([a-zA-Z0-9_]{1,64})(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>])")
_HASHTAG = re.compile(r"(?<!\w)#(\w{1,256})(?!\w*#)")
_CASHTAG = re.compile(r"(?<![$\w])\$(?:1INCH|[A-Z]{1,8})(?![$\w])")
_EMAIL = re.compile(rf"(?<![\w.+-])[\w.+-]+@{HOST}(?![\w-])")
_END = r"(?![\w-])(?::\d{1,5}(?!\d))?(?:[/?#][^\s<>\"«»|]*)?"
_URL = re.compile(
    rf"(?:(?:https?|ftp)://(?:[\w.+-]+@)?(?:{HOST}|{IPV4}){_END}"
    rf"|(?:tg|ton|tonsite)://[\w?=&/.#%+-]+"
    rf"|(?<![\w@.:/-])(?:{IPV4}(?!\.\w)|{HOST}){_END})",
    re.IGNORECASE,
)


def live_in(text: str, quiet: Sequence[tuple[int, int]] = ()) -> list[Live]:
    """What becomes live outside the quiet parts."""
    return [
        Live(kind, what)
        for kind, start, what in _candidates(text)
        if not any(begin <= start < end for begin, end in quiet)
    ]


def _candidates(text: str) -> Iterator[tuple[str, int, str]]:
    if "@" in text:
        for found in _MENTION.finditer(text):
            if len(found[1]) >= 4 or found[1].lower() in _SHORT_NAMES:
                yield "mention", found.start(), found[0]
        for found in _EMAIL.finditer(text):
            if is_known(found[0]):
                yield "link", found.start(), f"mailto:{found[0]}"
    if "/" in text:
        for found in _COMMAND.finditer(text):
            yield "command", found.start(), found[0]
    if "#" in text:
        for found in _HASHTAG.finditer(text):
            if not found[1].isdigit():
                yield "hashtag", found.start(), found[0]
    if "$" in text:
        for found in _CASHTAG.finditer(text):
            yield "cashtag", found.start(), found[0]
    for found in _URL.finditer(text):
        url = found[0]
        if "://" in url or is_known(re.split("[:/?#]", url)[0]) or url[-1].isdigit():
            yield "link", found.start(), url.rstrip(".:;,('?!`)")
