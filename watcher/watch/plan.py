"""Which request to spend next. Pure: a function of what is known, the budget and the time, and each answer
names its purpose. Newest trouble first; what has waited longest has its turn all the same."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from watcher.model.times import MINUTE, SECOND, Millis
from watcher.watch.farm import FarmState, Followed


class Purpose(StrEnum):
    """Why a request is spent, the most urgent first."""

    SEARCH = "search"
    """which batches there are"""
    TROUBLE = "trouble"
    """a list says that something failed"""
    NEW = "new"
    """a batch that nobody has read"""
    MOVED = "moved"
    """a list says more than the last reading"""
    STUCK = "stuck"
    """time alone may have made something true since the last reading"""
    RECORD = "record"
    """a rule waits for a task's full record"""
    OPEN = "open"
    """the miner has an open task"""
    REASON = "reason"
    """why something failed, for the message"""
    REREAD = "reread"
    """what moves no count shows only in the batch itself"""
    AGENTS = "agents"
    ACTIVE = "active"
    """something happened on the miner within the hour"""
    ROUND = "round"
    """it is the miner's turn"""
    HISTORY = "history"
    """what was over before the first contact"""
    SWEEP = "sweep"
    """what batches don't show, miner by miner"""
    INVENTORY = "inventory"


_ORDER = {purpose: rank for rank, purpose in enumerate(Purpose)}
_BACKGROUND = frozenset({Purpose.ROUND, Purpose.HISTORY, Purpose.SWEEP})
_PATIENCE: dict[Purpose, float] = {
    Purpose.SEARCH: 10, Purpose.TROUBLE: 5, Purpose.NEW: 5, Purpose.MOVED: 10, Purpose.STUCK: 15, Purpose.RECORD: 60,
    Purpose.OPEN: 30, Purpose.REASON: 60, Purpose.REREAD: 60, Purpose.AGENTS: 300, Purpose.ACTIVE: 120,
    Purpose.ROUND: 3600, Purpose.HISTORY: 3600, Purpose.SWEEP: 600, Purpose.INVENTORY: 60,
}  # fmt: skip
"""Seconds that a purpose can well wait: what has waited the most times as long has the next fair turn."""
_FAIR_TURN = 4
_BACKGROUND_TURN = 10
_THRIFT: dict[Purpose, float] = {Purpose.SEARCH: 0.0, Purpose.TROUBLE: 0.1, Purpose.NEW: 0.1, Purpose.AGENTS: 0.0}
_USUAL_THRIFT = 0.25
"""How much the requests slow down as places run out, so that a burst never leaves the next trouble without one."""
AGENTS_EVERY: Millis = 5 * MINUTE
_LONGEST_REREAD: Millis = MINUTE
_SEARCH_SHARE, _REREAD_SHARE, _SWEEP_SHARE = 0.5, 0.6, 0.2
"""Of the budget, what each may take at most."""
_CALMER = 4
"""A recently active miner is looked at this many times less often than one with an open task."""


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


@dataclass(frozen=True, slots=True)
class Choice:
    """The next request: for a batch or a miner of a farm, a farm, or (agents) none."""

    purpose: Purpose
    farm_id: str | None = None
    target: str | None = None


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
        resume_at: the API as a whole is left alone until then.
    """

    wishes: Wishes
    farms: dict[str, FarmState] = field(default_factory=dict)
    turn: int = 0
    sent_at: Millis = 0
    swept_at: Millis = 0
    agents_at: Millis = 0
    resume_at: Millis = 0

    def sent(self, choice: Choice, now: Millis) -> None:
        """A request went out."""
        self.turn += 1
        self.sent_at = now
        if choice.purpose is Purpose.SWEEP:
            self.swept_at = now
        elif choice.purpose is Purpose.AGENTS:
            self.agents_at = now


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Args:
    ripe_at: since when (or from when on) it is due.
    newness: the newest goes first among those of a purpose.
    """

    choice: Choice
    ripe_at: Millis
    newness: Millis = 0

    def lateness(self, now: Millis) -> float:
        return (now - self.ripe_at) / _PATIENCE[self.choice.purpose]


