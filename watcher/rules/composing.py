"""From the YAML parser's events to plain data, places and faults. Scalars follow YAML 1.2's core schema:
`on`, `yes`, `12:30:00`, `1_000` and dates are text. What is not allowed is never built."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from watcher.errors import ConfigError, Fault
from watcher.rules.syntax import NO_BREAK, NO_BREAK_SPACE, syntax_fault
from watcher.rules.wording import quoted

MOST_NODES = 100_000
DEEPEST = 32

Where = tuple[str | int, ...]
"""The way to a value: the keys and list positions from the top of the file."""

_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")  # a longer one is read as a float, as JavaScript would
_OTHER_BASE = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_OPENING_QUOTES = "“”„‟‘’‚«»"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node begins, 1-based; `written` is a scalar as it stands in the file, if without quotes."""

    line: int
    column: int
    written: str | None = None


class Composer:
    """Composes one file.

    Attributes:
        faults: what was refused on the way.
        places: where each value begins.
        key_places: where the key of each value in a mapping begins.
    """

    def __init__(self, path: str) -> None:
        self.faults: list[Fault] = []
        self.places: dict[Where, Place] = {}
        self.key_places: dict[Where, Place] = {}
        self._path = path
        self._nodes = 0

    def compose(self, text: str) -> Any:  # noqa: ANN401 - what the operator wrote
        """The data of the file's only document; None for a file without one.

        Raises:
            ConfigError: the file cannot be read to its end.
        """
        events = iter(YAML(typ="safe", pure=True).parse(text))
        try:
            return self._document(events)
        except (YAMLError, ValueError, OverflowError) as error:  # the last two for "\UFFFFFFFF"
            self.faults.append(syntax_fault(self._path, text, error))
            raise ConfigError(self.faults) from None  # the parser's error quotes the file

    def _document(self, events: Iterator[Event]) -> Any:  # noqa: ANN401
        next(events)  # the stream's start
        start = next(events)
        if isinstance(start, StreamEndEvent):
            return None
        if isinstance(start, DocumentStartEvent) and start.version not in (None, (1, 2)):
            self._refuse(start, "the file must be YAML 1.2: remove the %YAML line above")
        data = self._node(next(events), events, ())
        next(events)  # the document's end
        after = next(events)
        if not isinstance(after, StreamEndEvent):
            self._give_up(after, "a second document begins: the file may hold only one")
        return data

    def _node(self, event: Event, events: Iterator[Event], where: Where) -> Any:  # noqa: ANN401
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._give_up(event, f"has more than {MOST_NODES} values")
        if len(where) > DEEPEST:
            self._give_up(event, f"is nested more than {DEEPEST} deep")
        place = self._place(event)
        self.places[where] = self.key_places.get(where, place) if place.written == "" else place
        self._refuse_decoration(event)
        match event:
            case ScalarEvent():
                return self._scalar(event)
            case SequenceStartEvent():
                return self._items(events, where)
            case MappingStartEvent():
                return self._mapping(events, where)
        return None  # an alias, refused above

    def _items(self, events: Iterator[Event], where: Where) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._node(event, events, (*where, len(items))))
        return tuple(items)

    def _mapping(self, events: Iterator[Event], where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            place = self._place(event)
            key = self._key(event, events, where)
            inner = (*where, key)
            if key in data:
                first = self.key_places[inner].line
                self._refuse(event, f"duplicate key {quoted(key)}, first on line {first}")
            else:
                self.key_places[inner] = place
            data[key] = self._node(next(events), events, inner)
        return data

    def _key(self, event: Event, events: Iterator[Event], where: Where) -> str:
        if not isinstance(event, ScalarEvent):
            self._refuse(event, 'a key must be text; a template needs quotes: "{{ … }}"')
            self._node(event, events, (*where, ""))
            return ""
        self._refuse_decoration(event)
        key = self._scalar(event)
        if key == "<<" and event.style is None:
            self._refuse(event, 'merge keys ("<<") are not allowed: write the keys out')
        if not isinstance(key, str):
            hint = f': put it in quotes: "{event.value}"' if event.value else ', found nothing before ":"'
            self._refuse(event, f"a key must be text{hint}")
        return str(event.value)

    def _scalar(self, event: ScalarEvent) -> Any:  # noqa: ANN401
        text: str = event.value
        if _SURROGATE.search(text):
            self._refuse(event, r"contains half a character (\ud800 to \udfff)")
        if event.implicit[0] and text[:1] and text[0] in _OPENING_QUOTES:
            self._refuse(event, f"{text[0]} is part of the text here, not a quote: write plain ones")
        if event.implicit[0] and text[:1] == NO_BREAK:
            self._refuse(event, NO_BREAK_SPACE)
        return resolve(text) if event.implicit[0] else text

    def _refuse_decoration(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            self._refuse(event, 'aliases are not allowed; a text that begins with "*" needs quotes')
        elif getattr(event, "anchor", None) is not None:
            self._refuse(event, 'anchors are not allowed; a text that begins with "&" needs quotes')
        if getattr(event, "tag", None) is not None:
            self._refuse(event, 'tags are not allowed; a text that begins with "!" needs quotes')

    def _place(self, event: Event) -> Place:
        mark: StringMark = event.start_mark
        written = event.value if isinstance(event, ScalarEvent) and event.implicit[0] else None
        return Place(mark.line + 1, mark.column + 1, written)

    def _refuse(self, event: Event, text: str) -> None:
        place = self._place(event)
        self.faults.append(Fault(self._path, place.line, place.column, text))

    def _give_up(self, event: Event, text: str) -> NoReturn:
        self._refuse(event, text)
        raise ConfigError(self.faults)


def resolve(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means in YAML 1.2 (core schema, 10.3.2)."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text
