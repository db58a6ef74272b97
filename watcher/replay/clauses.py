"""A match taken apart: each clause with the value it saw, or that it waits for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from watcher.model.subject import Subject
from watcher.model.task import Transition
from watcher.model.times import duration_text
from watcher.rules.bound import BoundWhere
from watcher.rules.fields import FIELDS, UNKNOWN, Field, Value
from watcher.rules.match import Matcher, WhereClause
from watcher.rules.wording import listed

_LONGEST = 200


class Fit(StrEnum):
    """What a clause says of a value."""

    FITS = "fits"
    DIFFERS = "differs"
    WAITS = "waits"
    """the value has not been fetched yet (invariant 11)"""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause, judged.

    Args:
        field: its name; `where` for the expression.
        wanted: the patterns as the rule has them; of `where` its one source.
        seen: the value in words; None where nobody has told it, or where it is waited for.
        fault: why a `where` could not be judged.
    """

    field: str
    wanted: tuple[str, ...]
    seen: str | None
    fit: Fit
    fault: str | None = None


def clauses_of(match: Matcher, subject: Subject, transition: Transition) -> list[Clause]:
    """Every clause of a match against one transition of a task, `where` last."""
    return [*_fields(match, subject, transition), *_where(match.where, subject, transition)]


def verdict_of(clauses: list[Clause]) -> Fit:
    """As the match itself: one clause that differs decides, else one that waits."""
    fits = {clause.fit for clause in clauses}
    return next((fit for fit in (Fit.DIFFERS, Fit.WAITS) if fit in fits), Fit.FITS)


def no_of(clauses: list[Clause]) -> Clause | None:
    """The clause that says no, or waits; one that says no goes before one that waits."""
    return next((one for fit in (Fit.DIFFERS, Fit.WAITS) for one in clauses if one.fit is fit), None)


def sentence(clause: Clause) -> str:
    """`status is succeed, wanted is failed or timed_out`."""
    wanted = listed(clause.wanted)
    if clause.fit is Fit.WAITS:
        return f"{clause.field} has not been fetched yet"
    if clause.fault is not None:
        return clause.fault
    if clause.field == "where":
        return f"where is {'true' if clause.fit is Fit.FITS else 'false'} with {clause.seen}"
    said = "is not told" if clause.seen is None else f"is {clause.seen}"
    return f"{clause.field} {said}" + ("" if clause.fit is Fit.FITS else f", the rule wants {wanted}")


def _fields(match: Matcher, subject: Subject, transition: Transition) -> Iterator[Clause]:
    for name, test in match.clauses.items():
        field, wanted = FIELDS[name], match.source[name]
        value = field.get(subject, transition)
        if value is UNKNOWN:
            yield Clause(name, wanted, None, Fit.WAITS)
        else:
            yield Clause(name, wanted, _words(field, value), Fit.FITS if test(value) else Fit.DIFFERS)


def _words(field: Field, value: Value) -> str | None:
    if value is None or value == ():
        return None
    if field.numeric and isinstance(value, int):
        return duration_text(value)
    return _cut(" | ".join(value) if isinstance(value, tuple) else str(value))


def _where(where: WhereClause | None, subject: Subject, transition: Transition) -> Iterator[Clause]:
    if not isinstance(where, BoundWhere):
        return
    own = BoundWhere(where.where)  # its faults are counted for the log, not for whoever asks
    said, faults = own.holds(subject, transition), list(own.faults)
    fit = Fit.WAITS if said is None else Fit.FITS if said else Fit.DIFFERS
    seen = None if said is None else _values(own, subject, transition)
    yield Clause("where", (where.where.source,), seen, fit, faults[0] if faults else None)


def _values(where: BoundWhere, subject: Subject, transition: Transition) -> str:
    values = where.values(subject, transition)
    return _cut(", ".join(f"{name} = {json.dumps(said, ensure_ascii=False)}" for name, said in sorted(values.items())))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
