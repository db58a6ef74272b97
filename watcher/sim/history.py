"""All tasks of a fleet as the rows of a history: those of List Miner Tasks, each with its farm."""

from collections.abc import Iterator

from watcher.sim.rows import Row, task_row
from watcher.sim.sim import Sim


def history_rows(sim: Sim) -> Iterator[Row]:
    """What the API would tell of every task that there is by now; agents' tasks, which it lists nowhere, too."""
    now = sim.clock.now()
    for task in list(sim.tasks.values()):
        if task.created_at <= now:
            farm = sim.farms[task.farm_id]
            miner = farm.miners.get(task.miner_id) if task.miner_id is not None else None
            yield {"farm": {"id": farm.id, "name": farm.name}, **task_row(task, farm, miner, now, sim.switches)}
