"""Everything that could be asked next, each with its purpose and the moment from which it is due. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from watcher.model.times import MINUTE, Millis
from watcher.watch.farm import FarmState, Followed
from watcher.watch.pacing import Allowance, Known, reread_every, search_every, sweep_every
from watcher.watch.purpose import PATIENCE, Choice, Purpose

AGENTS_EVERY: Millis = 5 * MINUTE
_CALMER = 4
"""A recently active miner is looked at this many times less often than one with an open task."""


class Waiting(Known, Protocol):
    """What the plan knows, and when the last requests of two kinds went out."""

    @property
    def swept_at(self) -> Millis: ...

    @property
    def agents_at(self) -> Millis: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that could be made.

    Args:
        ripe_at: since when (or from when on) it is due.
        newness: the newest goes first among those of a purpose.
    """

    choice: Choice
    ripe_at: Millis
    newness: Millis = 0

    def lateness(self, now: Millis) -> float:
        return (now - self.ripe_at) / PATIENCE[self.choice.purpose]


def candidates(plan: Waiting, allowance: Allowance, now: Millis) -> Iterator[Candidate]:
    searching, rereading = search_every(plan, allowance), reread_every(plan, allowance)
    for farm in plan.farms.values():
        if farm.by_batches:
            asked_at = farm.asked_at
            ripe_at = 0 if asked_at is None else asked_at + searching
            yield Candidate(Choice(Purpose.SEARCH, farm.id), max(ripe_at, farm.resume_at))
            if farm.listed_at is not None:
                yield from _held_back(farm, _of_batches(farm, rereading, allowance, now))
        else:
            yield from _held_back(farm, _of_miners(farm, plan.wishes.every))
        yield from _held_back(farm, _of_records(farm))
    yield from _sweep(plan, allowance)
    if plan.farms:
        yield Candidate(Choice(Purpose.AGENTS), plan.agents_at + AGENTS_EVERY if plan.agents_at else 0)


def _held_back(farm: FarmState, found: Iterable[Candidate]) -> Iterator[Candidate]:
    """None before the farm, or what is asked for, is to be asked again after a failure."""
    for one in found:
        resume_at = max(farm.resume_at, farm.held.get(one.choice.target or "", 0))
        yield one if one.ripe_at >= resume_at else Candidate(one.choice, resume_at, one.newness)


def _of_batches(farm: FarmState, rereading: Millis, allowance: Allowance, now: Millis) -> Iterator[Candidate]:
    for batch in farm.batches.values():
        purpose, ripe_at = _why(farm, batch, rereading, now)
        if purpose is Purpose.HISTORY and 2 * allowance.free < allowance.places:
            ripe_at = max(ripe_at, now + allowance.window // 10)
        newness = batch.created_at if batch.created_at is not None else batch.listed_at
        if purpose in (Purpose.REREAD, Purpose.STUCK):
            newness = 0
        yield Candidate(Choice(purpose, farm.id, batch.id), max(ripe_at, batch.resume_at), newness)


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


def _of_records(farm: FarmState) -> Iterator[Candidate]:
    for miner_id, at in farm.records.items():
        yield Candidate(Choice(Purpose.RECORD, farm.id, miner_id), at, at)
    for miner_id, at in farm.reasons.items():
        yield Candidate(Choice(Purpose.REASON, farm.id, miner_id), at, at)


def _of_miners(farm: FarmState, every: Millis) -> Iterator[Candidate]:
    turns = farm.turns
    queues = (
        (Purpose.OPEN, turns.open, every),
        (Purpose.ACTIVE, turns.active, every * _CALMER),
        (Purpose.ROUND, turns.round, every),
    )
    for purpose, queue, interval in queues:
        for miner_id in queue:
            looked_at = turns.looked_at(miner_id)
            yield Candidate(Choice(purpose, farm.id, miner_id), looked_at + interval if looked_at else 0)
            break


def _sweep(plan: Waiting, allowance: Allowance) -> Iterator[Candidate]:
    """The miner, of all farms that are read by batches, that nobody has looked at for longest."""
    interval = sweep_every(plan, allowance)
    if interval is None:
        return
    waiting = [
        (farm.turns.looked_at(miner_id), farm, miner_id)
        for farm in plan.farms.values()
        if farm.by_batches and farm.listed_at is not None
        for miner_id in _first(farm)
    ]
    if waiting:
        looked_at, farm, miner_id = min(waiting, key=lambda one: one[0])
        ripe_at = max(plan.swept_at + interval, looked_at + plan.wishes.every if looked_at else 0, farm.resume_at)
        yield Candidate(Choice(Purpose.SWEEP, farm.id, miner_id), ripe_at)


def _first(farm: FarmState) -> Iterable[str]:
    """The first of the round that is not held back."""
    for miner_id in farm.turns.round:
        if miner_id not in farm.held:
            return (miner_id,)
    return ()
