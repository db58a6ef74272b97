"""From the wire's shapes to the words of the domain. What the wire does not say stays unknown; an empty text
says nothing."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from watcher.errors import ApiUnavailable
from watcher.model.batch import Agent, Batch
from watcher.model.miner import Farm, Miner
from watcher.model.task import (
    CANCELLED,
    CREATED,
    FAILED,
    FULL,
    PENDING,
    POOR,
    QUEUING,
    SUCCEED,
    TIMED_OUT,
    LogLine,
    Part,
    Task,
)
from watcher.model.times import Millis
from watcher.nonce.shapes import (
    AgentShape,
    BatchShape,
    FarmShape,
    HeadShape,
    LogShape,
    MemberShape,
    MetadataShape,
    MinerShape,
    TaskMinerShape,
    TaskShape,
)

_NO_METADATA = MetadataShape()
_NEWER = {"payload", "result", "queuing_at", "pending_at", "timed_out_at", "cancelled_at"}
"""The fields that only the newer form of a batch's task has, if only as nulls."""


def farm(row: FarmShape) -> Farm:
    return Farm(row.id, row.name)


def miner(row: MinerShape, farm_id: str) -> Miner:
    return Miner(
        farm_id=farm_id,
        id=row.id,
        ip=row.ip or None,
        mac=row.mac or None,
        serial=row.serial_number or None,
        make=row.make or None,
        model=row.model or None,
        firmware=row.firmware or None,
        firmware_version=row.firmware_version or None,
        rack=row.rack or None,
        mining_mode=row.mining_mode or None,
        lifecycle=row.lifecycle_status or row.status or row.ops_status or None,
        health=row.health_status or (),
    )


def agent(row: AgentShape) -> Agent | None:
    """None for one that no farm has: it explains nobody's tasks."""
    farm_id = row.farm_id or (row.farm and row.farm.id)
    return Agent(row.id, farm_id, row.status) if farm_id else None


def batch(row: BatchShape, farm_id: str) -> Batch:
    """A row of 2.2 or 2.3."""
    return _batch(row, farm_id, row.id, row.name)


def head(row: HeadShape, members: Iterable[MemberShape], farm_id: str, batch_id: str) -> Batch:
    """The head of a batch asked for by its id (2.4); one that tells no name has that of its tasks.

    Raises:
        ApiUnavailable: they tell none either.
    """
    name = row.name or next((member.name for member in members if member.name), None)
    if not name:
        raise ApiUnavailable("The Nonce API answered a batch without saying what its tasks are.")
    return _batch(row, farm_id, batch_id, name)


def _batch(row: HeadShape, farm_id: str, batch_id: str, name: str) -> Batch:
    return Batch(
        farm_id=farm_id,
        id=batch_id,
        name=name,
        status=row.status or "",
        created_at=row.created_at,
        task_count=row.task_count,
        succeed_count=row.succeed_count,
        failed_count=row.failed_count,
        actor=row.created_by or None,
    )


def task(row: TaskShape, farm_id: str, miner_id: str) -> Task:
    """A row of 2.1, read for `miner_id`.

    A final state without its time is left out of `times`: `updated_at` may then stand for it, as the time
    observed.
    """
    return _task(row, farm_id, row.name, _miner_id(row) or miner_id)


def member(row: MemberShape, head: Batch) -> Task:
    """A task of a batch (2.4)."""
    found = _task(row, head.farm_id, row.name or head.name, _miner_id(row))
    return replace(found, batch_id=head.id, actor=head.actor or found.actor, lacks=_lacks(row))


def _lacks(row: MemberShape) -> frozenset[Part]:
    if not _miner_id(row):
        return FULL
    told = row.model_fields_set
    if not told & _NEWER:
        return POOR
    needs = ((Part.PAYLOAD, "payload"), (Part.RESULT, "result"), (Part.TIMES, "pending_at"))
    return frozenset({Part.LOGS, *(part for part, field in needs if field not in told)})


def _miner_id(row: MemberShape) -> str | None:
    return (row.miner and row.miner.id) or row.miner_id or None


def _task(row: MemberShape, farm_id: str, name: str, miner_id: str | None) -> Task:
    return Task(
        farm_id=farm_id,
        id=row.id,
        name=name,
        status=row.status,
        miner_id=miner_id,
        batch_id=row.batch_id or None,
        times=_times(row),
        updated_at=row.updated_at,
        actor=row.created_by or None,
        miner=_task_miner(row.miner, farm_id, miner_id) if row.miner and miner_id else None,
        payload=row.payload,
        result=row.result,
        error=told_error(row.error),
        logs=tuple(_log_line(line) for line in row.logs if line) if row.logs else (),
    )


def _times(row: MemberShape) -> dict[str, Millis]:
    told = (
        (CREATED, row.created_at),
        (QUEUING, row.queuing_at),
        (PENDING, row.pending_at),
        (SUCCEED, row.succeed_at),
        (FAILED, row.failed_at),
        (TIMED_OUT, row.timed_out_at),
        (CANCELLED, row.cancelled_at),
    )
    return {status: at for status, at in told if at is not None}


def _task_miner(row: TaskMinerShape, farm_id: str, miner_id: str) -> Miner:
    metadata = row.metadata or _NO_METADATA
    return Miner(
        farm_id=farm_id,
        id=miner_id,
        ip=metadata.ip or None,
        mac=metadata.mac or None,
        serial=metadata.serial_number or None,
        make=metadata.make or None,
        model=metadata.model or None,
        firmware=metadata.firmware or None,
        firmware_version=metadata.firmware_version or None,
        location=metadata.farm_location or None,
        mining_mode=row.mining_mode or None,
        lifecycle=row.lifecycle_status or None,
        health=row.health_status or (),
    )


def _log_line(line: LogShape) -> LogLine:
    return LogLine(line.message, line.level or None, line.timestamp)


def told_error(told: str | dict[str, Any] | None) -> str | None:
    """The error's message; an error of a form that nobody documented is given whole rather than lost."""
    if not told:
        return None
    message = told if isinstance(told, str) else told.get("message")
    return message if message and isinstance(message, str) else json.dumps(told)
