"""`ack`: somebody takes an alert on."""

import os
from typing import Annotated

import typer

from watcher.cli.common import Config, Exit, alert_named, author, command, complain, moment, writer


@command
def ack(
    alert: Annotated[
        str, typer.Argument(metavar="ALERT", help="Its id, as messages and `alerts` show it, or a beginning.")
    ],
    comment: Annotated[str, typer.Option("--comment", help="What is done about it; shown wherever the ack acts.")] = "",
    by: Annotated[str | None, typer.Option("--author", help="Who; else the user that runs this.")] = None,
    config: Config = None,
) -> int:
    """Acknowledge an alert: it is neither repeated nor escalated until it gets worse or ends."""
    from watcher.assembly import wall
    from watcher.model.act import Ack

    found, store = writer(config)
    try:
        name = alert_named(store, alert)
        if name is None:
            return Exit.USAGE
        firing = [episode for episode in store.episodes.of(name, None) if episode.firing]
        if not firing:
            complain(f"alert {name} does not fire now: there is nothing to acknowledge")
            return Exit.USAGE
        who = author(by, os.environ)
        now = max(wall(), store.fleet.last_look() or 0)
        with store.atomic():
            for episode in firing:
                store.acts.acknowledge(Ack(episode.id, now, who, comment, episode.count))
        episode = firing[-1]
        typer.echo(
            f"acknowledged by {who}: {episode.alert.rule}, firing since {moment(episode.started_at, found.timezone)}; "
            f"no repeats and no escalation until its count of {episode.count} doubles, or it ends"
        )
    finally:
        store.close()
    return Exit.DONE
