"""A YAML 1.2 file as plain data, with the place of every key and value. Reads what people write and refuses
what YAML offers beyond that: anchors, tags, several documents. What the data mean is `validation`'s."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watcher.errors import ConfigError, Fault
from watcher.rules.composing import Composer, Place, Where
from watcher.rules.wording import found

MOST_BYTES = 1024 * 1024

_NOWHERE = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read.

    Args:
        path: the file as the operator named it.
        data: mappings as dicts with text keys, lists as tuples, and text, int, float, bool or None.
        places: where each value begins.
        key_places: where the key of each value in a mapping begins.
    """

    path: str
    data: Mapping[str, Any] = field(repr=False)
    places: Mapping[Where, Place] = field(repr=False)
    key_places: Mapping[Where, Place] = field(repr=False)

    def at(self, where: Where) -> Any:  # noqa: ANN401 - what the operator wrote
        """The value there.

        Raises:
            LookupError: there is none.
        """
        value: Any = self.data
        for step in where:
            value = value[step]
        return value

    def place(self, where: Where) -> Place:
        """Where the value begins; of a value that is not there, its nearest surrounding one."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, _NOWHERE)

    def fault(self, where: Where, text: str) -> Fault:
        """A fault of the value there."""
        place = self.place(where)
        return Fault(self.path, place.line, place.column, text)

    def key_fault(self, where: Where, text: str) -> Fault:
        """A fault of the key whose value is there; in a list, of the value."""
        place = self.key_places.get(where) or self.place(where)
        return Fault(self.path, place.line, place.column, text)


def read(path: Path, *, allow_empty: bool = False) -> Document:
    """Reads a file whose top level is a mapping.

    Raises:
        ConfigError: with every fault that could be found; a syntax error hides what follows it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError([Fault(str(path), 0, 0, f"cannot be read: {reason}")]) from error
    return parse(content, str(path), allow_empty=allow_empty)


def parse(content: bytes, path: str, *, allow_empty: bool = False) -> Document:
    """As `read`, for the content of a file."""
    if len(content) > MOST_BYTES:
        raise ConfigError([Fault(path, 0, 0, "is larger than 1 MiB: split it into several files")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        raise ConfigError(
            [Fault(path, line, column, "is not UTF-8 text from here on: save the file as UTF-8")]
        ) from error
    composer = Composer(path)
    data = composer.compose(text)
    if data is None and allow_empty:
        data = {}
    elif data is None:
        composer.faults.append(Fault(path, 0, 0, "is empty"))
    elif not isinstance(data, dict):
        composer.faults.append(
            Fault(path, 1, 1, f"expected a mapping, found {found(data)}: the file begins with a key and a colon")
        )
    if composer.faults:
        raise ConfigError(composer.faults)
    return Document(path, data, composer.places, composer.key_places)
