"""The wire: what the API's rows and pages look like (`nonce-api.md`, section 2). A field of another kind than
is documented makes its model refuse the row; `lenient` then reads the row without that field."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from watcher.model.times import Millis, from_datetime


def _millis(value: object) -> Millis:
    if not isinstance(value, str):
        raise ValueError("a time is a text")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset could be anywhere")
    at = from_datetime(moment)
    if at <= 0:
        raise ValueError("before 1970 lie only the zero times of programming languages")
    return at


def _names(value: object) -> object:
    """A list of names, or the same joined by commas; what is no text in it is passed over."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    return tuple(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _either(*names: str) -> Any:  # noqa: ANN401 - pydantic's own Field() is as vague
    """A field that has had several names, the first of them preferred."""
    return Field(default=None, validation_alias=AliasChoices(*names))


Name = Annotated[str, Field(min_length=1)]
Time = Annotated[Millis, BeforeValidator(_millis)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Count = Annotated[int, Field(ge=0, le=2**53)]
"""Below zero, or above what JSON can tell exactly, nothing is counted."""


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class RowShape(Shape):
    id: Name


class LogShape(Shape):
    message: str
    level: str | None = None
    timestamp: Time | None = None


class MetadataShape(Shape):
    ip: str | None = None
    mac: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    make: str | None = None
    model: str | None = None
    farm_location: str | None = None


class TaskMinerShape(Shape):
    """The miner inside a task row. Its `status` is a list and says nothing that rules can ask."""

    id: str | None = None
    lifecycle_status: str | None = None
    health_status: Names | None = None
    mining_mode: str | None = None
    metadata: MetadataShape | None = None


class MemberShape(RowShape):
    """A task in its batch (2.4), which need not tell its name. How much it tells is seen by its keys."""

    id: Name = Field(validation_alias=AliasChoices("id", "task_id"))
    name: str | None = _either("name", "task_name")
    status: Name
    batch_id: str | None = _either("batchId", "batch_id")
    miner_id: str | None = None
    created_at: Time | None = _either("createdAt", "created_at")
    queuing_at: Time | None = _either("queuingAt", "queuing_at")
    pending_at: Time | None = _either("pendingAt", "pending_at")
    succeed_at: Time | None = _either("succeedAt", "succeed_at")
    failed_at: Time | None = _either("failedAt", "failed_at")
    timed_out_at: Time | None = _either("timedOutAt", "timed_out_at")
    cancelled_at: Time | None = _either("cancelledAt", "cancelled_at")
    updated_at: Time | None = _either("updatedAt", "updated_at")
    created_by: str | None = _either("createdBy", "created_by")
    payload: dict[str, Any] | None = _either("payload", "params")
    result: Any = None
    error: str | dict[str, Any] | None = None
    logs: list[LogShape | None] | None = None
    miner: TaskMinerShape | None = None


class TaskShape(MemberShape):
    """Both shapes of 2.1: the documented one, and the newer one of the vendor's schemas."""

    name: Name = Field(validation_alias=AliasChoices("name", "task_name"))


class HeadShape(Shape):
    """A batch as its tasks' reply (2.4) introduces it; nothing of it is sure to be there."""

    name: str | None = _either("task_name", "name")
    status: str | None = None
    task_count: Count | None = None
    succeed_count: Count | None = None
    failed_count: Count | None = _either("failed_count", "unsuccessful_count")
    created_by: str | None = None
    created_at: Time | None = None


class BatchShape(HeadShape, RowShape):
    """A row of 2.2 and 2.3."""

    id: Name = Field(validation_alias=AliasChoices("batch_id", "id"))
    name: Name = Field(validation_alias=AliasChoices("task_name", "name"))
    status: Name


class AgentFarmShape(Shape):
    id: str | None = None


class AgentShape(RowShape):
    """An agent (2.7). One that no farm has yet is no fault of its row."""

    status: Name
    farm_id: str | None = None
    farm: AgentFarmShape | None = None


class FarmShape(RowShape):
    name: Name


class MinerShape(RowShape):
    """A row of the inventory (2.6). A miner has no name: its id alone makes the row usable."""

    ip: str | None = None
    mac: str | None = None
    serial_number: str | None = None
    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    rack: str | None = None
    mining_mode: str | None = None
    lifecycle_status: str | None = None
    status: str | None = None
    ops_status: str | None = None
    health_status: Names | None = None


class Pagination(Shape):
    """Both styles: `limit, hasNext` and `page, page_size, total_pages`."""

    total: Annotated[int, Field(ge=0)] | None = None
    size: Annotated[int, Field(ge=1)] | None = _either("limit", "page_size", "pageSize")
    pages: Annotated[int, Field(ge=0)] | None = _either("total_pages", "totalPages")
    has_next: bool | None = _either("hasNext", "has_next")
