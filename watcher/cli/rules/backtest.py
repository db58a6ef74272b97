"""`rules backtest`: what the rules would have done on the store's own history, or on a file of rows."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import Config, Exit, Json, command

if TYPE_CHECKING:
    from datetime import tzinfo

    from watcher.cli.rules.sharing import Replayed
    from watcher.model.subject import Place, Subject
    from watcher.model.times import Millis
    from watcher.replay.backtest import Alarm, Difference, Report
    from watcher.replay.performance import Stage

_SHOWN = 20


@command
def backtest(
    rules: Annotated[
        Path | None, typer.Option("--rules", help="The folder of rules to replay; else those that run.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far back the store's own history is replayed.")] = "7d",
    history: Annotated[
        Path | None, typer.Option(help="A file instead: rows of List Miner Tasks, one a line, each with its farm.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Where a file's history ends (ISO 8601); else at its last time.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The rules to compare with; with --rules, by default those that run.")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Replay a history through rules, routes, grouping and deduplication, and tell what would have happened."""
    from watcher.replay.backtest import alarms_of, compared, report
    from watcher.replay.performance import played

    source = _history(history, until) if history is not None else _store(config, since)
    stage, running = _stage(rules, config, source)
    found = _replayed(stage, source, traced=not json)
    alarms = alarms_of(stage, found.firings, found.farms)
    if json:
        shown = [one for one in alarms if one.ended_at is None or one.ended_at > source.begin]
        for line in _as_json(shown):
            typer.echo(line)
        return Exit.DONE
    other = against or (running if rules is not None else None)
    differences: list[Difference] | None = None
    figures = report(stage, alarms, played(stage, found.firings, found.farms))
    if other is not None:
        before, _ = _stage(other, config, source)
        known = _replayed(before, source, traced=False)
        differences = list(compared(alarms, alarms_of(before, known.firings, known.farms)))
    _print(figures, source, differences, other)
    return Exit.DONE


class _Source:
    """A history: its tasks in order, its places, and from when on it is told of."""

    def __init__(self, begin: "Millis", until: "Millis", count: int) -> None:
        self.begin, self.until, self.count = begin, until, count
        self.tasks: Mapping[str, int] = {}

    def subjects(self, farms: "AbstractSet[str] | None" = None) -> "Iterable[Subject]":
        raise NotImplementedError

    def places(self) -> "Sequence[Place]":
        return ()


def _history(path: Path, until: str | None) -> _Source:
    from functools import partial

    from watcher.cli.rules.sharing import scanned
    from watcher.nonce.history import HistoryFile
    from watcher.replay.subjects import subjects_of

    file = HistoryFile(path)
    file.scan(partial(scanned, file))

    class OfFile(_Source):
        def subjects(self, farms: "AbstractSet[str] | None" = None) -> "Iterable[Subject]":
            return subjects_of(file.tasks(farms))

    found = OfFile(0, _moment(until) if until else file.until, file.count)
    found.tasks = file.tasks_of_farms
    return found


def _moment(text: str) -> "Millis":
    from datetime import UTC, datetime

    from watcher.model.times import from_datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("expected a time such as 2026-03-01T12:00:00Z", param_hint="--until") from None
    return from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))


def _store(config: Path | None, since: str) -> _Source:
    from watcher.cli.common import reader
    from watcher.errors import StoreUnusable, WatcherError
    from watcher.rules.quantities import parse_duration

    try:
        reach = parse_duration(since)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    try:
        _, store = reader(config)
    except StoreUnusable as error:
        raise WatcherError(f"{error}; or replay a file: `--history`, such as `demo --history FILE` writes") from error
    until = store.fleet.last_look() or 0
    keys = store.past.keys_in_order(until - 2 * reach)

    class OfStore(_Source):
        def subjects(self, farms: "AbstractSet[str] | None" = None) -> "Iterable[Subject]":  # noqa: ARG002 - it reads all
            _, own = reader(config)  # a process of the replay must not share the connection of another
            return own.past.each_of(keys)

        def places(self) -> "Sequence[Place]":
            return list(store.past.places())

    return OfStore(until - reach, until, len(keys))


def _stage(folder: Path | None, config: Path | None, source: _Source) -> "tuple[Stage, Path | None]":
    from watcher.alerts.board import Voice
    from watcher.alerts.flapping import Damping
    from watcher.alerts.routes import Route, Timers
    from watcher.cli.rules.secrets import WithoutSecrets
    from watcher.config import CONSOLE, find
    from watcher.errors import ConfigError
    from watcher.loading import damping, load_all, voices
    from watcher.replay.performance import Stage
    from watcher.rules.load import load_rules

    try:
        loaded = load_all(find(config, os.environ), WithoutSecrets())
    except ConfigError:
        if folder is None or config is not None:
            raise
        rules = load_rules(folder).rules
        routes = [Route({}, (CONSOLE,), ("rule", "farm"), Timers())]
        return Stage(rules, routes, [Voice(CONSOLE)], source.until, damping=Damping()), None
    rules = loaded.rules.rules if folder is None else load_rules(folder).rules
    told = [Voice(name, resolved) for name, resolved in voices(loaded.settings).items()]
    damped = damping(loaded.settings)
    return Stage(rules, loaded.routes, told, source.until, damping=damped), loaded.settings.rules