def choose(plan: Plan, allowance: Allowance, now: Millis) -> Choice | Rest:
    """The next request, or how long to rest."""
    if now < plan.resume_at:
        return Rest(plan.resume_at)
    candidates = list(_candidates(plan, allowance, now))
    ready = [one for one in candidates if one.ripe_at <= now]
    if not ready:
        return Rest(min((one.ripe_at for one in candidates), default=None))
    best = _best(plan.turn, ready, now)
    goes_at = plan.sent_at + _slowness(best.choice.purpose, allowance)
    if goes_at <= now:
        return best.choice
    search = next((one for one in ready if one.choice.purpose is Purpose.SEARCH), None)
    if search is not None:
        return search.choice
    searches = [one.ripe_at for one in candidates if one.choice.purpose is Purpose.SEARCH]
    return Rest(min([goes_at, *searches]))


def _best(turn: int, ready: Sequence[_Candidate], now: Millis) -> _Candidate:
    if turn % _BACKGROUND_TURN == _BACKGROUND_TURN - 1:
        background = [one for one in ready if one.choice.purpose in _BACKGROUND]
        if background:
            return max(background, key=lambda one: one.lateness(now))
    if turn % _FAIR_TURN == _FAIR_TURN - 1:
        return max(ready, key=lambda one: one.lateness(now) if one.choice.purpose not in _BACKGROUND else -1.0)
    return min(ready, key=lambda one: (_ORDER[one.choice.purpose], -one.newness, one.ripe_at))


def _slowness(purpose: Purpose, allowance: Allowance) -> Millis:
    """How long after the last request one of this purpose may go: the longer, the fewer places are left."""
    thrift = _THRIFT.get(purpose, _USUAL_THRIFT)
    if thrift == 0.0 or allowance.free >= allowance.places:
        return 0
    if allowance.free <= 0:
        return int(allowance.gap)
    return int(thrift * allowance.gap * (allowance.places / allowance.free - 1))


# --- how often


def search_every(plan: Plan, allowance: Allowance) -> Millis:
    """How often each farm's batches are listed: as wished, stretched where that would use up the budget."""
    searched = sum(farm.by_batches for farm in plan.farms.values())
    if not plan.wishes.searches_count:
        return plan.wishes.every
    return max(plan.wishes.every, int(searched * allowance.gap / _SEARCH_SHARE))


def reread_every(plan: Plan, allowance: Allowance) -> Millis:
    """How often an open batch is read: at least every minute, stretched where that would use up the budget."""
    followed = sum(len(farm.batches) for farm in plan.farms.values())
    return max(min(plan.wishes.every, _LONGEST_REREAD), int(followed * allowance.gap / _REREAD_SHARE))


def cycle(plan: Plan, farm: FarmState, allowance: Allowance) -> Millis:
    """How old a farm's watermark is expected to be at most (ms)."""
    if farm.by_batches:
        return max(search_every(plan, allowance), reread_every(plan, allowance), MINUTE)
    miners = sum(len(one.turns) for one in plan.farms.values() if not one.by_batches)
    # The round has one request in four while miners with open tasks take the others.
    return max(plan.wishes.every, int(miners * allowance.gap * 4))


# --- what there is to ask


def _candidates(plan: Plan, allowance: Allowance, now: Millis) -> Iterator[_Candidate]:
    searching, rereading = search_every(plan, allowance), reread_every(plan, allowance)
    for farm in plan.farms.values():
        if farm.by_batches:
            asked_at = farm.asked_at
            ripe_at = 0 if asked_at is None else asked_at + searching
            yield _Candidate(Choice(Purpose.SEARCH, farm.id), max(ripe_at, farm.resume_at))
            if farm.listed_at is not None:
                yield from _held_back(farm, _of_batches(farm, rereading, allowance, now))
        else:
            yield from _held_back(farm, _of_miners(farm, plan.wishes.every))
        yield from _held_back(farm, _of_records(farm))
    yield from _sweep(plan, allowance)
    if plan.farms:
        yield _Candidate(Choice(Purpose.AGENTS), plan.agents_at + AGENTS_EVERY if plan.agents_at else 0)


