"""`silence`: nothing is said of some alerts for a while."""

import os
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import (
    Config,
    Exit,
    Json,
    author,
    command,
    complain,
    length_of,
    moment,
    reader,
    show,
    time_of,
    writer,
)

if TYPE_CHECKING:
    from watcher.model.act import Silence
    from watcher.model.times import Millis

app = typer.Typer(help="Say nothing of some alerts for a while.", no_args_is_help=True)

Match = Annotated[
    list[str],
    typer.Argument(
        metavar="LABEL=VALUE…",
        help="All must hold; values as in a rule's match: globs, /regex/, !not. The same label again: either value.",
    ),
]


@app.command("add")
@command
def add(
    match: Match,
    length: Annotated[str | None, typer.Option("--for", metavar="2h", help="From now on, for so long.")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="ISO 8601; without a zone, the configured one.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="As --from.")] = None,
    comment: Annotated[str, typer.Option("--comment", help="Why; shown wherever the silence acts.")] = "",
    by: Annotated[str | None, typer.Option("--author", help="Who; else the user that runs this.")] = None,
    config: Config = None,
) -> int:
    """Silence the alerts with these labels: --for 2h, or --from TIME --to TIME."""
    from watcher.alerts.silences import Silences
    from watcher.assembly import wall
    from watcher.model.act import Silence

    patterns = _patterns(match, config)
    found, store = writer(config)
    try:
        # The host's clock may be off: a silence that begins now does so by the API's present too.
        clock, look = wall(), store.fleet.last_look()
        now = clock if look is None else max(clock, look)
        begins = min(clock, look or clock) if begin is None else time_of(begin, found.timezone, "--from")
        ends = _end(length, end, begins if begin is not None else now, found.timezone)
        if ends <= max(begins, now if begin is None else begins):
            raise typer.BadParameter("a silence ends after it begins", param_hint="--to")
        if ends <= now:
            raise typer.BadParameter(f"that is over already: it is {moment(now, found.timezone)}", param_hint="--to")
        silence = Silence(0, patterns, begins, ends, author(by, os.environ), comment)
        with store.atomic():
            number = store.acts.add(silence, now)
        firing = [episode for episode in store.episodes.open() if episode.origin.value == "news"]
        hit = sum(bool(Silences([silence]).of(episode.alert.labels)) for episode in firing)
    finally:
        store.close()
    since = "" if begin is None else f" from {moment(begins, found.timezone)}"
    typer.echo(
        f"silence {number} of {silence.author}{since} until {moment(ends, found.timezone)}: it is about {hit} of the "
        f"{len(firing)} alerts that fire now"
    )
    return Exit.DONE


def _end(length: str | None, end: str | None, begins: "Millis", zone: tzinfo) -> "Millis":
    if (length is None) == (end is None):
        raise typer.BadParameter("say how long it lasts: --for 2h, or until when: --to TIME", param_hint="--for")
    return begins + length_of(length, "--for") if length is not None else time_of(end or "", zone, "--to")


@app.command("list")
@command
def list_silences(
    config: Config = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: Json = False,
) -> None:
    """List the silences that hold or will; who made them, and why."""
    from watcher.alerts.silences import Silences
    from watcher.assembly import wall

    found, store = reader(config)
    now = max(wall(), store.fleet.last_look() or 0)
    zone = None if json else found.timezone
    silences = store.acts.silences(0 if all_ else now)
    firing = [episode for episode in store.episodes.open() if episode.origin.value == "news"]
    store.close()
    rows = [
        {
            "silence": one.id,
            "state": "holds" if one.holds(now) else "over" if one.ends_at <= now else "to come",
            "match": {label: list(said) for label, said in one.match.items()} if json else _written(one),
            "from": moment(one.starts_at, zone),
            "to": moment(one.ends_at, zone),
            "author": one.author,
            "comment": one.comment,
            "firing": sum(bool(Silences([one]).of(episode.alert.labels)) for episode in firing),
        }
        for one in silences
    ]
    columns = ["silence", "state", "match", "from", "to", "author", "comment", "firing"]
    show(rows, columns, as_json=json, empty="no silences")


def _written(silence: "Silence") -> str:
    return " ".join(f"{label}={value}" for label, said in silence.match.items() for value in said)


@app.command("expire")
@command
def expire(
    number: Annotated[int, typer.Argument(metavar="SILENCE", help="Its number, as `silence list` shows it.")],
    config: Config = None,
) -> int:
    """End a silence now; the next message about its alerts says so."""
    from watcher.assembly import wall

    found, store = writer(config)
    try:
        silence = store.acts.silence(number)
        clock, look = wall(), store.fleet.last_look()
        now = min(clock, look or clock)
        if silence is None or silence.ends_at <= now:
            over = "" if silence is None else f": it was over at {moment(silence.ends_at, found.timezone)}"
            complain(f"no silence {number} holds or will{over}; `nonce-watcher silence list --all` shows them")
            return Exit.USAGE
        with store.atomic():
            store.acts.expire(number, now)
        typer.echo(f"silence {number} of {silence.author} is over")
    finally:
        store.close()
    return Exit.DONE


@app.command("preview")
@command
def preview(
    match: Match,
    since: Annotated[str, typer.Option(help="How far back.")] = "7d",
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what a silence would have muted of late: the alerts, and the messages that would not have been sent."""
    import json as json_

    from watcher.alerts.silences import Matcher
    from watcher.model.alert import Origin

    matcher = Matcher(_patterns(match, config))
    reach = length_of(since, "--since")
    found, store = reader(config)
    begin = (store.fleet.last_look() or 0) - reach
    news = [episode for episode in store.episodes.since(begin) if episode.origin is not Origin.BASELINE]
    said = store.speech.said(begin)
    store.close()
    hit = {episode.id for episode in news if matcher.takes(episode.alert.labels)}
    muted = {message: one for message, one in said.items() if one[2] and one[2] <= hit}
    zone = None if json else found.timezone
    rows: list[dict[str, Any]] = [
        {
            "alert": episode.alert.fingerprint,
            "rule": episode.alert.rule,
            "labels": {name: value for name, value in episode.alert.labels.items() if name not in _OWN and value},
            "since": moment(episode.started_at, zone),
            "ended": moment(episode.ended_at, zone),
            "messages": sum(episode.id in one[2] for one in muted.values()),
        }
        for episode in news
        if episode.id in hit
    ]
    whole = {"alerts": [len(hit), len(news)], "messages": [len(muted), len(said)]}
    if json:
        typer.echo(json_.dumps({**whole, "muted": rows}, indent=2, ensure_ascii=False))
        return
    typer.echo(
        f"in the last {since} it would have muted {len(hit)} of {len(news)} alerts and {len(muted)} of {len(said)} "
        "messages"
    )
    for row in rows:
        row["labels"] = " ".join(f"{name}={value}" for name, value in row["labels"].items())
    if rows:
        show(rows, ["alert", "rule", "labels", "since", "ended", "messages"], as_json=False, empty="")


_OWN = ("rule", "severity")


def _patterns(texts: Sequence[str], config: Path | None) -> dict[str, tuple[str, ...]]:
    """What LABEL=VALUE… says; a label that no rule carries would never match."""
    from watcher.alerts.silences import Matcher
    from watcher.rules.wording import quoted, suggestion

    known = _labels(config)
    said: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or value.startswith("~"):
            wrong = "a regular expression is written LABEL=/…/" if value.startswith("~") else "write it as LABEL=VALUE"
            raise typer.BadParameter(f"{text}: {wrong}", param_hint="LABEL=VALUE")
        if name.endswith("!"):
            name, value = name[:-1], f"!{value}"
        if known and name not in known:
            stranger = f"no rule carries the label {quoted(name)}{suggestion(name, sorted(known))}"
            raise typer.BadParameter(stranger, param_hint="LABEL=VALUE")
        said[name] = (*said.get(name, ()), value)
    try:
        Matcher(said)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="LABEL=VALUE") from None
    return said


def _labels(config: Path | None) -> frozenset[str]:
    """Those that the rules carry; nothing where the files are wrong at the moment, which must not stop a silence."""
    from watcher.cli.rules.secrets import WithoutSecrets
    from watcher.config import find
    from watcher.errors import ConfigError
    from watcher.loading import load_all

    path = find(config, os.environ)
    try:
        return frozenset(load_all(path, WithoutSecrets()).rules.label_names)
    except ConfigError as error:
        complain(f"warning: the labels are not checked, for the configuration is wrong: {error.faults[0]}")
        return frozenset()
