"""What the API's documentation leaves unknown, and the faults of a real one: each a switch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["documented", "newer"]


@dataclass(slots=True)
class Switches:
    """How the simulated API behaves; any may be changed while it runs.

    Args:
        row_shape: of 2.1; `farm_shapes` overrides it for single farms.
        page_cap: the largest page the server gives, whatever was asked.
        pagination: `limit` (limit, offset, hasNext) or `page` (page, page_size, total_pages).
        auth: which header it takes.
        batches: 200, or the status with which all batch endpoints answer.
        from_time_filters: which time `from_time` and `to_time` are compared with.
        failed_has_timed_out: whether a batch's failed_count includes timed-out and cancelled tasks.
        batch_rows: the shape of the tasks in 2.4.
        times: milliseconds or whole seconds.
        absent: whether a time that is not there yet is null or left out.
        rate_limit: requests allowed in any 60 real seconds; None for any number.
        retry_after: how a 429 tells how long to wait.
        counts_searches: whether POST searches count too.
        date: whether replies carry a `Date`.
    """

    row_shape: Shape = "documented"
    farm_shapes: Mapping[str, Shape] = field(default_factory=dict)
    page_cap: int = 10_000
    pagination: Literal["limit", "page"] = "limit"
    auth: Literal["both", "x-api-key", "bearer"] = "both"
    api_key: str = "demo"
    batches: int = 200
    from_time_filters: Literal["created", "updated"] = "created"
    failed_has_timed_out: bool = True
    batch_rows: Literal["poorest", "newer"] = "poorest"
    times: Literal["milliseconds", "seconds"] = "milliseconds"
    absent: Literal["null", "left_out"] = "null"
    rate_limit: int | None = None
    retry_after: Literal["none", "seconds", "date"] = "none"
    counts_searches: bool = True
    date: bool = True
