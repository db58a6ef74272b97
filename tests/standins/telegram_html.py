"""Telegram's `parse_mode=HTML`, read as the Bot API's server reads it (tdlib's parse_html): the text, and what the
tags make of it. An entity that the server does not know (`&nbsp;`) is text; a tag that it does not know is the end."""

import re
from dataclasses import dataclass, field

from tests.standins.verdict import Live, Seen

_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strike", "strike": "strike", "del": "strike", "tg-spoiler": "spoiler", "span": "spoiler",
    "a": "link", "code": "code", "pre": "pre", "blockquote": "quote", "tg-emoji": "custom emoji",
}  # fmt: skip
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-zA-Z]+));?")
_SPACE = " \t\r\n\0\v"
_SIGN = re.compile("[<&]")
_TOKEN = re.compile(r"[A-Za-z0-9.-]*")
_USER = re.compile(r"tg:(?://)?user\?id=\d+")


class CannotParse(Exception):
    """The words after `can't parse entities: `."""


@dataclass(slots=True)
class _Tag:
    """`start` counts the signs before it, `before` the pieces."""

    name: str
    start: int
    before: int
    argument: str = ""


@dataclass(slots=True)
class _Reading:
    text: str
    at: int = 0
    shown: list[str] = field(default_factory=list)
    length: int = 0
    tags: list[_Tag] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    quiet: list[tuple[int, int]] = field(default_factory=list)

    def add(self, piece: str) -> None:
        self.shown.append(piece)
        self.length += len(piece)

    def byte_of(self, at: int) -> int:
        return len(self.text[:at].encode("utf-8", "surrogatepass"))

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def skip_spaces(self) -> None:
        while self.peek() and self.peek() in _SPACE:
            self.at += 1

    def until(self, ends: str) -> str:
        """Up to one of the ends, or to the text's end."""
        began = self.at
        while self.peek() and self.peek() not in ends:
            self.at += 1
        return self.text[began : self.at]


@dataclass(frozen=True, slots=True)
class Parsed:
    """`quiet` are the parts in which Telegram looks for no links and mentions: code, and links that are there."""

    seen: Seen
    quiet: tuple[tuple[int, int], ...]


def parsed(text: str) -> Parsed:
    """The text without its tags, and what they made of it.

    Raises:
        CannotParse: in the server's words.
    """
    reading = _Reading(text)
    while reading.at < len(text):
        stop = _next_sign(text, reading.at)
        if stop > reading.at:
            reading.add(text[reading.at : stop])
            reading.at = stop
        elif text[stop] == "&":
            sign, reading.at = _entity(text, stop)
            reading.add(sign)
        elif text.startswith("</", stop):
            _close(reading)
        else:
            _open(reading)
    if reading.tags:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{reading.tags[-1].name}"')
    try:
        whole = "".join(reading.shown).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise CannotParse("Text contains invalid Unicode characters after decoding HTML entities") from None
    return Parsed(Seen(whole, tuple(reading.live)), tuple(reading.quiet))


def _next_sign(text: str, at: int) -> int:
    found = _SIGN.search(text, at)
    return found.start() if found else len(text)


def _entity(text: str, at: int) -> tuple[str, int]:
    """The sign that an entity stands for, or the ampersand itself, and where the text goes on."""
    found = _ENTITY.match(text, at)
    if found is None:
        return "&", at + 1
    if found[3]:
        sign = _NAMED.get(found[3])
        return (sign, found.end()) if sign else ("&", at + 1)
    digits = found[1] or found[2]
    code = int(digits, 16 if found[1] else 10) if len(digits) < 9 else 0
    return (chr(code), found.end()) if 0 < code < 0x10FFFF else ("&", at + 1)


