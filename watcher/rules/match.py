"""Matchers: a mapping of field → pattern, compiled once into closures."""

import fnmatch
import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import re2

from watcher.model.subject import Subject
from watcher.model.task import PENDING, QUEUING, Part, Transition, is_final
from watcher.model.times import Millis
from watcher.rules.fields import FIELDS, UNKNOWN, Field, Value
from watcher.rules.quantities import parse_duration

Test = Callable[[str | None], bool]
Raw = str | tuple[str, ...]
_Clause = tuple[Callable[[Subject, Transition], Value], Callable[[Value], bool]]

_GLOB = re.compile(r"[*?\[]")
_COMPARISON = re.compile(r"^\s*(>=|<=|>|<|==|=)\s*(\S.*)$")
_OPERATORS: Mapping[str, Callable[[Millis, Millis], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
}
_LONGEST_PATTERN = 1000


def text_test(pattern: str) -> Test:
    """One plain or negated pattern: a glob over the whole value, or a `/regex/` searched in it.

    A missing value fits no plain pattern and every negated one.

    Raises:
        ValueError: in a sentence, when the pattern cannot be compiled.
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters, this one has {len(pattern)}")
    if pattern.startswith("!"):
        plain = text_test(pattern[1:])
        return lambda value: value is None or not plain(value)
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        search = _regex(pattern[1:-1]).search
        return lambda value: value is not None and search(value) is not None
    if _GLOB.search(pattern):
        fits = re.compile(fnmatch.translate(pattern)).match
        return lambda value: value is not None and fits(value) is not None
    return lambda value: value == pattern


def _regex(source: str) -> "re2._Regexp[str]":
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        reason = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise ValueError(f"/{source}/ is not a regular expression that RE2 understands: {reason}") from error


def any_test(patterns: Iterable[str]) -> Test:
    """A list of patterns: one of the plain ones (where there are any) and none of the negated ones."""
    patterns = list(patterns)
    plain = [text_test(pattern) for pattern in patterns if not pattern.startswith("!")]
    negated = [text_test(pattern) for pattern in patterns if pattern.startswith("!")]
    literal = all(_literal(pattern) for pattern in patterns)
    if literal:
        return frozenset(patterns).__contains__
    if not negated and len(plain) == 1:
        return plain[0]
    return lambda value: (not plain or any(test(value) for test in plain)) and all(test(value) for test in negated)


def _literal(pattern: str) -> bool:
    regex = len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")
    return not pattern.startswith("!") and not _GLOB.search(pattern) and not regex


def number_test(raw: Raw) -> Callable[[Millis | None], bool]:
    """A comparison such as `"> 10m"`, or any of a list; a bare duration means equality; nothing known satisfies none.

    Raises:
        ValueError: in a sentence, when the value is no comparison or its number has no unit.
    """
    if isinstance(raw, tuple):
        tests = [number_test(one) for one in raw]
        return lambda value: any(test(value) for test in tests)
    if not isinstance(raw, str):
        raise ValueError('a length of time needs a comparison and a unit, such as "> 10m"')
    found = _COMPARISON.match(raw)
    sign, number = found.groups() if found else ("=", raw)
    bound = 0 if number.strip() in {"0s", "0m", "0h"} else parse_duration(number.strip())
    compare = _OPERATORS[sign]
    return lambda value: value is not None and compare(value, bound)


_PASSED = (QUEUING, PENDING)


class WhereClause(Protocol):
    """A `where`, bound to the fields.

    `faults` counts what went wrong on single tasks; such a task does not match.
    """

    @property
    def faults(self) -> Counter[str]: ...

    def holds(self, subject: Subject, transition: Transition) -> bool | None:
        """None where that hangs on something not fetched yet."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled `match`: all its clauses must hold.

    Args:
        source: the mapping as the rule wrote it, values as lists of patterns.
        clauses: field name → test of that field's value.
        where: what the mapping cannot say.
        places: of a `narrowed` one, the transitions of its kind of task that it is to be asked of.
    """

    source: Mapping[str, tuple[str, ...]]
    clauses: Mapping[str, Callable[[Value], bool]]
    where: "WhereClause | None" = None
    places: tuple[int, ...] | None = None
    _status: "Callable[[Value], bool] | None" = field(init=False, repr=False, compare=False)
    _of_task: tuple[_Clause, ...] = field(init=False, repr=False, compare=False)
    _of_transition: tuple[_Clause, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        others = [FIELDS[name] for name in self.clauses if name != "status"]
        set_once = partial(object.__setattr__, self)
        set_once("_status", self.clauses.get("status"))
        set_once("_of_task", tuple((one.get, self.clauses[one.name]) for one in others if not one.of_transition))
        set_once("_of_transition", tuple((one.get, self.clauses[one.name]) for one in others if one.of_transition))

    def fitting(self, subject: Subject) -> Sequence[Transition]:
        """The transitions of a task for which all clauses hold, as far as is known. What the task itself is like is
        asked once for all of them."""
        found: Sequence[Transition] = subject.transitions
        if self.places is not None:
            found = [found[place] for place in self.places]
        if self._status is not None:
            status = self._status
            found = [transition for transition in found if status(transition.status)]
        if not found:
            return found
        for get, test in self._of_task:
            value = get(subject, found[0])
            if value is UNKNOWN or not test(value):
                return ()
        if self._of_transition:
            found = [one for one in found if all(_holds(get, test, subject, one) for get, test in self._of_transition)]
        if self.where is not None:
            where = self.where
            found = [transition for transition in found if where.holds(subject, transition)]
        return found

    def __call__(self, subject: Subject, transition: Transition) -> bool | None:
        """Whether all clauses hold; None where that hangs on something not fetched yet."""
        known = True
        for name, test in self.clauses.items():
            value = FIELDS[name].get(subject, transition)
            if value is UNKNOWN:
                known = False
            elif not test(value):
                return False
        if self.where is not None:
            said = self.where.holds(subject, transition)
            if said is not None and not said:
                return False
            known = known and said is not None
        return True if known else None

    def narrowed(self, name: str, statuses: Sequence[str]) -> "Matcher":
        """What is left to ask of a task of this name that was in just these statuses."""
        rest = self.without("task").without("status")
        fits = self.fits("task", name)
        places = tuple(place for place, status in enumerate(statuses) if fits and self.fits("status", status))
        return rest if len(places) == len(statuses) else replace(rest, places=places)

    def needs_passage(self, subject: Subject) -> Iterator[Transition]:
        """Open statuses that the task may have passed unseen, and that would fit: the full record knows."""
        if Part.TIMES not in subject.task.lacks or not subject.transitions:
            return
        known = {transition.status for transition in subject.transitions}
        last = subject.transitions[-1]
        for status in _PASSED:
            if status not in known and is_final(last.status):
                passage = Transition(status, last.at, last.observed_at, observed=True, since=last.earliest)
                if self(subject, passage) is not False:
                    yield passage

    def curious(self) -> bool:
        """Whether a task's full record may be needed to judge it."""
        if self.where is not None or any(FIELDS[name].needs_record for name in self.clauses):
            return True
        return any(self.fits("status", status) for status in _PASSED)

    def doubt(self, subject: Subject, *, passages: bool = True) -> Millis | None:
        """The earliest moment of which the match can't tell yet; None where it knows all."""
        if not subject.task.lacks:
            return None
        found = [t.earliest for t in subject.transitions if self(subject, t) is None]
        if passages:
            created = subject.task.created_at
            found += [t.earliest if created is None else created for t in self.needs_passage(subject)]
        return min(found, default=None)

    def part(self, names: Collection[str]) -> "Matcher":
        """The match as far as it speaks of these fields."""
        return Matcher(
            {name: said for name, said in self.source.items() if name in names},
            {name: test for name, test in self.clauses.items() if name in names},
        )

    def without(self, name: str) -> "Matcher":
        """The match without what it says of a field."""
        return replace(self.part(self.clauses.keys() - {name}), where=self.where)

    def names_field(self, name: str) -> bool:
        return name in self.clauses

    def fits(self, name: str, value: Value) -> bool:
        """Whether one field's clause holds for a value; a field without a clause always fits."""
        test = self.clauses.get(name)
        return test is None or test(value)

    def literals(self, name: str) -> frozenset[str] | None:
        """The only values a field may have, where the match names them one by one; None where it doesn't."""
        patterns = self.source.get(name)
        if patterns is None or not all(_literal(pattern) for pattern in patterns):
            return None
        return frozenset(patterns)


NOTHING_ASKED = Matcher({}, {})
"""Everything fits."""


def compile_match(source: Mapping[str, Raw]) -> Matcher:
    """Compile a `match` whose field names are known to exist.

    Raises:
        ValueError: in a sentence, for the first value that cannot be compiled.
    """
    clauses: dict[str, Callable[[Value], bool]] = {}
    normal: dict[str, tuple[str, ...]] = {}
    for name, raw in source.items():
        clauses[name] = _clause(FIELDS[name], raw)
        normal[name] = raw if isinstance(raw, tuple) else (raw,)
    return Matcher(normal, clauses)


def _holds(
    get: Callable[[Subject, Transition], Value],
    test: Callable[[Value], bool],
    subject: Subject,
    transition: Transition,
) -> bool:
    value = get(subject, transition)
    return value is not UNKNOWN and test(value)


def _clause(one: Field, raw: Raw) -> Callable[[Value], bool]:
    if one.numeric:
        number = number_test(raw)
        return lambda value: number(value if isinstance(value, int) else None)
    patterns = raw if isinstance(raw, tuple) else (raw,)
    test = any_test(patterns)
    if one.listed:
        return lambda value: any(map(test, value)) if isinstance(value, tuple) and value else test(None)
    return test  # type: ignore[return-value]  # a field that is neither numeric nor listed holds text or None
