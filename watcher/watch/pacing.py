"""How often, and how fast: what is wished, stretched to what the budget allows. Pure."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from watcher.model.times import MINUTE, SECOND, Millis
from watcher.watch.farm import FarmState
from watcher.watch.purpose import Purpose

_THRIFT: dict[Purpose, float] = {Purpose.SEARCH: 0.0, Purpose.TROUBLE: 0.1, Purpose.NEW: 0.1, Purpose.AGENTS: 0.0}
_USUAL_THRIFT = 0.25
"""How much the requests slow down as places run out, so that a burst never leaves the next trouble without one."""
_LONGEST_REREAD: Millis = MINUTE
_SEARCH_SHARE, _REREAD_SHARE, _SWEEP_SHARE = 0.5, 0.6, 0.2
"""Of the budget, what each may take at most."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the budget has.

    Args:
        places: requests that a window may hold.
        free: of these, how many may go now.
        window: its length (ms).
    """

    places: int
    free: int
    window: Millis

    @property
    def gap(self) -> float:
        """Milliseconds between two requests that use the budget up evenly."""
        return self.window / self.places


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the configuration asks for.

    Args:
        every: how often each farm (or, one by one, each miner) is looked at, if the budget allows it (ms).
        sweep: milliseconds between two requests of the sweep; None for no sweep.
        searches_count: whether searches are part of the budget.
    """

    every: Millis
    sweep: Millis | None = 12 * SECOND
    searches_count: bool = True


class Known(Protocol):
    """What the plan knows."""

    @property
    def wishes(self) -> Wishes: ...

    @property
    def farms(self) -> Mapping[str, FarmState]: ...

    @property
    def searched(self) -> Collection[Millis]: ...


def unreserved(plan: Known, allowance: Allowance, now: Millis) -> Allowance:
    """What others than searches may use up: a window's searches that were not made yet keep their places."""
    if not plan.wishes.searches_count:
        return allowance
    searched = sum(farm.by_batches for farm in plan.farms.values())
    expected = math.ceil(searched * allowance.window / search_every(plan, allowance))
    made = sum(at > now - allowance.window for at in plan.searched)
    return replace(allowance, free=max(0, allowance.free - max(0, expected - made)))


def slowness(purpose: Purpose, allowance: Allowance) -> Millis:
    """How long after the last request one of this purpose may go: the longer, the fewer places are left."""
    thrift = _THRIFT.get(purpose, _USUAL_THRIFT)
    if thrift == 0.0 or allowance.free >= allowance.places:
        return 0
    if allowance.free <= 0:
        return int(allowance.gap)
    return int(thrift * allowance.gap * (allowance.places / allowance.free - 1))


def search_every(plan: Known, allowance: Allowance) -> Millis:
    """How often each farm's batches are listed: as wished, stretched where that would use up the budget."""
    searched = sum(farm.by_batches for farm in plan.farms.values())
    if not plan.wishes.searches_count:
        return plan.wishes.every
    return max(plan.wishes.every, int(searched * allowance.gap / _SEARCH_SHARE))


def reread_every(plan: Known, allowance: Allowance) -> Millis:
    """How often an open batch is read: at least every minute, stretched where that would use up the budget."""
    followed = sum(len(farm.batches) for farm in plan.farms.values())
    return max(min(plan.wishes.every, _LONGEST_REREAD), int(followed * allowance.gap / _REREAD_SHARE))


def cycle(plan: Known, farm: FarmState, allowance: Allowance) -> Millis:
    """How old a farm's watermark is expected to be at most (ms)."""
    if farm.by_batches:
        return max(search_every(plan, allowance), reread_every(plan, allowance), MINUTE)
    miners = sum(len(one.turns) for one in plan.farms.values() if not one.by_batches)
    # The round has one request in four while miners with open tasks take the others.
    return max(plan.wishes.every, int(miners * allowance.gap * 4))


def sweep_every(plan: Known, allowance: Allowance) -> Millis | None:
    """How often a request goes to the sweep; None for never."""
    sweep = plan.wishes.sweep
    return None if sweep is None else max(sweep, int(allowance.gap / _SWEEP_SHARE))
