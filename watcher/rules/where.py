"""`where`: a CEL expression over a transition's fields and its task's raw `payload` and `result`. Owns what CEL is
asked and what it may cost; not where the values come from. CEL here can neither be timed out nor metered, so the cost
is bounded beforehand, from the expression's loops and the size of the values.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from watcher.errors import WatcherError
from watcher.model.task import Part
from watcher.rules.expression import LOOPS, MATCHES, RAW, Expression
from watcher.rules.fields import FIELDS
from watcher.rules.match import Test, text_test
from watcher.rules.wording import found, listed, quoted, suggestion

_NAMES = sorted(RAW | FIELDS.keys())
_NEEDS: Mapping[str, frozenset[Part]] = {
    "payload": frozenset({Part.PAYLOAD}),
    "result": frozenset({Part.RESULT}),
    "log": frozenset({Part.LOGS}),
    "error": frozenset({Part.RESULT, Part.LOGS}),
    "duration": frozenset({Part.TIMES}),
    "queue_time": frozenset({Part.TIMES}),
}
_SAMPLE: Mapping[str, object] = {
    each.name: 1.0 if each.numeric else ["sample"] if each.listed else "sample" for each in FIELDS.values()
} | {"payload": {}, "result": None}

_TYPES = frozenset({"bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"})
_FUNCTIONS = sorted(
    {"bytes", "contains", "double", "duration", "dyn", "endsWith", "has", "int", "matches", "size", "startsWith"}
    | {"string", "timestamp", "type", "uint", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"}
)

_MEANT = (
    (r"\band\b", "; CEL writes && for and"),
    (r"\bor\b", "; CEL writes || for or"),
    (r"[=!]~", "; a regular expression is asked for by matches: model.matches('S19')"),
    (r"\d(s|m|h|d)\b", "; lengths of time are numbers of seconds here: duration > 300"),
    (r"(?<![=!<>])=(?!=)", "; CEL compares with =="),
)
"""What other languages write, and what CEL does."""

_LONGEST_SOURCE = 2000
_LARGEST = 10_000
_CHARACTERS_A_NODE = 100
_DEEPEST = 100
_MOST_STEPS = 2_000_000  # about half a second where two loops stand inside each other


class WhereFailed(WatcherError):
    """A `where` can't be judged for one task; most often it asks for what this task does not have."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"`where` cannot be judged: {reason}")


class Where:
    """A compiled `where`.

    `duration` and `queue_time` are numbers of seconds (double), `health` and `log` lists of strings, every other field
    is a string; each is null where it is missing. `matches` takes an RE2 pattern written out in quotes. `size` of a
    string counts its bytes.

    Args:
        source: the expression.

    Attributes:
        names: the fields it uses, `payload` and `result` among them.
        parts: what of a task it needs that only the full record is sure to tell.

    Raises:
        ValueError: in a sentence, when it is no CEL, names what does not exist, costs too much, or gives no bool.
    """

    __slots__ = ("_matches", "_picks", "_program", "_steps", "names", "parts", "source")

    def __init__(self, source: str) -> None:
        if len(source) > _LONGEST_SOURCE:
            raise ValueError(f"a CEL expression has at most {_LONGEST_SOURCE} characters, this one has {len(source)}")
        said = _parsed(source).references()
        reading = Expression(source)
        _check(reading.names | (set(said["variables"]) - reading.bound), said["functions"])
        tests = {pattern: text_test(f"/{pattern or '(?:)'}/") for pattern in map(_literal, reading.patterns)}
        self.source = source
        self.names = frozenset(reading.names - _TYPES)
        self.parts = frozenset(part for name in self.names for part in _NEEDS.get(name, ()))
        self._steps = reading.steps
        self._picks = {name: keys for name, keys in reading.picks.items() if keys is not None}
        self._matches = _matching(tests)
        self._program = _parsed(reading.rewritten)
        self._try_sample()

    def __call__(self, values: Mapping[str, object]) -> bool:
        """Whether the expression holds; asks for no values but those of `names`.

        Raises:
            WhereFailed: it can't be told, because of what the values hold or lack.
        """
        answer = self._answer(values)
        if answer is True or answer is False:
            return answer
        raise WhereFailed(f"it gives {_kind(answer)}, not true or false")

    def _answer(self, values: Mapping[str, object]) -> object:
        try:
            return self._program.execute(self._variables(values))
        except WhereFailed:
            raise
        except Exception as error:
            raise WhereFailed(_reason(error)) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of Rust; derived from BaseException
                raise
            raise WhereFailed("the evaluation broke off") from error

    def _variables(self, values: Mapping[str, object]) -> dict[str, Any]:
        scale = _Scale()
        variables: dict[str, Any] = {}
        for name in self.names:
            value = values.get(name)
            picks = self._picks.get(name)
            if picks is not None and isinstance(value, dict):
                value = {key: value[key] for key in picks if key in value}
            variables[name] = scale.weighed(value)
        if self._steps and scale.longest ** (self._steps - 1) * scale.size > _MOST_STEPS:
            raise WhereFailed(f"its loops would run too long over {listed(sorted(self.names), 'and')}")
        variables[MATCHES] = self._matches
        return variables

    def _try_sample(self) -> None:
        try:
            answer = self._answer(_SAMPLE)
        except WhereFailed as failed:
            # what a payload holds is anyone's guess, but the kinds of the fields are fixed
            if self.names.isdisjoint(RAW) and _misfit(failed.__cause__):
                raise ValueError("the expression compares or calls what does not fit together") from failed
            return
        if not isinstance(answer, bool):
            raise ValueError(f"the expression gives {_kind(answer)}, not true or false")


