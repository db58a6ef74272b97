"""The rows that the API sends, in every documented shape."""

from datetime import UTC, datetime
from typing import Any

from watcher.sim.fleet import SimFarm, SimMiner
from watcher.sim.switches import Switches
from watcher.sim.tasks import LIFE, SimBatch, SimTask

Row = dict[str, Any]
_FAILURES = ("failed", "timed_out")


def stamp(at: datetime, switches: Switches) -> str:
    return at.astimezone(UTC).isoformat(timespec=switches.times).replace("+00:00", "Z")


def _camel(status: str) -> str:
    first, *rest = status.split("_")
    return first + "".join(part.capitalize() for part in rest) + "At"


def task_row(task: SimTask, farm: SimFarm, miner: SimMiner | None, now: datetime, switches: Switches) -> Row:
    """A row of 2.1."""
    shape = switches.farm_shapes.get(farm.id, switches.row_shape)
    return _newer(task, now, switches) if shape == "newer" else _documented(task, farm, miner, now, switches)


def _documented(task: SimTask, farm: SimFarm, miner: SimMiner | None, now: datetime, switches: Switches) -> Row:
    status, entered = task.status(now), task.entered(now)
    row: Row = {"id": task.id, "batchId": task.batch_id, "name": task.name, "status": status}
    for state in LIFE:
        if state in entered:
            row[_camel(state)] = stamp(entered[state], switches)
        elif switches.absent == "null":
            row[_camel(state)] = None
    failed = status in _FAILURES and task.error
    row |= {
        "payload": task.payload,
        "result": {"error": task.error} if failed else task.result,
        "logs": [
            {"timestamp": stamp(at, switches), "level": level, "message": message}
            for at, level, message in task.lines(now)
        ],
        "downloadable": None,
    }
    if miner is not None:
        row["miner"] = _miner_of_task(miner, farm)
    return row


def _newer(task: SimTask, now: datetime, switches: Switches) -> Row:
    status = task.status(now)
    failed = status in _FAILURES and task.error
    return {
        "task_id": task.id,
        "batch_id": task.batch_id,
        "task_name": task.name,
        "status": status,
        "params": task.payload,
        "error": {"message": task.error} if failed else None,
        "result": task.result,
        "created_by": task.created_by,
        "created_at": stamp(task.created_at, switches),
        "updated_at": stamp(task.updated_at(now), switches),
    }


def _miner_of_task(miner: SimMiner, farm: SimFarm) -> Row:
    return {
        "id": miner.id,
        "status": ["online"],
        "lifecycle_status": "active",
        "health_status": ["healthy"],
        "mining_mode": "normal",
        "metadata": {
            "ip": miner.ip,
            "mac": miner.mac,
            "serial_number": miner.serial,
            "firmware": miner.firmware,
            "firmware_version": miner.firmware_version,
            "make": miner.make,
            "model": miner.model,
            "farm_name": farm.name,
            "farm_location": miner.location,
        },
        "hashboards": [],
    }


def miner_row(miner: SimMiner, farm: SimFarm, now: datetime, switches: Switches) -> Row:
    """A row of 2.6."""
    return {
        "id": miner.id,
        "farm_id": farm.id,
        "farm": {"id": farm.id, "name": farm.name},
        "serial_number": miner.serial,
        "make": miner.make,
        "model": miner.model,
        "ip": miner.ip,
        "mac": miner.mac,
        "firmware_version": miner.firmware_version,
        "rack": miner.rack,
        "lifecycle_status": "active",
        "ops_status": None,
        "health_status": None,
        "mining_mode": "normal",
        "hashrate": 101.5,
        "power": 3250,
        "temp": 62,
        "uptime": 86400,
        "last_updated_at": stamp(now, switches),
        "errors": [],
    }


def agent_row(farm: SimFarm, now: datetime, switches: Switches) -> Row:
    """A row of 2.7."""
    return {
        "id": f"agent-{farm.id}",
        "farm_id": farm.id,
        "farm": {"id": farm.id, "name": farm.name},
        "status": "online" if farm.has_agent(now) else "offline",
        "last_online_at": stamp(farm.agent_seen(now), switches),
        "version": "1.4.2",
        "host": {"hostname": f"agent-{farm.name.lower().replace(' ', '-')}"},
    }


def batch_row(batch: SimBatch, now: datetime, switches: Switches) -> Row:
    """A row of 2.2 and 2.3."""
    succeeded, failed = batch.counts(now, failed_has_timed_out=switches.failed_has_timed_out)
    return {
        "batch_id": batch.id,
        "task_name": batch.name,
        "status": batch.status(now),
        "task_count": len(batch.shown(now)),
        "succeed_count": succeeded,
        switches.count_name: failed,
        "task_params": batch.payload,
        "metadata": None,
        "created_by": batch.created_by,
        "created_at": stamp(batch.created_at, switches),
    }


def batch_head(batch: SimBatch, now: datetime, switches: Switches) -> Row:
    """The batch itself in 2.4."""
    return {
        "id": batch.id,
        "task_name": batch.name,
        "status": batch.status(now),
        "created_by": batch.created_by,
        "created_at": stamp(batch.created_at, switches),
    }


def batch_task_row(task: SimTask, now: datetime, switches: Switches) -> Row:
    """A task's row in 2.4: the poorest form knows no timed-out time and no pending time."""
    status, entered = task.status(now), task.entered(now)
    row: Row = {
        "id": task.id,
        "miner_id": task.miner_id,
        "status": status,
        "created_at": stamp(task.created_at, switches),
    }
    for state in ("succeed", "failed"):
        if state in entered:
            row[f"{state}_at"] = stamp(entered[state], switches)
    if status in _FAILURES and task.error and switches.batch_errors:
        row["error"] = {"message": task.error}
    if switches.batch_rows == "newer":
        row |= {"batch_id": task.batch_id, "task_name": task.name, "params": task.payload, "result": task.result}
        for state in ("queuing", "pending", "timed_out", "cancelled"):
            row[f"{state}_at"] = stamp(entered[state], switches) if state in entered else None
    return row
