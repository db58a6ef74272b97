"""`alerts`: what fires, and what did of late."""

from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import Config, Json, command, moment, reader, show

if TYPE_CHECKING:
    from watcher.alerts.silences import Silences
    from watcher.model.act import Ack
    from watcher.model.alert import Episode
    from watcher.model.times import Millis


@command
def alerts(
    config: Config = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    since: Annotated[str, typer.Option(help="With --all: how far back, such as 36h.")] = "7d",
    json: Json = False,
) -> None:
    """List the alerts that fire now; with --all, also those that ended."""
    from watcher.alerts.silences import Silences
    from watcher.assembly import wall
    from watcher.rules.quantities import parse_duration

    try:
        reach = parse_duration(since)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    found, store = reader(config)
    now = wall()
    episodes = store.episodes.since(now - reach) if all_ else store.episodes.open()
    zone = None if json else found.timezone
    acks, silences = store.acts.acks(), Silences(store.acts.silences(now))
    rows = [{**_row(one, zone), **_acts(one, acks.get(one.id), silences, now, zone)} for one in episodes]
    columns = [
        "alert",
        "state",
        "severity",
        "rule",
        "labels",
        "count",
        "since",
        *(["ended", "why"] if all_ else []),
        *(name for name in ("acknowledged", "silenced") if any(row[name] for row in rows)),
    ]
    empty = "no alerts" if all_ else "nothing fires"
    store.close()
    show(rows, columns, as_json=json, empty=empty)


def _acts(
    episode: "Episode", ack: "Ack | None", silences: "Silences", now: "Millis", zone: tzinfo | None
) -> dict[str, Any]:
    """Who took it on, and who silenced it; what is over is neither."""
    from watcher.alerts.silences import holding

    silence = holding(silences.of(episode.alert.labels), now) if episode.firing else None
    taken = ack is not None and episode.firing and not ack.outgrown(episode.count)
    return {
        "acknowledged": _by(ack.author, ack.comment) if ack is not None and taken else None,
        "silenced": silence
        and _by(f"{silence.author} until {moment(silence.ends_at, zone)} (silence {silence.id})", silence.comment),
    }


def _by(who: str, comment: str) -> str:
    return f"by {who}: {comment}" if comment else f"by {who}"


def _row(episode: "Episode", zone: tzinfo | None) -> dict[str, Any]:
    labels = {name: value for name, value in episode.alert.labels.items() if name not in ("rule", "severity") and value}
    state = "ended" if not episode.firing else "firing"
    if episode.origin.value != "news":
        state += f" ({episode.origin.value})"
    return {
        "alert": episode.alert.fingerprint,
        "state": state,
        "severity": episode.alert.severity.value,
        "rule": episode.alert.rule,
        "labels": labels if zone is None else " ".join(f"{name}={value}" for name, value in labels.items()),
        "count": episode.count,
        "since": moment(episode.started_at, zone),
        "ended": moment(episode.ended_at, zone),
        "why": episode.end_reason.value if episode.end_reason else None,
    }
