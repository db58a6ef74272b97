"""A long history is replayed by as many processes as there are processors, each with a share of the rules: rules know
nothing of each other, so that nobody waits for anybody."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from watcher.errors import WatcherError
from watcher.model.miner import Farm
from watcher.model.subject import Place, Subject
from watcher.model.times import Millis
from watcher.rules.one_pass import Firing, OnePass
from watcher.rules.rule import Rule
from watcher.rules.stretch import Point, Stretch

_WORTH_IT = 20_000
"""Of fewer tasks one process is done before a second one has begun."""
_STEP = 2_000


class ReplayDied(WatcherError):
    """A process of the replay is gone; the message says what to try."""


@dataclass(frozen=True, slots=True)
class History:
    """What is replayed.

    Args:
        subjects: reads every task, in the order of their first transitions; each process reads them for itself.
        count: of the tasks.
        until: nothing after this moment exists.
        traced: see `OnePass`.
    """

    subjects: Callable[[], Iterable[Subject]]
    places: Sequence[Place]
    count: int
    until: Millis
    traced: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """What fired, by rule and alert, and the names of the farms."""

    firings: list[Firing]
    farms: dict[str, str]


def replay(rules: Sequence[Rule], history: History, note: Callable[[int], object]) -> Replayed:
    """Play a history through rules.

    Args:
        note: told how many tasks are done.

    Raises:
        ReplayDied: a process was killed.
    """
    shares = min(os.cpu_count() or 1, len(rules)) if history.count >= _WORTH_IT else 1
    if shares <= 1:
        return _played(rules, history, note)
    fork = multiprocessing.get_context("fork")  # rules are full of functions, which no other way carries over
    ends: dict[Connection, Any] = {}
    for number in range(shares):
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_share, args=(theirs, rules[number::shares], history), daemon=True)
        child.start()
        theirs.close()
        ends[ours] = child
    try:
        return _gathered(list(ends), note)
    finally:
        for child in ends.values():
            child.terminate()
            child.join()


def _gathered(ends: list[Connection], note: Callable[[int], object]) -> Replayed:
    found, farms = list[Firing](), dict[str, str]()
    done = dict.fromkeys(ends, 0)
    while ends:
        for end in wait(ends):
            try:
                said: Any = end.recv()  # type: ignore[union-attr,call-arg]  # all of them are connections
            except EOFError:
                raise ReplayDied(
                    "A process of the replay was killed, perhaps as memory ran out: try a shorter history (--since)."
                ) from None
            if isinstance(said, Exception):
                raise said
            if isinstance(said, int):
                done[end] = said  # type: ignore[index]
                note(min(done.values()))
            elif isinstance(said, dict):
                farms |= said
                ends.remove(end)  # type: ignore[arg-type]
            else:
                found += [_unpacked(one) for one in said]
    return Replayed(found, farms)


def _share(end: Connection, rules: Sequence[Rule], history: History) -> None:
    """In a process of its own: a share of the rules."""
    gc.disable()  # nothing here refers to itself, and there is much to look through
    try:
        replayed = _played(rules, history, end.send)
        for packed in _parts(replayed.firings):
            end.send(packed)
        end.send(replayed.farms)
    except Exception as error:  # noqa: BLE001 - it is raised where somebody can say it
        end.send(error)


def _played(rules: Sequence[Rule], history: History, note: Callable[[int], object]) -> Replayed:
    farms: dict[str, Farm] = {place.farm.id: place.farm for place in history.places}
    engine = OnePass(rules, history.until, history.places, traced=history.traced)
    for number, subject in enumerate(history.subjects(), 1):
        farms[subject.farm.id] = subject.farm
        engine.feed(subject)
        if not number % _STEP:
            note(number)
    return Replayed(engine.finish(), {farm.id: farm.name for farm in farms.values()})


def _parts(firings: Sequence[Firing]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(firings), _STEP):
        yield [_packed(one) for one in firings[start : start + _STEP]]


def _packed(one: Firing) -> tuple[Any, ...]:
    """Without the tasks, which no figure of a replay is about."""
    stretch = one.stretch
    trace = None if stretch.trace is None else [(p.at, p.count, p.total, p.tasks, p.last_at) for p in stretch.trace]
    return (
        *(one.key, stretch.started_at, stretch.origin, stretch.count, stretch.total, stretch.peak),
        *(stretch.first_at, stretch.last_at, stretch.ended_at, stretch.end, trace),
    )


def _unpacked(packed: tuple[Any, ...]) -> Firing:
    key, started_at, origin, count, total, peak, first_at, last_at, ended_at, end, trace = packed
    points = None if trace is None else [Point(*point) for point in trace]
    stretch = Stretch(started_at, origin, count, total, peak, first_at, last_at, {}, ended_at, end, points)
    return Firing(key, stretch)
