"""What would have fired and what would have been said: a history through the engine, the routes and the groups."""

import heapq
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from watcher.alerts.board import Board, Utterance, Voice
from watcher.alerts.flapping import Damping
from watcher.alerts.identity import alert_of
from watcher.alerts.routes import Route
from watcher.model.alert import Episode, Origin
from watcher.model.subject import Place, Subject
from watcher.model.times import DAY, Millis
from watcher.rules.one_pass import Firing, OnePass
from watcher.rules.rule import Rule
from watcher.rules.stretch import Stretch


@dataclass(frozen=True, slots=True)
class Stage:
    """What a history is replayed against.

    Args:
        rules: the rule set.
        routes: compiled; the last takes everything.
        voices: the channels.
        until: nothing after this moment exists.
        damping: when an alert counts as flapping; None for never.
    """

    rules: Sequence[Rule]
    routes: Sequence[Route]
    voices: Sequence[Voice]
    until: Millis
    max_age: Millis = DAY
    damping: Damping | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One stretch of one alert, as an episode.

    Args:
        peak: its largest count while firing, and the total that was part of.
    """

    episode: Episode
    stretch: Stretch

    @property
    def peak(self) -> tuple[int, int | None]:
        return self.stretch.peak

    def at(self, moment: Millis) -> Episode | None:
        """The episode as it stood at a moment; None where it did not fire."""
        ended = self.stretch.ended_at
        if moment < self.stretch.started_at or (ended is not None and ended <= moment):
            return None
        points = [point for point in self.stretch.trace or () if point.at <= moment]
        last = points[-1]
        return replace(
            self.episode,
            count=last.count,
            total=last.total,
            last_at=last.last_at,
            tasks=self.episode.tasks[: last.tasks],
            ended_at=None,
            end_reason=None,
            ended_by=None,
            end_known_at=None,
        )


def episodes_of(stage: Stage, subjects: Iterable[Subject], places: Iterable[Place] = ()) -> list[Played]:
    """Every episode of a history, by time.

    Args:
        subjects: tasks, in the order of their first transitions.
        places: farms and miners that are there without a task.
    """
    names: dict[str, str] = {place.farm.id: place.farm.name for place in places}
    engine = OnePass(stage.rules, stage.until, places, traced=True)
    for subject in subjects:
        names[subject.farm.id] = subject.farm.name
        engine.feed(subject)
    return played(stage, engine.finish(), names)


def by_time(firings: Iterable[Firing]) -> list[Firing]:
    return sorted(firings, key=lambda one: (one.stretch.started_at, *one.key[:1], str(one.key)))


def played(stage: Stage, firings: Iterable[Firing], names: dict[str, str]) -> list[Played]:
    """What fired, as episodes by time.

    Args:
        names: of the farms, by their ids.
    """
    rules = {rule.name: rule for rule in stage.rules}
    found = enumerate(by_time(firings), 1)
    return [Played(_episode(number, rules[one.key[0]], one, names), one.stretch) for number, one in found]


def _episode(number: int, rule: Rule, firing: Firing, names: dict[str, str]) -> Episode:
    stretch = firing.stretch
    count, total = stretch.peak
    return Episode(
        id=number,
        alert=alert_of(rule, firing.key[1], names),
        started_at=stretch.started_at,
        origin=Origin.NEWS,
        count=count,
        total=total,
        first_at=stretch.first_at,
        last_at=stretch.last_at,
        tasks=tuple(stretch.tasks),
        known_at=stretch.started_at,
        ended_at=stretch.ended_at,
        end_reason=None if stretch.end is None else stretch.end.reason,
        ended_by=None if stretch.end is None else stretch.end.words,
        end_known_at=stretch.ended_at,
    )


def utterances(stage: Stage, played: Sequence[Played]) -> Iterator[Utterance]:
    """What the groups of every channel say through a history, in the order of time.

    Each must be taken before the next is asked for: its members live on.
    """
    rules: Mapping[str, Rule] = {rule.name: rule for rule in stage.rules}
    voices = {voice.name: voice for voice in stage.voices}
    board = Board(stage.routes, rules, voices, max_age=stage.max_age, damping=stage.damping)
    moments = heapq.merge(*(_moments(one) for one in played), key=lambda pair: pair[0])
    due: Millis | None = None
    now: Millis | None = None
    for at, episode in moments:
        if now is not None and at > now:
            due = yield from _spoken(board, due, now, at)
        now = at
        if board.update(episode, at):
            due = at
    yield from _spoken(board, due, now or 0, stage.until + 1)


def _spoken(board: Board, due: Millis | None, now: Millis, before: Millis) -> Generator[Utterance, None, Millis | None]:
    """All that is due before a moment; returns when to ask again."""
    while due is not None and due < before:
        now = max(now, due)
        yield from board.utterances(now, now)
        again = board.next_due(now)
        due = again if again is None or again > now else now + 1
    return due


def _moments(played: Played) -> Iterator[tuple[Millis, Episode]]:
    for point in played.stretch.trace or ():
        yield (
            point.at,
            replace(
                played.episode,
                count=point.count,
                total=point.total,
                last_at=point.last_at,
                tasks=played.episode.tasks[: point.tasks],
                ended_at=None,
                end_reason=None,
                ended_by=None,
                end_known_at=None,
            ),
        )
    if played.episode.ended_at is not None:
        yield played.episode.ended_at, played.episode
