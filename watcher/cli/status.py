"""`status`: how the watch itself is doing."""

import json as json_
from typing import Any

import typer

from watcher.cli.common import Config, Json, command, moment, reader, show


@command
def status(config: Config = None, json: Json = False) -> None:
    """Show how far each farm is known, what fires, what waits, and what the requests were spent on."""
    from watcher.assembly import LIMIT, STRETCHED, wall
    from watcher.model.times import HOUR, duration_text
    from watcher.store.lock import is_held

    found, store = reader(config)
    zone = None if json else found.timezone
    now = wall()
    running = is_held(found.store)
    farms: list[dict[str, Any]] = [
        {
            "farm": record.farm.name,
            "miners": len(store.fleet.miners(record.farm.id)),
            "read by": record.strategy or "not known yet",
            "known up to": moment(record.watermark, zone),
            "behind": None if record.watermark is None else duration_text(max(0, now - record.watermark)),
            "open batches": len(store.batches.to_read(record.farm.id)),
            "agent": record.agent_status,
            "watched since": moment(record.t0, zone),
        }
        for record in store.fleet.standing()
    ]
    spent = store.usage.since(now - HOUR)
    firing = store.episodes.open()
    letters = store.outbox.counts()
    said = {
        "daemon": "running" if running else "not running",
        "alerts firing": sum(episode.origin.value == "news" for episode in firing),
        "learnt at first contact": sum(episode.origin.value != "news" for episode in firing),
        "messages waiting": letters.get("queued", 0) + letters.get("sending", 0),
        "messages sent": letters.get("sent", 0),
        "messages folded into digests": letters.get("folded", 0),
        "dead letters": letters.get("dead", 0),
        "requests in the last hour": sum(spent.values()),
    }
    stretched, limit = store.meta.get(STRETCHED), store.meta.get(LIMIT)
    if stretched:
        said["every, stretched by the budget"] = stretched
    if limit:
        said["requests a minute, as learnt"] = f"{float(limit):.0f}"
    troubles = [
        f"{episode.alert.labels.get('watcher')}: {episode.cause}" for episode in firing if episode.cause is not None
    ]
    died = [
        {"channel": channel, "messages": count, "answer": reason} for channel, reason, count in store.outbox.died(0)
    ]
    store.close()
    if json:
        more = {"requests": spent, "troubles": troubles, "dead_letters": died, "farms": farms}
        typer.echo(json_.dumps({**said, **more}, indent=2, ensure_ascii=False))
        return
    for name, value in said.items():
        typer.echo(f"{name + ':':<32}{value}")
    if spent:
        typer.echo(f"{'of these for:':<32}{', '.join(f'{purpose} {count}' for purpose, count in spent.items())}")
    for one in died:
        letter = f"{one['channel']}: {one['messages']} given up, at last: {one['answer']} (see `outbox list`)"
        typer.echo(f"{'dead letters:':<32}{letter}")
    for trouble in troubles:
        typer.echo(f"{'trouble:':<32}{trouble}")
    typer.echo()
    show(
        farms,
        ["farm", "miners", "read by", "known up to", "behind", "open batches", "agent", "watched since"],
        as_json=False,
        empty="no farms seen yet",
    )
