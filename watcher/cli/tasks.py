"""`tasks`: what the watch knows of tasks."""

from typing import Annotated, Any

import typer

from watcher.cli.common import Config, Json, command, moment, reader, show


@command
def tasks(
    config: Config = None,
    miner: Annotated[str | None, typer.Option(help="Only this miner's.")] = None,
    status: Annotated[str | None, typer.Option(help="Only in this status.")] = None,
    name: Annotated[str | None, typer.Option(help="Only of this name, such as miner.system.reboot.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 50,
    json: Json = False,
) -> None:
    """List tasks, those that moved last first."""
    found, store = reader(config)
    zone = None if json else found.timezone
    rows: list[dict[str, Any]] = [
        {
            "task": listed.subject.task.id,
            "name": listed.subject.task.name,
            "status": "lost" if listed.subject.lost_at is not None else listed.subject.task.status,
            "farm": listed.subject.farm.name,
            "miner": listed.subject.task.miner_id,
            "at": moment(listed.subject.transitions[-1].at, zone),
            "reason": listed.reason,
        }
        for listed in store.past.latest(limit, miner_id=miner, status=status, name=name)
    ]
    store.close()
    show(rows, ["at", "name", "status", "farm", "miner", "reason", "task"], as_json=json, empty="no such tasks")