class _Scale:
    """Weighs values as it makes them fit for CEL, which takes neither lone surrogates nor integers past 64 bits."""

    __slots__ = ("longest", "size")

    def __init__(self) -> None:
        self.size = 0
        self.longest = 0

    def weighed(self, value: object, depth: int = 0) -> object:
        self._add(1)
        match value:
            case str():
                return self._text(value)
            case None | bool() | float():
                return value
            case int():
                return value if -(2**63) <= value < 2**63 else _float(value)
            case dict() | list() | tuple() if depth == _DEEPEST:
                raise WhereFailed(f"a value is nested more than {_DEEPEST} deep")
            case dict():
                self.longest = max(self.longest, len(value))
                return {self._text(str(key)): self.weighed(item, depth + 1) for key, item in value.items()}
            case list() | tuple():
                self.longest = max(self.longest, len(value))
                return [self.weighed(item, depth + 1) for item in value]
        raise WhereFailed("a value is no JSON")

    def _text(self, text: str) -> str:
        self._add(len(text) // _CHARACTERS_A_NODE)
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _add(self, nodes: int) -> None:
        self.size += nodes
        if self.size > _LARGEST:
            raise WhereFailed("what it names is too large")


def _float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _matching(tests: Mapping[str, Test]) -> Callable[..., bool | None]:
    def matches(*arguments: object) -> bool | None:
        # null for what is no text: the library would log an exception before it hands it back
        match arguments:
            case str(text), str(pattern):
                return tests[pattern](text)
        return None

    return matches


def _kind(answer: object) -> str:
    if answer is None or isinstance(answer, (bool, int, float, str, dict, list)):
        return found(answer)
    return f"a {type(answer).__name__}"


def _reason(error: Exception) -> str:
    match error:
        case KeyError():
            return f"there is no {quoted(str(error.args[0]))}"
        case IndexError():
            return "an index lies outside its list"
        case ZeroDivisionError():
            return "it divides by zero"
        case OverflowError():
            return "a number grows too large"
    return "it compares or calls what does not fit together" if _misfit(error) else "a value cannot be converted"


def _misfit(error: BaseException | None) -> bool:
    # the library calls a function undefined that does not take this kind of argument
    return isinstance(error, TypeError) or (isinstance(error, RuntimeError) and "Undefined" in str(error))


def _parsed(source: str) -> Any:  # noqa: ANN401  # a cel.Program, of a library that is imported only here
    import cel  # noqa: PLC0415  # it brings a command line along: 0.1 s, only for those who use `where`

    try:
        return cel.compile(source)
    except ValueError as error:
        said = str(error).removeprefix(f"Failed to parse expression '{source}': ")
        place = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)", said)
        meant = next((hint for pattern, hint in _MEANT if re.search(pattern, source)), "")
        detail = f": line {place[1]}, character {place[2]}: {place[3].partition(' expecting {')[0]}" if place else ""
        raise ValueError(f"the expression is no CEL{detail}{meant}") from error


def _literal(token: str) -> str:
    value = _parsed(token).execute()
    if not isinstance(value, str):
        raise ValueError("`matches` takes a pattern written out in quotes")
    return value


def _check(names: Iterable[str], functions: Iterable[str]) -> None:
    for name in sorted(names):
        if name not in _TYPES and name not in _NAMES:
            near = suggestion(name, _NAMES) or f"; known here: {listed(_NAMES, 'and')}"
            raise ValueError(f"unknown field {quoted(name)}{near}")
    for name in sorted(functions):
        if name in LOOPS:
            raise ValueError(f"`{name}` is asked of a list or map, with a name and an expression: list.{name}(x, …)")
        if name.isidentifier() and name not in _FUNCTIONS:
            near = "; CEL writes ! for not" if name == "not" else suggestion(name, _FUNCTIONS + sorted(LOOPS))
            raise ValueError(f"unknown function {quoted(name)}{near}")