def _open(reading: _Reading) -> None:
    began = reading.at
    place = reading.byte_of(began)
    reading.at += 1
    name = reading.until(_SPACE + ">").lower()
    if not reading.peek():
        raise CannotParse(f"Unclosed start tag at byte offset {place}")
    if name not in _KINDS:
        raise CannotParse(f'Unsupported start tag "{name}" at byte offset {place}')
    tag = _Tag(name, reading.length, len(reading.shown))
    while True:
        reading.skip_spaces()
        if reading.peek() == ">":
            break
        _attribute(reading, tag, place)
    reading.at += 1
    if name == "span" and tag.argument != "tg-spoiler":
        raise CannotParse(f'Tag "span" must have class "tg-spoiler" at byte offset {place}')
    reading.tags.append(tag)


def _attribute(reading: _Reading, tag: _Tag, place: int) -> None:
    name = reading.until(_SPACE + "=>" if tag.name == "blockquote" else _SPACE + "=")
    if not name:
        raise CannotParse(f'Empty attribute name in the tag "{tag.name}" at byte offset {place}')
    reading.skip_spaces()
    if tag.name == "blockquote" and name == "expandable" and reading.peek() != "=":
        return
    if reading.peek() != "=":
        raise CannotParse(
            f'Expected equal sign in declaration of an attribute of the tag "{tag.name}" at byte offset {place}'
        )
    reading.at += 1
    reading.skip_spaces()
    value = _value(reading, tag, place)
    wanted = {"a": "href", "span": "class", "code": "class", "tg-emoji": "emoji-id"}
    if wanted.get(tag.name) == name:
        tag.argument = value


def _value(reading: _Reading, tag: _Tag, place: int) -> str:
    mark = reading.peek()
    if not mark:
        raise CannotParse(f'Unclosed start tag "{tag.name}" at byte offset {place}')
    if mark in "'\"":
        reading.at += 1
        raw = reading.until(mark)
        reading.at += 1
        value = _without_entities(raw)
    else:
        began = reading.at
        found = _TOKEN.match(reading.text, began)
        value = found[0].lower() if found else ""
        reading.at += len(value)
        if reading.peek() and reading.peek() not in _SPACE + ">":
            raise CannotParse(f"Unexpected end of name token at byte offset {reading.byte_of(began)}")
    if not reading.peek():
        raise CannotParse(f"Unclosed start tag at byte offset {place}")
    return value


def _without_entities(raw: str) -> str:
    parts: list[str] = []
    at = 0
    while (sign := raw.find("&", at)) >= 0:
        parts.append(raw[at:sign])
        decoded, at = _entity(raw, sign)
        parts.append(decoded)
    return "".join([*parts, raw[at:]])


def _close(reading: _Reading) -> None:
    place = reading.byte_of(reading.at)
    if not reading.tags:
        raise CannotParse(f"Unexpected end tag at byte offset {place}")
    reading.at += 2
    name = reading.until(_SPACE + ">").lower()
    reading.skip_spaces()
    if reading.peek() != ">":
        raise CannotParse(f"Unclosed end tag at byte offset {place}")
    reading.at += 1
    tag = reading.tags.pop()
    if name not in {"", tag.name}:
        raise CannotParse(f'Unmatched end tag at byte offset {place}, expected "</{tag.name}>", found "</{name}>"')
    inside = "".join(reading.shown[tag.before :])
    if inside:
        _note(reading, tag, inside)


def _note(reading: _Reading, tag: _Tag, inside: str) -> None:
    kind = _KINDS[tag.name]
    if kind in {"code", "pre", "link"}:
        reading.quiet.append((tag.start, reading.length))
    if kind == "custom emoji" and not (tag.argument.isdigit() and int(tag.argument)):
        raise CannotParse("Invalid custom emoji identifier specified")
    if kind != "link":
        reading.live.append(Live(kind, inside))
        return
    url = tag.argument or inside
    if _USER.fullmatch(url):
        reading.live.append(Live("mention", url))
    elif re.match(r"(?:https?|ftp|tg|ton|tonsite)://", url, re.IGNORECASE) or re.match(r"[^\s/:@]+\.[^\s/:@]{2,}", url):
        reading.live.append(Live("link", url))
