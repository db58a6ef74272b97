"""Which request to spend next. Pure: a function of what is known, the budget and the time, and each answer
names its purpose. Newest trouble first; what has waited longest has its turn all the same."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from watcher.model.times import Millis
from watcher.watch.candidates import AGENTS_EVERY, Candidate, candidates
from watcher.watch.farm import FarmState
from watcher.watch.pacing import Allowance, Wishes, cycle, reread_every, search_every, slowness, unreserved
from watcher.watch.purpose import BACKGROUND, Choice, Purpose

_ORDER = {purpose: rank for rank, purpose in enumerate(Purpose)}
_FAIR_TURN = 4
_BACKGROUND_TURN = 10
_REMEMBERED = 1000
"""Searches that a window may hold at most; what is more is not reserved for."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be asked before `until`; None where nothing is ever."""

    until: Millis | None


@dataclass(slots=True)
class Plan:
    """What is known.

    Args:
        turn: how many requests were spent; fair turns are counted by it.
        sent_at, swept_at, agents_at: when the last request went out, the last of the sweep, the last for agents.
        searched: when the last searches went out.
        resume_at: the API as a whole is left alone until then.
    """

    wishes: Wishes
    farms: dict[str, FarmState] = field(default_factory=dict)
    turn: int = 0
    sent_at: Millis = 0
    swept_at: Millis = 0
    agents_at: Millis = 0
    resume_at: Millis = 0
    searched: deque[Millis] = field(default_factory=partial(deque, maxlen=_REMEMBERED))

    def sent(self, choice: Choice, now: Millis) -> None:
        """A request went out."""
        self.turn += 1
        self.sent_at = now
        if choice.purpose is Purpose.SWEEP:
            self.swept_at = now
        elif choice.purpose is Purpose.AGENTS:
            self.agents_at = now
        elif choice.purpose is Purpose.SEARCH:
            self.searched.append(now)


def choose(plan: Plan, allowance: Allowance, now: Millis) -> Choice | Rest:
    """The next request, or how long to rest."""
    if now < plan.resume_at:
        return Rest(plan.resume_at)
    found = list(candidates(plan, allowance, now))
    ready = [one for one in found if one.ripe_at <= now]
    if not ready:
        return Rest(min((one.ripe_at for one in found), default=None))
    best = _best(plan.turn, ready, now)
    left = unreserved(plan, allowance, now)
    goes_at = plan.sent_at + slowness(best.choice.purpose, left)
    if left.free <= 0:
        goes_at = max(goes_at, now + int(left.gap))
    if goes_at <= now:
        return best.choice
    search = next((one for one in ready if one.choice.purpose is Purpose.SEARCH), None)
    if search is not None:
        return search.choice
    searches = [one.ripe_at for one in found if one.choice.purpose is Purpose.SEARCH]
    return Rest(min([goes_at, *searches]))


def _best(turn: int, ready: Sequence[Candidate], now: Millis) -> Candidate:
    if turn % _BACKGROUND_TURN == _BACKGROUND_TURN - 1:
        background = [one for one in ready if one.choice.purpose in BACKGROUND]
        if background:
            return max(background, key=lambda one: one.lateness(now))
    if turn % _FAIR_TURN == _FAIR_TURN - 1:
        return max(ready, key=lambda one: one.lateness(now) if one.choice.purpose not in BACKGROUND else -1.0)
    return min(ready, key=lambda one: (_ORDER[one.choice.purpose], -one.newness, one.ripe_at))


__all__ = [
    "AGENTS_EVERY",
    "Allowance",
    "Choice",
    "Plan",
    "Purpose",
    "Rest",
    "Wishes",
    "choose",
    "cycle",
    "reread_every",
    "search_every",
]
