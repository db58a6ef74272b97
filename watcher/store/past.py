"""The log, as the rules and the messages ask for it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.model.fact import TaskFact
from watcher.model.miner import Farm, Miner
from watcher.model.subject import Place, Subject
from watcher.model.task import Task, Transition
from watcher.model.times import Millis
from watcher.store import rows
from watcher.store.fleet import Fleet
from watcher.store.tasks import Tasks

_PAGE = 500
_FIRST_PAGE = 4
_OPEN = "(t.status NOT IN ('succeed', 'failed', 'timed_out', 'cancelled') AND t.lost_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Listed:
    """A task in a listing; `reason` is masked."""

    subject: Subject
    reason: str | None


class Past:
    """Reads tasks with their transitions, farm and miner."""

    def __init__(self, connection: sqlite3.Connection, tasks: Tasks, fleet: Fleet) -> None:
        self._connection = connection
        self._tasks = tasks
        self._fleet = fleet

    def subjects(
        self,
        *,
        since: Millis | None,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        batch_id: str | None = None,
        with_open: bool = False,
    ) -> Iterator[Subject]:
        """Tasks with a transition after `since` (None: any), narrowed by literal values; `with_open`: or open."""
        wanted: list[str] = []
        bound: dict[str, Any] = {"since": since, "farm": farm_id, "miner": miner_id, "batch": batch_id}
        wanted += _narrowed(bound, names)
        if since is not None or statuses is not None:
            narrow = miner_id is not None or batch_id is not None
            wanted.append(_moved(bound, statuses, by_task=narrow, with_open=with_open))
        where = " AND ".join(wanted) or "1"
        keys = self._connection.execute(f"SELECT t.key FROM tasks AS t WHERE {where}", bound)  # noqa: S608 - values are bound
        found = [row[0] for row in keys]
        for start in range(0, len(found), _PAGE):
            yield from self._read(found[start : start + _PAGE])

    def history(
        self,
        *,
        until: Millis,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        batch_id: str | None = None,
        newest_first: bool = False,
    ) -> Iterator[tuple[Subject, Millis]]:
        """Every transition up to a moment, by time: its task, and its own time. Read no further than is asked for."""
        bound: dict[str, Any] = {"until": until, "farm": farm_id, "miner": miner_id, "batch": batch_id}
        wanted = ["x.at <= :until", *_narrowed(bound, names)]
        if statuses is not None:
            bound["statuses"] = json.dumps(sorted(statuses))
            wanted.append("x.status IN (SELECT value FROM json_each(:statuses))")
        narrow = miner_id is not None or batch_id is not None
        # One farm's log is read in its order; a miner's or a batch's few tasks are sorted.
        tables = (
            "tasks AS t CROSS JOIN transitions AS x ON x.task = t.key"
            if narrow
            else "transitions AS x INDEXED BY transitions_by_time CROSS JOIN tasks AS t ON t.key = x.task"
        )
        order = "DESC" if newest_first else "ASC"
        cursor = self._connection.execute(
            f"SELECT x.task, x.at FROM {tables} WHERE {' AND '.join(wanted)} ORDER BY x.at {order}",  # noqa: S608 - values are bound
            bound,
        )
        page = _FIRST_PAGE
        while found := cursor.fetchmany(page):
            subjects = self.subjects_of([row[0] for row in found])
            yield from ((subjects[key], at) for key, at in found)
            page = _PAGE

    def keys_in_order(self, since: Millis) -> list[int]:
        """Every task that moved after a moment, or is open, in the order of their first transitions."""
        cursor = self._connection.execute(
            "SELECT x.task FROM transitions AS x JOIN tasks AS t ON t.key = x.task GROUP BY x.task "  # noqa: S608 - no values
            f"HAVING max(x.at) > ? OR {_OPEN} ORDER BY min(x.at)",
            (since,),
        )
        return [row[0] for row in cursor]

    def each_of(self, keys: Sequence[int]) -> Iterator[Subject]:
        """These tasks, in this order, a page at a time."""
        for start in range(0, len(keys), _PAGE):
            page = keys[start : start + _PAGE]
            found = self.subjects_of(page)
            yield from (found[key] for key in page)

    def lacking(self) -> Iterator[Subject]:
        """Every task whose full record was not read, and that the API still shows."""
        keys = self._connection.execute("SELECT key FROM tasks WHERE lacks IS NOT NULL AND lost_at IS NULL").fetchall()
        return self.each_of([row[0] for row in keys])

    def places(self) -> Iterator[Place]:
        """Every farm that was seen, and every miner of it."""
        return self._fleet.places()

    def of_miners(self, farm_id: str, miners: Iterable[str]) -> list[Subject]:
        """Every task of these miners."""
        cursor = self._connection.execute(
            "SELECT key FROM tasks WHERE farm_id = ? AND miner_id IN (SELECT value FROM json_each(?))",
            (farm_id, json.dumps(sorted(miners))),
        )
        return list(self._read([row[0] for row in cursor]))

    def first_success(self, farm_id: str, miner_id: str, name: str, after: Millis) -> Subject | None:
        """The first success of a task of this name on a miner, of those created after a moment."""
        row = self._connection.execute(
            "SELECT t.key FROM tasks AS t JOIN transitions AS x ON x.task = t.key AND x.status = 'succeed' "
            "WHERE t.farm_id = ? AND t.miner_id = ? AND t.name = ? AND coalesce(t.created_at, x.at) > ? "
            "ORDER BY x.at LIMIT 1",
            (farm_id, miner_id, name, after),
        ).fetchone()
        return None if row is None else self.subject(row[0])

    def latest(
        self, limit: int, *, miner_id: str | None = None, status: str | None = None, name: str | None = None
    ) -> list[Listed]:
        """The tasks that moved last, for people."""
        cursor = self._connection.execute(
            "SELECT t.key, t.reason FROM tasks AS t JOIN transitions AS x ON x.task = t.key "
            "WHERE (:miner IS NULL OR t.miner_id = :miner) AND (:status IS NULL OR t.status = :status) "
            "AND (:name IS NULL OR t.name = :name) GROUP BY t.key ORDER BY max(x.at) DESC LIMIT :limit",
            {"miner": miner_id, "status": status, "name": name, "limit": limit},
        )
        reasons = dict(cursor.fetchall())
        subjects = self.subjects_of(list(reasons))
        return [Listed(subjects[key], reason) for key, reason in reasons.items()]

    def named(self, task_id: str) -> list[Subject]:
        """The tasks of this id: one, or one of each farm that uses it."""
        cursor = self._connection.execute(
            "SELECT key FROM tasks WHERE farm_id IN (SELECT id FROM farms) AND id = ?", (task_id,)
        )
        return list(self._read([row[0] for row in cursor]))

    def subject(self, key: int) -> Subject | None:
        return next(self._read([key]), None)

    def subjects_of(self, keys: Sequence[int]) -> dict[int, Subject]:
        return {subject.key: subject for subject in self._read(keys)}

    def _read(self, keys: Sequence[int]) -> Iterator[Subject]:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        found = cursor.execute(
            "SELECT * FROM tasks WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(list(keys)),)
        ).fetchall()
        log = self._tasks.transitions(keys)
        tasks = [(row["key"], rows.task_of(row), log.get(row["key"], ()), row["lost_at"]) for row in found]
        yield from self.joined(tasks)

    def joined(self, tasks: Iterable[tuple[int, Task, tuple[Transition, ...], Millis | None]]) -> Iterator[Subject]:
        """Tasks with their farm and miner."""
        tasks = list(tasks)
        names = self._fleet.names()
        miners = self._fleet.facts([(task.farm_id, task.miner_id) for _, task, _, _ in tasks])
        for key, task, transitions, lost_at in tasks:
            farm = Farm(task.farm_id, names.get(task.farm_id, task.farm_id))
            miner = self._miner(task, miners.get((task.farm_id, task.miner_id or "")))
            yield Subject(key, task, farm, miner, transitions, lost_at)

    @staticmethod
    def _miner(task: Task, inventory: Miner | None) -> Miner | None:
        """As the row told it; what the row lacks, as the inventory tells it."""
        return inventory if task.miner is None else task.miner.filled_from(inventory)

    def task_facts(self, keys: Sequence[int]) -> list[TaskFact]:
        """What a message says of tasks, in the order of `keys`; what is gone is left out."""
        cursor = self._connection.execute(
            "SELECT t.key, t.name, t.status, t.farm_id, t.miner_id, "
            "coalesce(t.miner ->> 'model', m.model), coalesce(t.miner ->> 'ip', m.ip), t.reason, t.batch_id "
            "FROM tasks AS t LEFT JOIN miners AS m ON m.farm_id = t.farm_id AND m.id = t.miner_id "
            "WHERE t.key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        facts = {row[0]: TaskFact(*row) for row in cursor}
        return [facts[key] for key in keys if key in facts]

    def unrepaired(self, keys: Sequence[int]) -> tuple[int, int]:
        """Of these tasks' miners: how many lack a success of a later task of the same name, and of how many."""
        cursor = self._connection.execute(
            "SELECT t.farm_id, t.miner_id, min(EXISTS (SELECT 1 FROM tasks AS later "
            "WHERE later.farm_id = t.farm_id AND later.miner_id = t.miner_id AND later.name = t.name "
            "AND later.status = 'succeed' AND later.created_at > t.created_at)) "
            "FROM tasks AS t WHERE t.miner_id IS NOT NULL AND t.key IN (SELECT value FROM json_each(?)) "
            "GROUP BY t.farm_id, t.miner_id",
            (json.dumps(list(keys)),),
        )
        repaired = [row[2] for row in cursor]
        return repaired.count(0), len(repaired)


