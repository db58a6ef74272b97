"""When messages that wait for a target become one digest. Pure."""

from collections.abc import Sequence

from watcher.model.digest import Cause
from watcher.model.times import MINUTE, Millis
from watcher.store.folds import Waiting

FEW = 5
"""So many messages are told one by one, however late."""
LATE: Millis = 5 * MINUTE
"""What has waited for longer is a backlog."""


def folds(waiting: Sequence[Waiting], now: Millis, *, last: bool) -> Cause | None:
    """Why these rows are now to be told as one; None: one by one.

    Args:
        waiting: what a digest may tell, a target's oldest first.
        last: the budget allows no message after the next one. That one tells all that waits: nobody knows how much
            more there will be.
    """
    if len(waiting) < 2 or not any(row.unfinished for row in waiting):
        return None
    if last:
        return Cause.BUDGET
    late = now - min(row.created_at for row in waiting) >= LATE
    return Cause.OUTAGE if late and sum(row.stands_for for row in waiting) > FEW else None
