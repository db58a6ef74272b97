"""`outbox`: messages that wait, were sent, or were given up."""

from typing import Annotated

import typer

from watcher.cli.common import Config, Json, command, moment, reader, show


@command
def outbox(
    config: Config = None,
    all_: Annotated[bool, typer.Option("--all", help="Also what was sent.")] = False,
    json: Json = False,
) -> None:
    """List messages that wait for their channel and those that were given up (dead letters)."""
    from watcher.model.codec import from_json

    found, store = reader(config)
    zone = None if json else found.timezone
    states = ("queued", "sending", "dead", *(["sent"] if all_ else []))
    rows = [
        {
            "id": record.id,
            "state": record.state,
            "channel": record.channel,
            "target": record.target,
            "message": from_json(record.message).id,
            "why": from_json(record.message).say.value,
            "attempts": record.attempts,
            "made": moment(record.created_at, zone),
            "next": moment(record.next_at, zone),
            "done": moment(record.finished_at, zone),
            "answer": record.reason,
        }
        for record in store.outbox.records(states=states)
    ]
    store.close()
    columns = ["id", "state", "channel", "target", "message", "why", "attempts", "made", "next", "done", "answer"]
    show(rows, columns, as_json=json, empty="the outbox is empty")
