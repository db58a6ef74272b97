"""Rows of a history's file in just the documented shape, read as fast as can be: a replay reads a million of them. What
is another, `msgspec` refuses, and the shapes read it that the API's own answers are read with."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from watcher.model.miner import Miner
from watcher.model.task import CANCELLED, CREATED, FAILED, PENDING, QUEUING, SUCCEED, TIMED_OUT, LogLine, Task
from watcher.model.times import Millis, from_datetime
from watcher.nonce.translate import told_error

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class FarmOfRow(msgspec.Struct):
    id: _Name
    name: str | None = None


class _Metadata(msgspec.Struct):
    ip: str | None = None
    mac: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    make: str | None = None
    model: str | None = None
    farm_location: str | None = None


class _Miner(msgspec.Struct):
    id: str | None = None
    lifecycle_status: str | None = None
    health_status: list[str] | None = None
    mining_mode: str | None = None
    metadata: _Metadata | None = None


class _LogLine(msgspec.Struct):
    message: str
    level: str | None = None
    timestamp: _Time | None = None


class _Timed(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    id: _Name
    farm: FarmOfRow
    created_at: _Time | None = None
    queuing_at: _Time | None = None
    pending_at: _Time | None = None
    succeed_at: _Time | None = None
    failed_at: _Time | None = None
    timed_out_at: _Time | None = None
    cancelled_at: _Time | None = None

    def known(self) -> dict[str, Millis]:
        """By status.

        Raises:
            ValueError: a time lies before 1970.
        """
        found: dict[str, Millis] = {}
        if self.created_at is not None:  # one by one: a loop over seven takes twice as long
            found[CREATED] = from_datetime(self.created_at)
        if self.queuing_at is not None:
            found[QUEUING] = from_datetime(self.queuing_at)
        if self.pending_at is not None:
            found[PENDING] = from_datetime(self.pending_at)
        if self.succeed_at is not None:
            found[SUCCEED] = from_datetime(self.succeed_at)
        if self.failed_at is not None:
            found[FAILED] = from_datetime(self.failed_at)
        if self.timed_out_at is not None:
            found[TIMED_OUT] = from_datetime(self.timed_out_at)
        if self.cancelled_at is not None:
            found[CANCELLED] = from_datetime(self.cancelled_at)
        if found and min(found.values()) <= 0:
            raise ValueError("before 1970 lie only the zero times of programming languages")
        return found


class Head(_Timed, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What tells when a task began, and which rows are of the same one; nothing else is read."""

    name: msgspec.Raw
    status: msgspec.Raw
    batch_id: msgspec.Raw = msgspec.Raw()
    created_by: msgspec.Raw = msgspec.Raw()
    updated_at: msgspec.Raw = msgspec.Raw()
    downloadable: msgspec.Raw = msgspec.Raw()
    payload: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    logs: msgspec.Raw = msgspec.Raw()
    miner: msgspec.Raw = msgspec.Raw()


class Row(_Timed, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """All that rules may ask of a task."""

    name: _Name
    status: _Name
    batch_id: str | None = None
    created_by: str | None = None
    updated_at: msgspec.Raw = msgspec.Raw()
    downloadable: msgspec.Raw = msgspec.Raw()
    payload: dict[str, Any] | None = None
    result: Any = None
    error: str | dict[str, Any] | None = None
    logs: list[_LogLine | None] | None = None
    miner: msgspec.Raw = msgspec.Raw()

    def task(self) -> Task:
        """Raises:
        ValueError: see `known`.
        """
        miner = _miner(self.farm.id, bytes(self.miner)) if self.miner else None
        miner_id = None if miner is None else miner.id
        return Task(
            self.farm.id,
            self.id,
            self.name,
            self.status,
            miner_id,
            self.batch_id or None,
            self.known(),
            None,
            self.created_by or None,
            miner,
            self.payload,
            self.result,
            told_error(self.error),
            tuple([_line(line) for line in self.logs if line]) if self.logs else (),
        )


_miners = msgspec.json.Decoder(_Miner | None)


@lru_cache(maxsize=20_000)
def _miner(farm_id: str, row: bytes) -> Miner | None:
    """The same miner is told again with each of its tasks."""
    told = _miners.decode(row)
    return _miner_of(told, farm_id, told.id) if told is not None and told.id else None


def _miner_of(row: _Miner, farm_id: str, miner_id: str) -> Miner:
    told = row.metadata or _Metadata()
    return Miner(
        farm_id,
        miner_id,
        ip=told.ip or None,
        mac=told.mac or None,
        serial=told.serial_number or None,
        make=told.make or None,
        model=told.model or None,
        firmware=told.firmware or None,
        firmware_version=told.firmware_version or None,
        location=told.farm_location or None,
        mining_mode=row.mining_mode or None,
        lifecycle=row.lifecycle_status or None,
        health=tuple(part for name in row.health_status if (part := name.strip())) if row.health_status else (),
    )


def _line(line: _LogLine) -> LogLine:
    return LogLine(line.message, line.level or None, None if line.timestamp is None else from_datetime(line.timestamp))
