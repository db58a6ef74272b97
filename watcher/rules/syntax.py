"""What the YAML parser complains of, in an operator's words."""

import re

from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.reader import ReaderError

from watcher.errors import Fault

NO_BREAK = "\u00a0"
NO_BREAK_SPACE = "a no-break space, which came with a copied text: type a plain space instead"
_BEFORE = (
    (r"^(<{7}|={7}|>{7})", "a conflict of a merge is left here: keep one side, and remove the marks"),
    (rf"^[ ]*{NO_BREAK}|:{NO_BREAK}", NO_BREAK_SPACE),
)
"""What spoils the file wherever the parser notices it."""
_NEAR = (
    (r"^ *()-[A-Za-z_]+: ", 'a "-" needs a space after it'),
    (r"^ *(?:- +)?[A-Za-z_]+():[^\s:/]", 'a ":" needs a space after it'),
)
"""What spoils the line above the one that the parser stumbles over; the place is the group's."""
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
    if (spoiled := _spoiled(path, text.splitlines(), mark, complaint)) is not None:
        return spoiled
    if "parsing a flow node" in complaint and (opened := _comment_in_brackets(text[: mark.index])):
        return Fault(path, *opened, 'a "#" after a space or bracket begins a comment: a text with it needs quotes')
    for pattern, sentence in _FROM_OPENING:
        if re.search(pattern, complaint):
            return _fault(path, error.context_mark or mark, sentence)
    for pattern, sentence in _FROM_PROBLEM:
        if re.search(pattern, complaint):
            return _fault(path, mark, sentence)
    return _fault(path, mark, f"is not valid YAML: {complaint}")


def _spoiled(path: str, lines: list[str], mark: StringMark, complaint: str) -> Fault | None:
    """What the parser does not name: it only stumbles over what follows."""
    line, column = int(mark.line), int(mark.column)
    here = lines[line] if line < len(lines) else ""
    if re.match(r" *\t", here) or here[column : column + 1] == "\t":
        return _fault(path, mark, "a tab: YAML is indented with spaces only")
    for number, text in enumerate(lines[: line + 1], start=1):
        for pattern, sentence in _BEFORE:
            if found := re.search(pattern, text):
                return Fault(path, number, found.end() if NO_BREAK in found[0] else 1, sentence)
    for pattern, sentence in _NEAR if "mapping values" in complaint and line else ():
        if found := re.match(pattern, lines[line - 1]):
            return Fault(path, line, found.start(1) + 1, sentence)
    return None


def _comment_in_brackets(text: str) -> tuple[int, int] | None:
    """Line and column of the last `#` that begins a comment right after a bracket or comma."""
    found = list(re.finditer(r"[\[{,]\s*#", text))
    if not found:
        return None
    before = text[: found[-1].end() - 1]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _fault(path: str, mark: StringMark, text: str) -> Fault:
    return Fault(path, mark.line + 1, mark.column + 1, text)
