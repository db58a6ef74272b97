"""Looks at agents (2.7): whether each farm's is online."""

import structlog

from watcher.watch.ingest import note_agent
from watcher.watch.workbench import Workbench

_log = structlog.get_logger()


async def look_at_agents(bench: Workbench) -> None:
    store = bench.store
    told: dict[str, list[str]] = {}
    for agent in await bench.api.agents():
        told.setdefault(agent.farm_id, []).append(agent.status)
    bench.strangers = bench.strangers or (bench.only is None and not told.keys() <= bench.farms_known)
    for farm in bench.plan.farms.values():
        statuses = told.get(farm.id)
        # One that is online takes the tasks.
        status = None if not statuses else "online" if "online" in statuses else statuses[0]
        if status == farm.agent_status:
            continue
        _log.info("agent", farm=farm.id, status=status)
        farm.agent_status = status
        with store.atomic():
            store.fleet.set_agent(farm.id, status)
            bench.conclude(farm, note_agent(store, farm.id, status), [])
