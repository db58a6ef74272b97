"""`status`: how the watch itself is doing."""

import json as json_
from typing import Any

import typer

from watcher.cli.common import Config, Json, command, moment, reader, show


@command
def status(config: Config = None, json: Json = False) -> None:
    """Show each farm's watermark, what fires, what waits in the outbox, and whether the daemon runs."""
    from watcher.assembly import wall
    from watcher.model.times import duration_text
    from watcher.store.lock import is_held

    found, store = reader(config)
    zone = None if json else found.timezone
    now = wall()
    running = is_held(found.store)
    farms: list[dict[str, Any]] = []
    for record, watermark in store.fleet.standing():
        farms.append(
            {
                "farm": record.farm.name,
                "miners": len(store.fleet.miners(record.farm.id)),
                "known up to": moment(watermark, zone),
                "behind": None if watermark is None else duration_text(max(0, now - watermark)),
                "watched since": moment(record.t0, zone),
            }
        )
    firing = store.episodes.open()
    letters = store.outbox.counts()
    said = {
        "daemon": "running" if running else "not running",
        "alerts firing": sum(episode.origin.value == "news" for episode in firing),
        "learnt at first contact": sum(episode.origin.value != "news" for episode in firing),
        "messages waiting": letters.get("queued", 0) + letters.get("sending", 0),
        "messages sent": letters.get("sent", 0),
        "dead letters": letters.get("dead", 0),
    }
    store.close()
    if json:
        typer.echo(json_.dumps({**said, "farms": farms}, indent=2, ensure_ascii=False))
        return
    for name, value in said.items():
        typer.echo(f"{name + ':':<26}{value}")
    typer.echo()
    show(
        farms,
        ["farm", "miners", "known up to", "behind", "watched since"],
        as_json=False,
        empty="no farms seen yet",
    )
