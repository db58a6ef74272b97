"""What the YAML parser complains of, in an operator's words."""

import re

from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.reader import ReaderError

from watcher.errors import Fault

_FROM_OPENING = (
    (r"quoted scalar .*end of", "the quotes that open here are never closed"),
    (r"flow sequence", 'the list that opens here is broken: expected "," or "]"'),
    (r"flow mapping", 'the mapping that opens here is broken: expected "," or "}"'),
    (r"scanning an (alias|anchor)", 'a text that begins with "*" or "&" needs quotes'),
    (r"scanning a tag", 'a text that begins with "!" needs quotes'),
    (r"block scalar", 'a text that begins with ">" or "|" needs quotes'),
)
_FROM_PROBLEM = (
    (
        r"mapping values are not allowed",
        'unexpected ":": wrong indentation, or a text with ": " that needs quotes',
    ),
    (r"could not find expected ':'", 'expected ":" after a key'),
    (r"sequence entries are not allowed", 'a list item ("- ") cannot begin here'),
    (r"unknown escape|expected escape", r"unknown escape: single quotes take a backslash as it is"),
    (r"expected <block end>", "this does not fit the lines above: check the indentation and the quotes"),
    (r"cannot start any token", "a text that begins with this character needs quotes"),
)


def syntax_fault(path: str, text: str, error: Exception) -> Fault:
    """The parser's error as a fault."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return Fault(path, line, column, "a control character is not allowed here")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Fault(path, 0, 0, "is not valid YAML: a character that does not exist")
    mark: StringMark = error.problem_mark
    complaint = " ".join(f"{error.context} {error.problem}".split())
    if re.match(r" *\t", (text.splitlines()[mark.line : mark.line + 1] or [""])[0]):
        return _fault(path, mark, "a tab: YAML is indented with spaces only")
    for pattern, sentence in _FROM_OPENING:
        if re.search(pattern, complaint):
            return _fault(path, error.context_mark or mark, sentence)
    for pattern, sentence in _FROM_PROBLEM:
        if re.search(pattern, complaint):
            return _fault(path, mark, sentence)
    return _fault(path, mark, f"is not valid YAML: {complaint}")


def _fault(path: str, mark: StringMark, text: str) -> Fault:
    return Fault(path, mark.line + 1, mark.column + 1, text)
