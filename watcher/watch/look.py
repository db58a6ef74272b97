"""One look: a request, or a few that belong together, and the one transaction of what they brought."""

from watcher.watch.agents import look_at_agents
from watcher.watch.batches import list_batches, read_batch
from watcher.watch.miners import look_at_miner
from watcher.watch.purpose import Choice, Purpose
from watcher.watch.workbench import Workbench

_OF_BATCHES = frozenset({Purpose.TROUBLE, Purpose.NEW, Purpose.MOVED, Purpose.STUCK, Purpose.REREAD, Purpose.HISTORY})


async def take_look(bench: Workbench, choice: Choice) -> None:
    """Ask for what was chosen; read, write, judge and speak in one transaction.

    Raises:
        ApiError: it could not be read.
        StoreFailed: nothing was saved.
    """
    if choice.purpose is Purpose.AGENTS:
        await look_at_agents(bench)
        return
    farm = bench.plan.farms[choice.farm_id or ""]
    if choice.purpose is Purpose.SEARCH:
        await list_batches(bench, farm)
    elif choice.purpose in _OF_BATCHES:
        await read_batch(bench, farm, choice.target or "", choice.purpose)
    else:
        await look_at_miner(bench, farm, choice.target or "", choice.purpose)
