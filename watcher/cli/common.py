"""What the commands share: the `--config` option, exit codes, JSON and tables."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from watcher.errors import ApiError, ConfigError, StoreError, StoreFailed, WatcherError
from watcher.model.times import Millis, from_datetime, iso, to_datetime

if TYPE_CHECKING:
    from watcher.config import Reading
    from watcher.loading import Loaded
    from watcher.store.store import Store

P = ParamSpec("P")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="NONCE_WATCHER_CONFIG",
        show_envvar=True,
        help="The configuration file; else config.yaml here, else /etc/nonce-watcher/config.yaml.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


def command(work: Callable[P, int | None]) -> Callable[P, None]:
    """A command whose errors become one clear sentence on standard error, and whose result is the exit code."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = work(*args, **kwargs)
        except ConfigError as error:
            for fault in error.faults:
                complain(str(fault))
            code = Exit.USAGE
        except ApiError as error:
            complain(str(error))
            code = Exit.UNREACHABLE
        except StoreFailed as error:
            # Passing: a service manager is to try again, which it does not after a wrong configuration.
            complain(str(error))
            code = Exit.FAILED
        except (StoreError, WatcherError) as error:
            complain(str(error))
            code = Exit.USAGE
        except BrokenPipeError:
            # The reader (`| head`) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = Exit.DONE
        raise typer.Exit(code or Exit.DONE)

    return run


def complain(text: str) -> None:
    typer.echo(text, err=True)


def loaded(config: Path | None) -> "Loaded":
    """The configuration and rules that a command works with.

    Raises:
        ConfigError: with every fault.
    """
    from watcher.config import find
    from watcher.loading import load_all

    return load_all(find(config, os.environ), os.environ)


def reader(config: Path | None) -> "tuple[Reading, Store]":
    """Where to look, and the store opened for reading beside a running daemon; needs no secret."""
    from watcher.config import find, for_reading
    from watcher.store.database import open_reader
    from watcher.store.store import Store

    found = for_reading(find(config, os.environ), os.environ)
    return found, Store(open_reader(found.store))


def writer(config: Path | None) -> "tuple[Reading, Store]":
    """As `reader`, for a command that writes: in short transactions, beside a running daemon."""
    from watcher.config import find, for_reading
    from watcher.store.database import open_writer
    from watcher.store.store import Store

    found = for_reading(find(config, os.environ), os.environ)
    return found, Store(open_writer(found.store))


def author(said: str | None, environ: Mapping[str, str]) -> str:
    """Who acts: as said, else who became another user, else the user."""
    return said or environ.get("SUDO_USER") or environ.get("USER") or environ.get("LOGNAME") or "somebody"


def time_of(text: str, zone: tzinfo, option: str) -> Millis:
    """A moment as an option gives it: ISO 8601; without a zone, the configured one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("expected a time such as 2026-03-01T12:00", param_hint=option) from None
    return from_datetime(found if found.tzinfo else found.replace(tzinfo=zone))


def length_of(text: str, option: str) -> Millis:
    """A length of time as an option gives it."""
    from watcher.rules.quantities import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def alert_named(store: "Store", text: str) -> str | None:
    """The fingerprint that begins so; None after saying why there is none."""
    from watcher.rules.wording import listed, suggestion

    found = store.episodes.fingerprints(text.strip().lower())
    if len(found) == 1 and text.strip():
        return found[0]
    if found and text.strip():
        complain(f"{text} is the beginning of {len(found)} alerts: {listed(found[:5], 'and')}{' …' * (len(found) > 5)}")
        return None
    near = suggestion(text, store.episodes.fingerprints())
    complain(f"no alert {text!r}{near}: `nonce-watcher alerts --all` lists them; to ask about a rule, use `why-not`")
    return None


def show(
    rows: Sequence[dict[str, Any]], columns: Iterable[str], *, as_json: bool, empty: str, title: str | None = None
) -> None:
    """Print rows as a table for people or as JSON for programs."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
        return
    if not rows:
        typer.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    wanted = list(columns)
    for column in wanted:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: what comes from the API stays what it is.
        table.add_row(*[Text("" if row.get(name) is None else str(row[name])) for name in wanted])
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def moment(at: Millis | None, zone: tzinfo | None) -> str | None:
    """A time as people of a zone read it, or (without one) in UTC as programs do."""
    if at is None:
        return None
    return iso(at) if zone is None else to_datetime(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
