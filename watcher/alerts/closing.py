"""The one message that ends a batch: how many of how many, by model, why not, and which miners to do again. Pure;
when a batch is over, and who hears of it, is decided elsewhere."""

from collections import Counter
from collections.abc import Iterable, Sequence

from watcher.alerts.figures import lines_of, miners_of, reasons_of
from watcher.alerts.links import AppLinks
from watcher.model.batch import Batch
from watcher.model.fact import TaskFact
from watcher.model.message import Closing, Link, Message, Say, Severity
from watcher.model.task import SUCCEED
from watcher.model.times import Millis

MOST_ROWS = 10_000


def closing_of(
    batch: Batch, farm: str, tasks: Sequence[TaskFact], *, ended_at: Millis | None, links: AppLinks
) -> Closing:
    """What became of a batch.

    Args:
        batch: as the API's list tells it.
        farm: the farm's name.
        tasks: all of the batch.
        ended_at: when the last of them ended.
    """
    missed = [task for task in tasks if task.status != SUCCEED]
    done = {task.miner_id for task in tasks if task.status == SUCCEED}
    again, again_total = miners_of([task for task in missed if task.miner_id not in done], links)
    reasons, other_reasons = reasons_of(missed)
    url = None if links.to_miners else links.url(farm=batch.farm_id, batch=batch.id, miner=None)
    return Closing(
        batch=batch.id,
        task=batch.name,
        farm=farm,
        succeeded=len(tasks) - len(missed),
        total=len(tasks),
        statuses=dict(Counter(task.status for task in missed).most_common()),
        models=_by_model(tasks),
        reasons=reasons,
        other_reasons=other_reasons,
        again=again,
        again_total=again_total,
        began_at=batch.created_at,
        ended_at=ended_at,
        actor=batch.actor,
        links=() if url is None else (Link(f"Batch {batch.id}", url),),
        rows=lines_of(missed[:MOST_ROWS]),
    )


def closing_message(closing: Closing, *, name: str, channel: str, at: Millis) -> Message:
    """The message; a batch with a failure in it is a warning.

    Args:
        name: the message's id.
        at: the API's present.
    """
    severity = Severity.INFO if closing.succeeded == closing.total else Severity.WARNING
    return Message(name, Say.BATCH_ENDED, channel, severity, (), at, closing=closing)


def _by_model(tasks: Iterable[TaskFact]) -> tuple[tuple[str, int, int], ...]:
    """Model → successes, tasks; the most failures first."""
    known = [task for task in tasks if task.model]
    totals = Counter(task.model or "" for task in known)
    good = Counter(task.model or "" for task in known if task.status == SUCCEED)
    return tuple(
        (model, good[model], totals[model]) for model in sorted(totals, key=lambda m: (good[m] - totals[m], m))
    )
