"""A history in memory, as the engine asks for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from watcher.model.miner import Farm, Miner
from watcher.model.subject import Subject
from watcher.model.task import OPEN_STATUSES, Task, Transition
from watcher.model.times import Millis
from watcher.rules.tracker import Scope

FARM = Farm("f1", "Farm One")


def subject(
    key: int, name: str, miner: str | None, times: dict[str, Millis], *, batch: str | None = None, model: str = "S19"
) -> Subject:
    """A task with these states, all of them known."""
    status = max(times, key=lambda state: (times[state], state not in OPEN_STATUSES))
    task = Task(FARM.id, f"t{key}", name, status, miner, batch, times)
    transitions = tuple(sorted((Transition(s, at, at) for s, at in times.items()), key=lambda one: one.at))
    facts = None if miner is None else Miner(FARM.id, miner, model=model)
    return Subject(key, task, FARM, facts, transitions)


@dataclass
class History:
    """The log, as a list."""

    known: dict[int, Subject] = field(default_factory=dict)

    def add(self, one: Subject) -> None:
        self.known[one.key] = one

    def subjects(
        self,
        *,
        since: Millis | None,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        with_open: bool = False,
    ) -> Iterable[Subject]:
        for one in list(self.known.values()):
            moved = any(
                (since is None or t.at > since) and (statuses is None or t.status in statuses) for t in one.transitions
            )
            if (
                (moved or (with_open and one.task.status in OPEN_STATUSES))
                and (names is None or one.task.name in names)
                and farm_id in (None, one.farm.id)
                and miner_id in (None, one.task.miner_id)
            ):
                yield one

    def first_success(self, farm_id: str, miner_id: str, name: str, after: Millis) -> Subject | None:
        found = [
            one
            for one in self.known.values()
            if (one.farm.id, one.task.miner_id, one.task.name) == (farm_id, miner_id, name)
            and one.task.status == "succeed"
            and (one.task.created_at if one.task.created_at is not None else one.task.times["succeed"]) > after
        ]
        return min(found, key=lambda one: one.task.times["succeed"], default=None)


@dataclass
class Mark:
    """One watermark for everything."""

    at: Millis | None = None

    def of(self, scope: Scope) -> Millis | None:
        del scope
        return self.at
