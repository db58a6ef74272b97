"""What loads, but is hardly meant: values that would never match, and text that looks like a template."""

import re
from collections.abc import Collection, Iterator

from watcher.model.task import STATUSES
from watcher.rules.composing import Where
from watcher.rules.document import Document
from watcher.rules.wording import quoted, suggestion

_PLAIN = re.compile(r"[\w .-]+")
_HALF_REGEX = re.compile(r"!?/(.*[^/]|)$")
_LENGTH = re.compile(r"\s*\d")
_SINGLE_BRACES = re.compile(r"(?<!\{)\$?\{\s*(\w+)\s*\}(?!\})")


def odd_words(document: Document, parts: Collection[int], names: Collection[str]) -> Iterator[tuple[int, Where, str]]:
    """Of the rules that are right: the rule's position, where in it, and what is odd.

    Args:
        parts: the positions of these rules.
        names: what a template can name.
    """
    for where in document.places:
        if where[:1] != ("rules",) or len(where) < 4 or where[1] not in parts or where[2] == "labels":
            continue
        if isinstance(where[-1], int):
            continue  # an entry is looked at with its list
        value = document.at(where)
        index, inner = int(where[1]), where[2:]
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and (odd := _odd(inner, text, names)):
                yield index, inner, odd


def _odd(where: Where, text: str, names: Collection[str]) -> str:
    plain = text.removeprefix("!")
    if where[0] == "message":
        return _template(text, names)
    match where[-1]:
        case "status":
            return _status(plain)
        case "task" if _PLAIN.fullmatch(plain) and "." not in plain:
            return (
                f'{quoted(plain)} is no task\'s name: these look like miner.system.reboot; or write a glob, "*{plain}*"'
            )
        case "duration" | "queue_time" if _LENGTH.match(text):
            return f'exactly {text.strip()} is hardly ever so: write a comparison, "> {text.strip()}"'
        case _ if _HALF_REGEX.fullmatch(text):
            return f"{quoted(text)} is plain text: a regular expression also ends with /"
    return ""


def _status(status: str) -> str:
    """Statuses are an open set, so an undocumented one is allowed; a misspelt one would never match."""
    words = re.split(r"\W+", status)
    if len(words) > 1 and set(words) <= set(STATUSES):
        return f"{quoted(status)} is no status: several are a list, [{', '.join(words)}]"
    near = suggestion(status.lower(), STATUSES)
    if status in STATUSES or not status.isidentifier() or not near:
        return ""
    return f"{quoted(status)} is no documented status{near}"


def _template(text: str, names: Collection[str]) -> str:
    found = [name for name in _SINGLE_BRACES.findall(text) if name in names]
    return f"{{{found[0]}}} is plain text: a value is written {{{{ {found[0]} }}}}" if found else ""
