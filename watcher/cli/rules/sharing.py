"""A long history is replayed by as many processes as there are processors, none of which waits for another."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from watcher.cli.rules.forked import Tell, at_once, processors
from watcher.cli.rules.shares import Part, Share, reads, shared
from watcher.model.miner import Farm
from watcher.model.subject import Place, Subject
from watcher.model.times import Millis
from watcher.nonce.history import Heads, HistoryFile, Span
from watcher.rules.one_pass import Firing, OnePass
from watcher.rules.rule import Rule
from watcher.rules.stretch import Point, Stretch

_WORTH_IT = 20_000
"""Of fewer tasks one process is done before a second one has begun."""
_STEP = 2_000


@dataclass(frozen=True, slots=True)
class History:
    """What is replayed.

    Args:
        subjects: reads every task of some farms (None: of all) in the order of their first transitions; each process
            reads for itself.
        count: of the tasks.
        tasks: how many each farm has; empty where nobody knows.
        until: nothing after this moment exists.
        traced: see `OnePass`.
    """

    subjects: Callable[[AbstractSet[str] | None], Iterable[Subject]]
    places: Sequence[Place]
    count: int
    until: Millis
    traced: bool
    tasks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What fired, by rule and alert, and the names of the farms."""

    firings: list[Firing]
    farms: dict[str, str]


def scanned(file: HistoryFile, stretches: Sequence[Span]) -> Iterator[Heads]:
    """The heads of a file's stretches, in order, read by every processor."""
    shares = min(processors(), len(stretches))
    if shares <= 1:
        yield from map(file.heads, stretches)
        return
    works = [partial(_scanned, file, stretches[number::shares]) for number in range(shares)]
    parts = [iter(found) for found in at_once(works)]
    yield from (next(parts[number % shares]) for number in range(len(stretches)))


def _scanned(file: HistoryFile, stretches: Sequence[Span], _: Tell) -> list[Heads]:
    return [file.heads(stretch) for stretch in stretches]


def replay(
    rules: Sequence[Rule], history: History, note: Callable[[int], object], *, processes: int | None = None
) -> Replayed:
    """Play a history through rules.

    Args:
        note: told how many tasks are done.
        processes: by default as many as there are processors, but one where there is little to do.

    Raises:
        ProcessDied: a process was killed.
    """
    found: list[Firing] = []
    worth = processors() if history.count >= _WORTH_IT else 1
    shares = shared(rules, history.tasks, processes or worth)
    if len(shares) <= 1:
        return Replayed(found, _played((Part(tuple(rules)),), history, note, found.extend))
    done, unpacked = [0] * len(shares), _Unpacking()
    whole = sum(_to_read(share, history) for share in shares)

    def told(number: int, said: Any) -> None:  # noqa: ANN401 - how many tasks, or what was found
        if isinstance(said, int):
            done[number] = said
            note(history.count * sum(done) // whole)
        else:
            found.extend(map(unpacked, said))

    farms: dict[str, str] = {}
    for names in at_once([partial(_share, share, history) for share in shares], told):
        farms |= names
    return Replayed(found, farms)


def _to_read(share: Share, history: History) -> int:
    farms = reads(share)
    return history.count if farms is None else sum(history.tasks[farm] for farm in farms)


def _share(share: Share, history: History, tell: Tell) -> dict[str, str]:
    return _played(share, history, tell, lambda found: tell([_packed(one) for one in found]))


def _played(
    share: Share,
    history: History,
    note: Callable[[int], object],
    found: Callable[[list[Firing]], object],
) -> dict[str, str]:
    """Tells how many tasks are done and what was found by then; returns the farms' names."""
    farms: dict[str, Farm] = {place.farm.id: place.farm for place in history.places}
    engines = [(part.farms, _engine(part, history)) for part in share]
    for number, subject in enumerate(history.subjects(reads(share)), 1):
        farms[subject.farm.id] = subject.farm
        for seen, engine in engines:
            if seen is None or subject.farm.id in seen:
                engine.feed(subject)
        if not number % _STEP:
            note(number)
            found([firing for _, engine in engines for firing in engine.ended()])
    found([firing for _, engine in engines for firing in engine.finish()])
    return {farm.id: farm.name for farm in farms.values()}


def _engine(part: Part, history: History) -> OnePass:
    places = [place for place in history.places if part.farms is None or place.farm.id in part.farms]
    return OnePass(part.rules, history.until, places, traced=history.traced)


def _packed(one: Firing) -> tuple[Any, ...]:
    """Without the tasks, which no figure of a replay is about."""
    stretch = one.stretch
    trace = None if stretch.trace is None else [(p.at, p.count, p.total, p.tasks, p.last_at) for p in stretch.trace]
    return (
        *(one.key, stretch.started_at, stretch.origin, stretch.count, stretch.total, stretch.peak),
        *(stretch.first_at, stretch.last_at, stretch.ended_at, stretch.end, trace),
    )


class _Unpacking:
    """There may be very many: what is the same of several of them is held once."""

    def __init__(self) -> None:
        self._same: dict[Any, Any] = {}
        self._no_tasks: dict[int, None] = {}

    def __call__(self, packed: tuple[Any, ...]) -> Firing:
        key, started_at, origin, count, total, peak, first_at, last_at, ended_at, end, trace = packed
        points = None if trace is None else [Point(*point) for point in trace]
        key, peak, end = (self._same.setdefault(one, one) for one in (key, peak, end))
        tasks = self._no_tasks
        stretch = Stretch(started_at, origin, count, total, peak, first_at, last_at, tasks, ended_at, end, points)
        return Firing(key, stretch)