def _replayed(stage: "Stage", source: _Source, *, traced: bool) -> "Replayed":
    from rich.console import Console
    from rich.progress import Progress

    from watcher.cli.rules.sharing import History, replay

    history = History(source.subjects, source.places(), source.count, source.until, traced, source.tasks)
    rules = [rule for rule in stage.rules if not rule.of_watcher]
    console = Console(stderr=True)
    # It draws when it is told something, in no thread of its own: the processes of the replay are forked from here.
    with Progress(console=console, transient=True, auto_refresh=False, disable=not console.is_terminal) as progress:
        bar = progress.add_task("replaying", total=source.count)
        return replay(rules, history, lambda done: progress.update(bar, completed=done, refresh=True))


def _as_json(alarms: "Sequence[Alarm]") -> "Iterator[str]":
    """An array, an episode a line."""
    from watcher.model.times import iso

    rows = (
        json.dumps(
            {
                "rule": one.rule,
                "labels": dict(one.labels),
                "started_at": iso(one.started_at),
                "ended_at": None if one.ended_at is None else iso(one.ended_at),
                "count": one.count,
                "total": one.total,
            },
            ensure_ascii=False,
        )
        for one in alarms
    )
    yield "["
    before = next(rows, None)
    for row in rows:
        yield f"{before},"
        before = row
    if before is not None:
        yield before
    yield "]"


def _print(found: "Report", source: _Source, differences: "list[Difference] | None", other: Path | None) -> None:
    from datetime import UTC

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from watcher.cli.common import moment

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    zone: tzinfo = UTC
    first = min((one.started_at for one in found.alarms), default=source.until)
    console.print(
        f"{source.count:,} tasks up to {moment(source.until, zone)} UTC: {len(found.alarms):,} episodes, "
        f"{sum(found.messages.values()):,} messages"
        + (
            f" ({', '.join(f'{name} {count:,}' for name, count in found.messages.most_common())})"
            if found.messages
            else ""
        )
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rule", "episodes", "firing", "messages", "longest", "noisiest", "timeline"):
        table.add_column(column, overflow="fold")
    for name, one in found.rules.items():
        if one.episodes:
            noisiest = ", ".join(f"{_labels(by)} {count}×" for by, count in one.noisiest[:2])
            messages = ", ".join(f"{channel} {count}" for channel, count in one.messages.most_common())
            table.add_row(
                *[
                    Text(text)
                    for text in (
                        name,
                        f"{one.episodes:,}",
                        f"{one.firing:,}",
                        messages,
                        _longest(one.longest, source.until),
                        noisiest,
                        _timeline(one.days, first, source.until),
                    )
                ]
            )
    console.print(table)
    quiet = [name for name, one in found.rules.items() if not one.episodes]
    if quiet:
        console.print(Text(f"never fired: {', '.join(quiet)}"))
    days = sorted(found.spoken.items(), key=lambda pair: -pair[1])[:3]
    if days:
        said = ", ".join(f"{count} on {channel}, {_day(day)}" for (channel, day), count in days)
        console.print(Text(f"most messages in a day: {said}"))
    if differences is not None:
        _print_differences(console, differences, other)


def _print_differences(console: Any, differences: "list[Difference]", other: Path | None) -> None:  # noqa: ANN401 - rich's
    from rich.text import Text

    from watcher.cli.common import moment

    kinds = {what: [one for one in differences if one.what == what] for what in ("new", "gone", "earlier", "later")}
    console.print(Text(f"against {other}: " + ", ".join(f"{len(found)} {what}" for what, found in kinds.items())))
    for what, found in kinds.items():
        for one in found[:_SHOWN]:
            at = moment(one.alarm.started_at, None)
            before = f" (there at {moment(one.other.started_at, None)})" if one.other is not None else ""
            console.print(Text(f"  {what:<8}{one.alarm.rule} {_labels(one.alarm.by)} at {at}{before}"))
        if len(found) > _SHOWN:
            console.print(Text(f"  and {len(found) - _SHOWN} more {what}"))


def _labels(by: "Iterable[tuple[str, str | None]]") -> str:
    return " ".join(f"{name}={value}" for name, value in by if value is not None) or "(all)"


def _longest(alarm: "Alarm | None", until: "Millis") -> str:
    from watcher.model.times import duration_text

    if alarm is None:
        return ""
    end = until if alarm.ended_at is None else alarm.ended_at
    return f"{duration_text(end - alarm.started_at)} {_labels(alarm.by)}"


def _timeline(days: "dict[int, int]", first: "Millis", until: "Millis") -> str:
    """A bar a day, the fullest the highest; of long histories the last sixty days."""
    from watcher.model.times import DAY

    span = range(max(first // DAY, until // DAY - 59), until // DAY + 1)
    highest = max((days.get(day, 0) for day in span), default=0)
    bars = "▁▂▃▄▅▆▇█"
    return "".join(" " if not days.get(day) else bars[(days[day] * 7) // highest] for day in span)


def _day(day: int) -> str:
    from datetime import date

    return str(date.fromordinal(date(1970, 1, 1).toordinal() + day))