def _held_back(farm: FarmState, candidates: Iterable[_Candidate]) -> Iterator[_Candidate]:
    """None before the farm, or what is asked for, is to be asked again after a failure."""
    for one in candidates:
        resume_at = max(farm.resume_at, farm.held.get(one.choice.target or "", 0))
        yield one if one.ripe_at >= resume_at else _Candidate(one.choice, resume_at, one.newness)


def _of_batches(farm: FarmState, rereading: Millis, allowance: Allowance, now: Millis) -> Iterator[_Candidate]:
    for batch in farm.batches.values():
        purpose, ripe_at = _why(farm, batch, rereading, now)
        if purpose is Purpose.HISTORY and 2 * allowance.free < allowance.places:
            ripe_at = max(ripe_at, now + allowance.window // 10)
        newness = batch.created_at if batch.created_at is not None else batch.listed_at
        if purpose in (Purpose.REREAD, Purpose.STUCK):
            newness = 0
        yield _Candidate(Choice(purpose, farm.id, batch.id), max(ripe_at, batch.resume_at), newness)


def _why(farm: FarmState, batch: Followed, rereading: Millis, now: Millis) -> tuple[Purpose, Millis]:
    """Why a batch is to be read, and since when."""
    if batch.history:
        return Purpose.HISTORY, batch.listed_at
    if batch.read_at is None:
        return Purpose.NEW, batch.listed_at
    if batch.trouble:
        return Purpose.TROUBLE, batch.read_at
    if batch.moved:
        return Purpose.MOVED, batch.read_at
    if farm.stuck_at is not None and batch.read_at < farm.stuck_at <= now:
        return Purpose.STUCK, farm.stuck_at
    return Purpose.REREAD, batch.read_at + rereading


def _of_records(farm: FarmState) -> Iterator[_Candidate]:
    for miner_id, at in farm.records.items():
        yield _Candidate(Choice(Purpose.RECORD, farm.id, miner_id), at, at)
    for miner_id, at in farm.reasons.items():
        yield _Candidate(Choice(Purpose.REASON, farm.id, miner_id), at, at)


def _of_miners(farm: FarmState, every: Millis) -> Iterator[_Candidate]:
    turns = farm.turns
    queues = (
        (Purpose.OPEN, turns.open, every),
        (Purpose.ACTIVE, turns.active, every * _CALMER),
        (Purpose.ROUND, turns.round, every),
    )
    for purpose, queue, interval in queues:
        for miner_id in queue:
            looked_at = turns.looked_at(miner_id)
            yield _Candidate(Choice(purpose, farm.id, miner_id), looked_at + interval if looked_at else 0)
            break


def _sweep(plan: Plan, allowance: Allowance) -> Iterator[_Candidate]:
    """The miner, of all farms that are read by batches, that nobody has looked at for longest."""
    if plan.wishes.sweep is None:
        return
    waiting = [
        (farm.turns.looked_at(miner_id), farm, miner_id)
        for farm in plan.farms.values()
        if farm.by_batches and farm.listed_at is not None
        for miner_id in _first(farm)
    ]
    if waiting:
        looked_at, farm, miner_id = min(waiting, key=lambda one: one[0])
        interval = max(plan.wishes.sweep, int(allowance.gap / _SWEEP_SHARE))
        ripe_at = max(plan.swept_at + interval, looked_at + plan.wishes.every if looked_at else 0, farm.resume_at)
        yield _Candidate(Choice(Purpose.SWEEP, farm.id, miner_id), ripe_at)


def _first(farm: FarmState) -> Iterable[str]:
    """The first of the round that is not held back."""
    for miner_id in farm.turns.round:
        if miner_id not in farm.held:
            return (miner_id,)
    return ()
