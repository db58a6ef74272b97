"""From the wire's shapes to the words of the domain. What the wire does not say stays unknown; an empty text
says nothing."""

import json
from typing import Any

from watcher.model.miner import Farm, Miner
from watcher.model.task import (
    CANCELLED,
    CREATED,
    FAILED,
    PENDING,
    QUEUING,
    SUCCEED,
    TIMED_OUT,
    LogLine,
    Task,
)
from watcher.model.times import Millis
from watcher.nonce.shapes import FarmShape, LogShape, MetadataShape, MinerShape, TaskMinerShape, TaskShape

_NO_METADATA = MetadataShape()


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


def task(row: TaskShape, farm_id: str, miner_id: str) -> Task:
    """A row of 2.1, read for `miner_id`.

    A final state without its time is left out of `times`: `updated_at` may then stand for it, as the time
    observed.
    """
    miner_id = (row.miner and row.miner.id) or row.miner_id or miner_id
    return Task(
        farm_id=farm_id,
        id=row.id,
        name=row.name,
        status=row.status,
        miner_id=miner_id,
        batch_id=row.batch_id or None,
        times=_times(row),
        updated_at=row.updated_at,
        actor=row.created_by or None,
        miner=_task_miner(row.miner, farm_id, miner_id) if row.miner else None,
        payload=row.payload,
        result=row.result,
        error=_error(row.error),
        logs=tuple(_log_line(line) for line in row.logs if line) if row.logs else (),
    )


def _times(row: TaskShape) -> dict[str, Millis]:
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


def _error(told: str | dict[str, Any] | None) -> str | None:
    """The error's message; an error of a form that nobody documented is given whole rather than lost."""
    if not told:
        return None
    message = told if isinstance(told, str) else told.get("message")
    return message if message and isinstance(message, str) else json.dumps(told)