def _narrowed(bound: dict[str, Any], names: frozenset[str] | None) -> Iterator[str]:
    """Clauses for the values that are bound."""
    for name, column in (("farm", "farm_id"), ("miner", "miner_id"), ("batch", "batch_id")):
        if bound[name] is not None:
            yield f"t.{column} = :{name}"
    if bound["farm"] is None and (bound["miner"] is not None or bound["batch"] is not None):
        yield "t.farm_id IN (SELECT id FROM farms)"  # the indexes begin with the farm
    if names is not None:
        bound["names"] = json.dumps(sorted(names))
        yield "t.name IN (SELECT value FROM json_each(:names))"


def _moved(bound: dict[str, Any], statuses: frozenset[str] | None, *, by_task: bool, with_open: bool) -> str:
    """The clause for a transition after `since`; for one miner its few tasks are asked, else the log."""
    clauses = ["x.at > :since"] if bound["since"] is not None else []
    if statuses is not None:
        bound["statuses"] = json.dumps(sorted(statuses))
        clauses.append("x.status IN (SELECT value FROM json_each(:statuses))")
    moved = " AND ".join(clauses)
    if by_task:
        clause = f"EXISTS (SELECT 1 FROM transitions AS x WHERE x.task = t.key AND {moved})"  # noqa: S608 - values are bound
    else:
        clause = f"t.key IN (SELECT x.task FROM transitions AS x WHERE {moved})"  # noqa: S608 - as above
    return f"({clause} OR {_OPEN})" if with_open else clause
