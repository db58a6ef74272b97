"""How the faults of files quote and suggest."""

import difflib
import json
from collections.abc import Iterable

_LONGEST = 40


def quoted(text: str) -> str:
    """The text in quotes, on one line, cut; of a URL only its scheme, for the rest may be a secret."""
    scheme, is_url, _ = text.partition("://")
    if is_url:
        text = f"{scheme[-_LONGEST:]}://…"
    elif len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    return json.dumps(text, ensure_ascii=False)


def listed(words: Iterable[str], conjunction: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean "model"?)`, with its leading space; nothing where no known name is near."""
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {quoted(nearest[0])}?)" if nearest else ""


def found(value: object, written: str | None = None) -> str:
    """What kind of value was found, in words; never a text itself, which may be a secret."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {written or value}"
        case str():
            return "text"
        case dict():
            return "a mapping"
    return "a list"
