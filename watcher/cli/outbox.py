"""`outbox …`: messages that wait, were sent, folded or given up; and what to do with them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import Config, Exit, Json, command, complain, moment, reader, show

if TYPE_CHECKING:
    from watcher.store.outbox import Outbox, OutboxRecord

All = Annotated[bool, typer.Option("--all", help="Also what was sent, folded or dropped.")]
Ids = Annotated[list[int], typer.Argument(metavar="ID…", help="Numbers, as `outbox list` shows them.")]

app = typer.Typer(help="Messages that wait for their channel, and those that were given up (dead letters).")

_COLUMNS = ("id", "state", "channel", "target", "message", "why", "stands for", "attempts", "made", "next", "done")


@app.callback(invoke_without_command=True)
def _bare(context: typer.Context, config: Config = None, all_: All = False, json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_(config, all_, json)


@app.command("list")
@command
def list_(config: Config = None, all_: All = False, json: Json = False) -> None:
    """List messages that wait for their channel and those that were given up (dead letters)."""
    found, store = reader(config)
    zone = None if json else found.timezone
    states = ("queued", "sending", "dead", *(["sent", "folded", "dropped"] if all_ else []))
    rows = [_row(record, zone) for record in store.outbox.records(states=states)]
    store.close()
    show(rows, [*_COLUMNS, "answer"], as_json=json, empty="the outbox is empty")


@app.command("show")
@command
def show_one(
    number: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `outbox list` shows it.")],
    config: Config = None,
    json: Json = False,
) -> int:
    """Show one message with its text, every attempt with the service's answer, and where else it went."""
    import json as json_

    from watcher.model.codec import from_json
    from watcher.notify.families import rendered
    from watcher.notify.targets import Target

    found, store = reader(config)
    zone = None if json else found.timezone
    record = store.outbox.record(number)
    if record is None:
        store.close()
        complain(f"there is no message {number} in the outbox: see `outbox list --all`")
        return Exit.USAGE
    attempts = [
        {"at": moment(at, zone), "result": result, "answer": answer}
        for at, result, answer in store.outbox.deliveries(number)
    ]
    elsewhere = [_row(one, zone) for one in store.outbox.fallbacks(number)]
    into = None if record.folded_into is None else store.outbox.record(record.folded_into)
    told = [one.id for one in store.outbox.told_by(number)]
    store.close()
    message = from_json(record.message)
    text = rendered(message, Target(record.channel, record.target), found.timezone, may_repeat=record.may_repeat)
    said: dict[str, Any] = {
        **_row(record, zone),
        "may be a repeat": record.may_repeat,
        "told by": None if into is None else into.id,
        "tells": told,
        "stands in for": record.fallback_of,
        "attempts": attempts,
        "fallbacks": elsewhere,
        "text": f"{text.title}\n{text.body}",
    }
    if json:
        typer.echo(json_.dumps(said, indent=2, ensure_ascii=False))
        return Exit.DONE
    for name, value in said.items():
        if value not in (None, False, []) and name not in ("attempts", "fallbacks", "text", "tells"):
            typer.echo(f"{name + ':':<18}{value}")
    if told:
        typer.echo(f"{'tells:':<18}{len(told)} messages, {told[0]} to {told[-1]}")
    for attempt in attempts:
        typer.echo(f"{'attempt:':<18}{attempt['at']} {attempt['result']}: {attempt['answer']}")
    for one in elsewhere:
        typer.echo(f"{'instead:':<18}{one['id']} to {one['channel']} ({one['target']}), {one['state']}")
    typer.echo(f"\n{said['text']}")
    return Exit.DONE


@app.command()
@command
def retry(ids: Ids, config: Config = None) -> int:
    """Try messages again that were given up, or that wait for their next try; within half a minute."""
    return _done(ids, config, "is tried again", lambda outbox, number, _now: outbox.again(number))


@app.command()
@command
def drop(ids: Ids, config: Config = None) -> int:
    """Give messages up for good; they are neither sent nor named any more."""
    return _done(ids, config, "is dropped", lambda outbox, number, now: outbox.drop(number, now))


def _done(ids: list[int], config: Config, words: str, work: "Callable[[Outbox, int, int], object]") -> int:
    """Does the work on all these rows, or on none."""
    import os

    from watcher.assembly import wall
    from watcher.config import find, for_reading
    from watcher.store.database import open_database
    from watcher.store.store import Store

    path = for_reading(find(config, os.environ), os.environ).store
    store = Store(open_database(path, create=False, check=False))
    try:
        with store.atomic():
            faults = [fault for number in ids if (fault := _fault(number, store.outbox.record(number)))]
            for number in () if faults else ids:
                work(store.outbox, number, wall())
    finally:
        store.close()
    for fault in faults:
        complain(fault)
    for number in () if faults else ids:
        typer.echo(f"message {number} {words}")
    return Exit.USAGE if faults else Exit.DONE


def _fault(number: int, record: "OutboxRecord | None") -> str | None:
    """Why nothing can be done with a row; None where something can."""
    match None if record is None else record.state:
        case None:
            return f"there is no message {number} in the outbox: see `outbox list --all`"
        case "sending":
            return f"message {number} is being sent just now: try again in half a minute"
        case "folded" if record is not None:
            return f"message {number} is told by message {record.folded_into}: name that one"
        case "sent" | "dropped" as state:
            return f"message {number} was {state} already"
    return None


def _row(record: "OutboxRecord", zone: Any) -> dict[str, Any]:  # noqa: ANN401 - a zone, or None for JSON
    from watcher.model.codec import from_json

    return {
        "id": record.id,
        "state": record.state,
        "channel": record.channel,
        "target": record.target,
        "message": record.message_id,
        "why": from_json(record.message).say.value,
        "stands for": record.stands_for,
        "attempts": record.attempts,
        "made": moment(record.created_at, zone),
        "next": moment(record.next_at, zone),
        "done": moment(record.finished_at, zone),
        "answer": record.reason,
    }
