"""`rules test`: runs the tests that stand beside the rules."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.common import Config, Exit, command, complain

if TYPE_CHECKING:
    from watcher.replay.rule_test import Difference, Theatre
    from watcher.rules.load_tests import WrittenTest

_WATCH_EVERY = 0.5


@command
def run_tests(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of rules; else the one of the configuration.", show_default=False)
    ] = None,
    config: Config = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a file is saved, until Ctrl-C.")] = False,
) -> int:
    """Run the tests beside the rules, in virtual time, through the routes and groups of the configuration."""
    if not watch:
        return _once(folder, config)
    seen: object = None
    try:
        while True:
            now = _stamps(folder, config)
            if now != seen:
                seen = now
                typer.echo(f"— {time.strftime('%H:%M:%S')}")
                _told(folder, config)
            time.sleep(_WATCH_EVERY)
    except KeyboardInterrupt:
        return Exit.DONE


def _told(folder: Path | None, config: Path | None) -> None:
    from watcher.errors import ConfigError

    try:
        _once(folder, config)
    except ConfigError as error:
        for fault in error.faults:
            complain(str(fault))


def _once(folder: Path | None, config: Path | None) -> int:
    from watcher.replay.rule_test import run_test
    from watcher.rules.load_tests import load_tests

    where, theatre = _theatre(folder, config)
    tests = load_tests(where, frozenset(theatre.rules))
    failed = 0
    for one in tests:
        differences = run_test(one.part, theatre, one.names)
        typer.echo(f"{'✗' if differences else '✓'} {one.part.name}" + (f"  ({one.place()})" if differences else ""))
        for difference in differences:
            for line in _lines(one, difference):
                typer.echo(f"    {line}")
        failed += bool(differences)
    if not tests:
        complain(f"{where}: no tests here; rules/README.md shows how they are written")
        return Exit.FAILED
    tested = {name for one in tests for name in one.names}
    untested = [name for name, rule in theatre.rules.items() if name not in tested and not rule.of_watcher]
    if untested:
        typer.echo(f"without a test: {', '.join(untested)}")
    typer.echo(f"{len(tests) - failed} of {len(tests)} tests passed")
    return Exit.FAILED if failed else Exit.DONE


def _lines(one: "WrittenTest", difference: "Difference") -> Iterator[str]:
    yield f"{one.place(*difference.where)}: {difference.text}"
    for title, lines in (("expected", difference.expected), ("actual", difference.actual), ("why", difference.why)):
        if lines or (title != "why" and (difference.expected or difference.actual)):
            first, *rest = lines or ("nothing",)
            yield f"  {title:<9}{first}"
            for line in rest:
                yield f"  {'':<9}{line}"


def _theatre(folder: Path | None, config: Path | None) -> tuple[Path, "Theatre"]:
    from datetime import UTC

    from watcher.alerts.board import Voice
    from watcher.alerts.flapping import Damping
    from watcher.alerts.routes import Route, Timers
    from watcher.cli.rules.secrets import WithoutSecrets
    from watcher.config import CONFIG_VARIABLE, CONSOLE, find
    from watcher.loading import damping, load_all, voices
    from watcher.notify.families import rendered
    from watcher.notify.targets import Target
    from watcher.replay.rule_test import Theatre
    from watcher.rules.load import load_rules

    def words(message: object) -> str:
        text = rendered(message, Target(CONSOLE, CONSOLE), UTC, may_repeat=False)  # type: ignore[arg-type]
        return f"{text.title}\n{text.body}"

    if folder is not None and config is None and not os.environ.get(CONFIG_VARIABLE):
        rules = load_rules(folder).rules
        anywhere = Route({}, (CONSOLE,), ("rule", "farm"), Timers())
        return folder, Theatre({rule.name: rule for rule in rules}, [anywhere], [Voice(CONSOLE)], words, Damping())
    loaded = load_all(find(config, os.environ), WithoutSecrets())
    where = folder or loaded.settings.rules
    rules = loaded.rules.rules if folder is None else load_rules(folder).rules
    told = [Voice(name, resolved) for name, resolved in voices(loaded.settings).items()]
    return where, Theatre({rule.name: rule for rule in rules}, loaded.routes, told, words, damping(loaded.settings))


def _stamps(folder: Path | None, config: Path | None) -> object:
    from watcher.config import find, for_reading

    where = folder
    if where is None:
        where = for_reading(find(config, os.environ), os.environ).rules
    return sorted((path.name, path.stat().st_mtime_ns) for path in where.iterdir() if path.is_file())
