"""How the work of a replay is shared: rules know nothing of each other, and most know nothing of other farms. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watcher.rules.rule import Rule

_READING = 20
"""What it costs to read a task, in rules that look at it."""
_FEW = 3
"""Where more than every third rule looks beyond its farm, all tasks are read for all."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rules, and the farms whose tasks they are to see; None for all."""

    rules: tuple[Rule, ...]
    farms: frozenset[str] | None = None


Share = tuple[Part, ...]
"""What one process does."""


def reads(share: Share) -> frozenset[str] | None:
    """The farms whose tasks it needs; None for all."""
    named = [part.farms for part in share if part.farms is not None]
    return frozenset().union(*named) if len(named) == len(share) else None


def shared(rules: Sequence[Rule], tasks: Mapping[str, int], number: int) -> list[Share]:
    """The work in so many shares, each about as long.

    Args:
        tasks: how many each farm has; empty where nobody knows.
    """
    within = tuple(rule for rule in rules if rule.within_farm)
    beyond = tuple(rule for rule in rules if not rule.within_farm)
    if number == 1 or not tasks or len(beyond) * _FEW > len(rules):
        return [(Part(tuple(rules[place::number])),) for place in range(min(number, len(rules)))]
    loads, farms = [0] * number, [set[str]() for _ in range(number)]
    if beyond:
        loads[0] = sum(tasks.values()) * (_READING + len(beyond))
    *whole, (last, count) = sorted(tasks.items(), key=lambda pair: -pair[1])
    reading = [0 if place == 0 and beyond else _READING for place in range(number)]
    for farm, weight in whole:
        place = loads.index(min(loads))
        farms[place].add(farm)
        loads[place] += weight * (len(within) + reading[place])
    pieces = _pieces(within, [load // max(count, 1) + cost for load, cost in zip(loads, reading, strict=True)])
    shares = []
    for place in range(number):
        parts = [Part(beyond)] if place == 0 and beyond else []
        parts += [Part(within, frozenset(farms[place]))] if farms[place] else []
        parts += [Part(pieces[place], frozenset({last}))] if pieces[place] else []
        shares.append(tuple(parts))
    return [share for share in shares if share]


def _pieces(rules: tuple[Rule, ...], loads: Sequence[int]) -> list[tuple[Rule, ...]]:
    """The rules of the last farm, so that all loads (in rules) become about the same. Alike rules stand together in
    their files, and so are dealt one by one."""
    dealt: list[list[Rule]] = [[] for _ in loads]
    for rule in rules:
        place = min(range(len(loads)), key=lambda one: loads[one] + len(dealt[one]))
        dealt[place].append(rule)
    return [tuple(piece) for piece in dealt]
