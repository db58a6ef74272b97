"""A CEL expression as its text shows it: which fields it names, which of their keys, and how its loops stand inside
each other, for what it may cost. The library that evaluates it tells none of this.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from watcher.rules.fields import FIELDS
from watcher.rules.wording import quoted

RAW = frozenset({"payload", "result"})
LARGE = RAW | {each.name for each in FIELDS.values() if each.listed}
COPYING = frozenset({"map", "filter", "exists_one", "existsOne"})  # each step copies what was gathered so far
LOOPS = COPYING | {"all", "exists"}
MATCHES = "re2_matches"  # CEL's own `matches` can't be replaced, and compiles its pattern anew for every value
LOOPS_INSIDE = 2

_KEYWORDS = frozenset({"true", "false", "null", "in"})
_TOKEN = re.compile(
    r"""
      //[^\n]*
    | (?P<text>
          [bB]?[rR](?: \"{3}.*?\"{3} | '{3}.*?'{3} | "[^"\n]*" | '[^'\n]*' )
        | [bB]?(?: \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3} | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
      )
    | (?P<name> [A-Za-z_]\w* )
    | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | (?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]? )
    | (?P<sign> \S )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class _Token(NamedTuple):
    kind: str | None
    text: str
    start: int


_NOTHING = _Token(None, "", 0)


@dataclass(slots=True)
class _Bracket:
    """An open bracket; where it is a macro's, with the variable of its loop and what a round of it costs.

    Args:
        inside: the cost of a round, as a power of the length of the longest list.
    """

    function: str
    variable: str | None
    inside: int = 0

    @property
    def steps(self) -> int:
        return max(1 + self.inside, 2 if self.function in COPYING else 1)


@dataclass(slots=True)
class Expression:
    """What the library's own analysis leaves out, read from the tokens of an expression that it has parsed.

    Args:
        names: the identifiers that no loop binds.
        bound: those that one does.
        picks: name → the only keys asked of it; None where the whole of it is.
        patterns: the literals that `matches` is given.
        steps: the cost, as a power of the length of the longest list.
        rewritten: the source with our own `matches`.
    """

    source: str
    names: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    picks: dict[str, set[str] | None] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    steps: int = 0
    rewritten: str = ""
    _open: list[_Bracket] = field(default_factory=list)

    def __post_init__(self) -> None:
        read = [_Token(match.lastgroup, match[0], match.start()) for match in _TOKEN.finditer(self.source)]
        tokens = [_NOTHING] * 2 + [each for each in read if each.kind] + [_NOTHING] * 3
        own = [here.start for here, after in pairwise(tokens) if (here.text, after.text) == ("matches", "(")]
        starts = [0, *(start + len("matches") for start in own)]
        ends = [*own, len(self.source)]
        self.rewritten = MATCHES.join(self.source[start:end] for start, end in zip(starts, ends, strict=True))
        for place in range(2, len(tokens) - 3):
            self._read(tokens[place - 2 : place], tokens[place], tokens[place + 1 : place + 4])

    def _read(self, before: list[_Token], token: _Token, after: list[_Token]) -> None:
        match token.kind, token.text:
            case "sign", "(" | "[" | "{":
                self._opened(before, token, after)
            case "sign", ")" | "]" | "}":
                self._closed(before)
            case "name", name if name not in _KEYWORDS:
                if after[0].text == "{":
                    raise ValueError(f"the expression makes a message {quoted(name)}; there are only maps and lists")
                if before[1].text != "." and after[0].text != "(":
                    self._named(name, after)

    def _loops(self) -> list[_Bracket]:
        return [bracket for bracket in self._open if bracket.variable is not None]

    def _named(self, name: str, after: list[_Token]) -> None:
        loops = self._loops()
        bound = any(loop.variable == name for loop in loops)
        if loops and loops[-1].variable != name and (bound or name in LARGE):
            loops[-1].inside = max(loops[-1].inside, 1)  # a round may copy or search the whole of it
        if bound:
            return
        self.names.add(name)
        dot, key, then = after
        if dot.text == "." and key.kind == "name" and then.text != "(":
            picks = self.picks.setdefault(name, set())
            if picks is not None:
                picks.add(key.text)
        else:
            self.picks[name] = None

    def _opened(self, before: list[_Token], token: _Token, after: list[_Token]) -> None:
        dot, function = before
        called = function.text if token.text == "(" and function.kind == "name" else ""
        is_loop = called in LOOPS and dot.text == "." and after[1].text == ","
        self._open.append(_Bracket(called, after[0].text if is_loop else None))
        if is_loop:
            self.bound.add(after[0].text)
        if len(self._loops()) > LOOPS_INSIDE:
            raise ValueError(f"at most {LOOPS_INSIDE} loops may stand inside each other")

    def _closed(self, before: list[_Token]) -> None:
        bracket = self._open.pop()
        if bracket.function == "matches":
            if before[1].kind != "text" or before[0].text not in {"(", ","}:
                raise ValueError("`matches` takes a pattern written out in quotes")
            self.patterns.append(before[1].text)
        if bracket.variable is not None:
            self.steps = max(self.steps, bracket.steps)
            for outer in self._loops()[-1:]:
                outer.inside = max(outer.inside, bracket.steps)
