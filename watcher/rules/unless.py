"""What `unless` and `unless_same` say of other rules, held against these."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from watcher.errors import Fault
from watcher.rules.rule import Rule
from watcher.rules.wording import listed, quoted, suggestion

if TYPE_CHECKING:
    from watcher.rules.load import Place


def unless_faults(rules: Sequence[tuple["Place", Rule]], named: Collection[str], *, complete: bool) -> Iterator[Fault]:
    """What `unless` and `unless_same` name and other rules do not have.

    Args:
        rules: those that are right.
        named: the names of all, right or wrong.
        complete: every file could be read; else a rule that seems to be missing may stand in one of the others.
    """
    right = {rule.name: rule for _, rule in rules}
    for place, rule in rules:
        hushing: dict[int, Rule] = {}
        for position, name in enumerate(place.data.get("unless", ())):
            where = ("unless", position)
            if name == rule.name:
                yield place.fault(where, "unless names this rule itself: name the rules whose alerts hush it")
            elif name in right:
                hushing[position] = right[name]
            elif name not in named and complete:
                near = suggestion(name, set(named) - {rule.name}) or ": unless names other rules of this folder"
                yield place.fault(where, f"there is no rule {quoted(name)}{near}")
        if rule.unless:
            yield from _unless_same_faults(place, rule, hushing)
    yield from _circle_faults({rule.name: (place, rule) for place, rule in rules})


def _unless_same_faults(place: "Place", rule: Rule, hushing: Mapping[int, Rule]) -> Iterator[Fault]:
    """Labels by which the two can't be compared.

    Args:
        place: of the rule that is hushed.
        rule: it.
        hushing: the rules that its `unless` names, by their position there.
    """
    said = "unless_same" in place.data
    for position, label in enumerate(rule.unless_same):
        compares = f"unless compares the label {quoted(label)}, which"
        if label not in rule.label_names:
            mend = _carried(label, rule) if said else f": write unless_same, or add {label} to by"
            where = ("unless_same", position) if said else ("unless",)
            yield place.fault(where, f"{compares} this rule's alerts do not carry{mend}")
            continue
        for at, other in hushing.items():
            if label not in other.label_names:
                about = quoted(other.name)
                mend = _carried(label, other) if said else f": write unless_same, or add {label} to the by of {about}"
                where = ("unless_same", position) if said else ("unless", at)
                yield place.fault(where, f"{compares} the alerts of {about} do not carry{mend}")


def _carried(label: str, rule: Rule) -> str:
    labels = sorted(rule.label_names - {"rule"})
    return suggestion(label, labels) or f": they carry {listed(labels, 'and')}"


def _circle_faults(rules: Mapping[str, tuple["Place", Rule]]) -> Iterator[Fault]:
    """Rules that hush each other: when all of them fire, nobody would be told of any. Each circle is told once."""
    told: set[frozenset[str]] = set()
    for name, (place, _) in rules.items():
        circle = _circle(name, rules)
        if circle is None or frozenset(circle) in told:
            continue
        told.add(frozenset(circle))
        at = place.data["unless"].index(circle[1])
        way = ", ".join(f"{quoted(one)} by {quoted(other)}" for one, other in pairwise(circle))
        text = f"these rules hush each other, so that nobody would hear of any: {way}; take one of them out of unless"
        yield place.fault(("unless", at), text)


def _circle(start: str, rules: Mapping[str, tuple["Place", Rule]]) -> list[str] | None:
    """The shortest way by `unless` from a rule through others back to it."""
    ways = [[start]]
    seen = {start}
    for way in ways:
        _, rule = rules[way[-1]]
        for name in sorted(rule.unless & rules.keys()):
            if name == start and len(way) > 1:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None
