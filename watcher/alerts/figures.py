"""What a message says of many tasks: counted, the commonest first, and the first few by name."""

from collections import Counter
from collections.abc import Sequence

from watcher.alerts.links import AppLinks
from watcher.model.fact import TaskFact
from watcher.model.message import Link, MinerLine, TaskLine

MOST_MINERS = 10
"""More than a phone shows at once; all of them are in the table."""
MOST_REASONS = 5
_MOST_LINKS = 3

Reasons = tuple[tuple[str, int], ...]


def reasons_of(tasks: Sequence[TaskFact]) -> tuple[Reasons, tuple[int, int]]:
    """The commonest reasons with their counts; and how many others there are, and of how many tasks."""
    found = Counter(task.reason for task in tasks if task.reason).most_common()
    others = found[MOST_REASONS:]
    return tuple(found[:MOST_REASONS]), (len(others), sum(count for _, count in others))


def models_of(tasks: Sequence[TaskFact]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(task.model for task in tasks if task.model).most_common())


def miners_of(tasks: Sequence[TaskFact], links: AppLinks) -> tuple[tuple[MinerLine, ...], int]:
    """The first miners, and how many there are."""
    found = list({(task.farm_id, task.miner_id): task for task in tasks if task.miner_id is not None}.values())
    return tuple(_miner(task, links) for task in found[:MOST_MINERS]), len(found)


def _miner(task: TaskFact, links: AppLinks) -> MinerLine:
    url = links.url(farm=task.farm_id, batch=task.batch_id, miner=task.miner_id) if links.to_miners else None
    return MinerLine(task.miner_id or "", task.model, task.ip, url)


def links_of(tasks: Sequence[TaskFact], links: AppLinks) -> tuple[Link, ...]:
    """To the batches with the most of these tasks; none where links lead to miners."""
    if links.to_miners:
        return ()
    batches = Counter((task.farm_id, task.batch_id) for task in tasks if task.batch_id).most_common(_MOST_LINKS)
    found = [(batch, links.url(farm=farm, batch=batch, miner=None)) for (farm, batch), _ in batches]
    return tuple(Link(f"Batch {batch}", url) for batch, url in found if url is not None)


def lines_of(tasks: Sequence[TaskFact]) -> tuple[TaskLine, ...]:
    """The tasks as rows of a table."""
    return tuple(
        TaskLine(task.farm_id, task.miner_id, task.model, task.ip, task.name, task.status, task.reason, task.batch_id)
        for task in tasks
    )
