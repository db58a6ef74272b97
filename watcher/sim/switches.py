"""What the API's documentation leaves unknown: each a switch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["documented", "newer"]


@dataclass(slots=True)
class Switches:
    """How the simulated API behaves; any may be changed while it runs. The API's clock is `SimClock`'s to set wrong.

    Args:
        row_shape: of 2.1; `farm_shapes` overrides it for single farms, by id.
        page_cap: the largest page the server gives, whatever was asked; the reply says so.
        pagination: `limit` (limit, offset, hasNext, hasPrevious) or `page` (page, page_size, total_pages).
        size_name: what GET requests call the size of a page; any other name is ignored.
        auth: which header it takes.
        batches: 200, or the status with which all batch endpoints answer.
        from_time_filters: which time `from_time` and `to_time` are compared with.
        failed_has_timed_out: whether a batch's count of failures includes timed-out and cancelled tasks.
        count_name: what that count is called.
        batch_rows: the shape of the tasks in 2.4.
        batch_errors: whether 2.4 tells why a task failed.
        times: milliseconds or whole seconds.
        absent: whether a time that is not there yet is null or left out, where the shape allows both.
        rate_limit: requests allowed in any `rate_window` real seconds; None for any number.
        retry_after: how a 429 tells how long to wait.
        counts_searches: whether POST searches count too.
        date: whether replies carry a `Date`.
        drip_seconds: between two bytes of the fault `drip`.
    """

    row_shape: Shape = "documented"
    farm_shapes: Mapping[str, Shape] = field(default_factory=dict)
    page_cap: int = 10_000
    pagination: Literal["limit", "page"] = "limit"
    size_name: Literal["pageSize", "page_size"] = "pageSize"
    auth: Literal["both", "x-api-key", "bearer"] = "both"
    api_key: str = "demo"
    batches: int = 200
    from_time_filters: Literal["created", "updated"] = "created"
    failed_has_timed_out: bool = True
    count_name: Literal["failed_count", "unsuccessful_count"] = "failed_count"
    batch_rows: Literal["poorest", "newer"] = "poorest"
    batch_errors: bool = True
    times: Literal["milliseconds", "seconds"] = "milliseconds"
    absent: Literal["null", "left_out"] = "null"
    rate_limit: int | None = None
    rate_window: float = 60.0
    retry_after: Literal["none", "seconds", "date"] = "none"
    counts_searches: bool = True
    date: bool = True
    drip_seconds: float = 1.0
