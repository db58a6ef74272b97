"""`${NAME}` and `${file:PATH}` in the texts of a document. No fault of this module shows a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from watcher.errors import Fault
from watcher.rules.composing import Where
from watcher.rules.document import Document

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Resolved:
    """A document whose references were followed.

    Args:
        document: the same places, the texts resolved.
        secret: where texts came from outside of the file, as the file writes them.
        faults: of the references that lead nowhere.
    """

    document: Document
    secret: Mapping[Where, str] = field(repr=False)
    faults: tuple[Fault, ...]

    def discreet(self, fault: Fault) -> Fault:
        """The fault, without words about a text that came from outside of the file."""
        for where, written in self.secret.items():
            place = self.document.place(where)
            if (place.line, place.column) == (fault.line, fault.column):
                text = f"what {written} stands for does not fit here (not shown, it may be secret)"
                return replace(fault, text=text)
        return fault


def resolve(document: Document, environ: Mapping[str, str]) -> Resolved:
    """Follows all references: to the environment, and to files relative to the document's folder."""
    secret: dict[Where, str] = {}
    faults: list[Fault] = []
    folder = Path(document.path).parent

    def follow(value: Any, where: Where) -> Any:  # noqa: ANN401 - what the operator wrote
        if isinstance(value, dict):
            return {key: follow(inner, (*where, key)) for key, inner in value.items()}
        if isinstance(value, tuple):
            return tuple(follow(inner, (*where, index)) for index, inner in enumerate(value))
        if not isinstance(value, str) or not (references := list(_REFERENCE.finditer(value))):
            return value
        if any(reference[0] != "$${" for reference in references):
            secret[where] = value
        try:
            return _REFERENCE.sub(lambda reference: _target(reference, folder, environ), value)
        except LookupError as error:
            faults.append(document.fault(where, f"{key_path(where)}: {error.args[0]}"))
            return value

    data = follow(document.data, ())
    return Resolved(replace(document, data=data), secret, tuple(faults))


def key_path(where: Where) -> str:
    """`channels.ops.urls[1]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def _target(reference: re.Match[str], folder: Path, environ: Mapping[str, str]) -> str:
    if reference[0] == "$${":
        return "${"
    name, closed = reference.groups()
    if closed and name.startswith("file:"):
        return first_line(folder / name.removeprefix("file:"))
    if not closed or not _NAME.fullmatch(name):
        raise LookupError("a reference is ${NAME} or ${file:PATH}; a plain ${ is written $${")
    if not environ.get(name):
        state = "is empty" if name in environ else "is not set"
        raise LookupError(f"the environment variable {name} {state}")
    return environ[name]


def first_line(path: Path) -> str:
    """The first line of a file that holds a secret.

    Raises:
        LookupError: in a sentence, when there is none.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE).decode().strip()
    except UnicodeDecodeError:
        raise LookupError(f"the first line of {path} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LookupError(f"{path} cannot be read: {reason}") from None
    if not line:
        raise LookupError(f"the first line of {path} is empty")
    return line
