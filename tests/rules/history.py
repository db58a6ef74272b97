"""A log in memory for the engine, and episodes as a store would hold them: for tests without a database."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from watcher.alerts.episodes import Reading, reconcile
from watcher.alerts.identity import alert_of, fingerprint
from watcher.model.alert import EndReason, Episode
from watcher.model.miner import Miner
from watcher.model.subject import Place, Subject, TaskChange
from watcher.model.task import OPEN_STATUSES
from watcher.model.times import Millis
from watcher.rules.engine import Engine
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope

NEVER = 10**15


@dataclass
class History:
    """The log, as a list."""

    known: dict[int, Subject] = field(default_factory=dict)
    inventory: list[Place] = field(default_factory=list)

    def add(self, one: Subject) -> None:
        self.known[one.key] = one

    def subjects(
        self,
        *,
        since: Millis | None,
        statuses: frozenset[str] | None = None,
        with_open: bool = False,
        **narrowed: Any,
    ) -> Iterable[Subject]:
        for one in list(self.known.values()):
            moved = any(
                (since is None or t.at > since) and (statuses is None or t.status in statuses) for t in one.transitions
            )
            if (moved or (with_open and one.task.status in OPEN_STATUSES)) and _fits(one, **narrowed):
                yield one

    def first_success(self, farm_id: str, miner_id: str, name: str, after: Millis) -> Subject | None:
        found = [
            one
            for one in self.known.values()
            if (one.farm.id, one.task.miner_id, one.task.name) == (farm_id, miner_id, name)
            and "succeed" in one.task.times
            and (one.task.created_at if one.task.created_at is not None else one.task.times["succeed"]) > after
        ]
        return min(found, key=lambda one: one.task.times["succeed"], default=None)

    def history(
        self, *, until: Millis, statuses: frozenset[str] | None = None, newest_first: bool = False, **narrowed: Any
    ) -> Iterable[tuple[Subject, Millis]]:
        found = [
            (one, t.at)
            for one in self.known.values()
            for t in one.transitions
            if t.at <= until and (statuses is None or t.status in statuses) and _fits(one, **narrowed)
        ]
        yield from sorted(found, key=lambda pair: pair[1], reverse=newest_first)

    def lacking(self) -> Iterable[Subject]:
        return [one for one in self.known.values() if one.task.lacks and one.lost_at is None]

    def places(self) -> Iterable[Place]:
        """All that is there; what was never looked at has no alert by itself."""
        yield from self.inventory
        for one in {(one.farm.id, one.task.miner_id): one for one in self.known.values()}.values():
            miner = None if one.task.miner_id is None else (one.miner or Miner(one.farm.id, one.task.miner_id))
            yield Place(one.farm, miner, NEVER)
            yield Place(one.farm, None, NEVER)


def _fits(
    one: Subject,
    names: frozenset[str] | None = None,
    farm_id: str | None = None,
    miner_id: str | None = None,
    batch_id: str | None = None,
) -> bool:
    return (
        (names is None or one.task.name in names)
        and farm_id in (None, one.farm.id)
        and miner_id in (None, one.task.miner_id)
        and batch_id in (None, one.task.batch_id)
    )


@dataclass
class Mark:
    """One watermark for everything, and what is known further: of a farm, of a miner."""

    at: Millis | None = None
    further: dict[Scope, Millis] = field(default_factory=dict)

    def of(self, scope: Scope) -> Millis | None:
        wider = {scope, Scope(scope.farm_id)}
        return max((at for at in (self.at, *map(self.further.get, wider)) if at is not None), default=None)

    def move(self, scope: Scope, at: Millis) -> None:
        if scope == Scope():
            self.at = at
        else:
            self.further[scope] = at


class Book:
    """The engine on a log in memory, and its episodes as a store would hold them."""

    def __init__(self, rules: list[Rule]) -> None:
        self.history = History()
        self.mark = Mark()
        self.engine = Engine(rules, self.history, self.mark)
        self.episodes: dict[int, Episode] = {}

    def take(self, changes: list[TaskChange]) -> None:
        for change in changes:
            self.history.add(change.after)
        self.engine.take(changes)

    def learn(self, shown: Iterable[Subject]) -> None:
        """A look that showed these tasks so."""
        known = self.history.known
        self.take([TaskChange(known.get(one.key), one) for one in shown if known.get(one.key) != one])

    def judge(self, watermark: Millis, scope: Scope = Scope()) -> None:  # noqa: B008 - a value
        self.mark.move(scope, watermark)
        self._write(self.engine.settle({tracker.scope for tracker in self.engine._trackers.all()}), watermark)

    def settle(self) -> None:
        """Judge what was learnt, while no watermark moves."""
        self._write(self.engine.settle(()), self.mark.at or 0)

    def restart(self) -> None:
        """Forget everything but the log and the episodes."""
        self.engine.rebuild()
        open_ones = {one.alert.fingerprint for one in self.episodes.values() if one.firing}
        verdicts = self.engine.settle(())
        judged = {fingerprint(*verdict.key) for verdict in verdicts}
        assert open_ones <= judged, "a standing alert was forgotten over a restart"
        self._write(verdicts, self.mark.at or 0)

    def _write(self, verdicts: Iterable[Any], now: Millis) -> None:
        for verdict in verdicts:
            alert = alert_of(self.engine.rules[verdict.key[0]], verdict.key[1], {})
            stored = [
                episode
                for episode in self.episodes.values()
                if episode.alert.fingerprint == alert.fingerprint
                and (
                    episode.ended_at is None
                    or (verdict.judged_from is not None and episode.ended_at >= verdict.judged_from)
                )
            ]
            stored.sort(key=lambda episode: (episode.started_at, episode.id))
            for change in reconcile(alert, stored, verdict, Reading(now)):
                number = change.episode.id or len(self.episodes) + 1
                self.episodes[number] = replace(change.episode, id=number)

    def found(self) -> list[Episode]:
        """The episodes that really were."""
        return [one for one in self.episodes.values() if one.end_reason is not EndReason.CORRECTED]
