"""Tasks, transitions and miners as rows, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from watcher.model.miner import Miner
from watcher.model.reason import error_text, masked
from watcher.model.task import FAILED, FULL, STATUSES, TIMED_OUT, LogLine, Part, Task, Transition

TIME_COLUMNS = tuple(f"{status}_at" for status in STATUSES)
TASK_COLUMNS = (
    *("farm_id", "id", "miner_id", "batch_id", "name", "status"),
    *TIME_COLUMNS,
    *("updated_at", "actor", "error", "reason", "payload", "result", "logs", "miner", "lacks", "agent_status"),
)
TRANSITION_COLUMNS = ("task", "status", "at", "observed_at", "observed", "since", "baseline")
MINER_FACTS = (
    *("ip", "mac", "serial", "make", "model", "firmware", "firmware_version"),
    *("rack", "location", "mining_mode", "lifecycle"),
)


def task_row(task: Task) -> tuple[Any, ...]:
    """In the order of `TASK_COLUMNS`."""
    times = task.times
    return (
        task.farm_id,
        task.id,
        task.miner_id,
        task.batch_id,
        task.name,
        task.status,
        *[times.get(status) for status in STATUSES],
        task.updated_at,
        task.actor,
        task.error,
        _reason(task),
        _json(task.payload),
        _json(task.result),
        json.dumps([[line.message, line.level, line.at] for line in task.logs]) if task.logs else None,
        None if task.miner is None else miner_json(task.miner),
        ",".join(sorted(task.lacks)) or None,
        task.agent_status,
    )


def _reason(task: Task) -> str | None:
    if task.status not in (FAILED, TIMED_OUT):
        return None
    text = error_text(task)
    return None if text is None else masked(text)


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


@lru_cache(maxsize=1024)
def miner_json(miner: Miner) -> str:
    """The same miner stands in all rows of a reading, so it is written out once."""
    said = {part.name: getattr(miner, part.name) for part in fields(miner)}
    return json.dumps({name: value for name, value in said.items() if value not in (None, ())})


def miner_of_json(text: str) -> Miner:
    said = json.loads(text)
    said["health"] = tuple(said.get("health", ()))
    return Miner(**said)


def task_of(row: Mapping[str, Any] | Any) -> Task:  # noqa: ANN401 - sqlite3.Row is a mapping in all but name
    """A task from a row that has at least `TASK_COLUMNS`."""
    return Task(
        farm_id=row["farm_id"],
        id=row["id"],
        name=row["name"],
        status=row["status"],
        miner_id=row["miner_id"],
        batch_id=row["batch_id"],
        times={
            status: row[column]
            for status, column in zip(STATUSES, TIME_COLUMNS, strict=True)
            if row[column] is not None
        },
        updated_at=row["updated_at"],
        actor=row["actor"],
        miner=None if row["miner"] is None else miner_of_json(row["miner"]),
        payload=None if row["payload"] is None else json.loads(row["payload"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
        logs=() if row["logs"] is None else tuple(LogLine(*line) for line in json.loads(row["logs"])),
        lacks=FULL if row["lacks"] is None else parts_of(row["lacks"]),
        agent_status=row["agent_status"],
    )


@lru_cache(maxsize=64)
def parts_of(text: str) -> frozenset[Part]:
    return frozenset(map(Part, text.split(",")))


def transition_of(row: Sequence[Any]) -> Transition:
    """A transition from a row in the order of `TRANSITION_COLUMNS`."""
    _, status, at, observed_at, observed, since, baseline = row
    return Transition(status, at, observed_at, bool(observed), since, baseline)


def transition_row(key: int, transition: Transition) -> tuple[Any, ...]:
    return (
        key,
        transition.status,
        transition.at,
        transition.observed_at,
        int(transition.observed),
        transition.since,
        transition.baseline,
    )


def miner_of(row: Any) -> Miner:  # noqa: ANN401 - sqlite3.Row
    facts = {name: row[name] for name in MINER_FACTS}
    return Miner(row["farm_id"], row["id"], health=tuple(json.loads(row["health"] or "[]")), **facts)
