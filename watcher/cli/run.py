"""`run`: the daemon."""

import asyncio
import os
from typing import Annotated

import typer

from watcher.cli.common import Config, Exit, command, complain


@command
def run(
    config: Config = None,
    once: Annotated[
        bool, typer.Option("--once", help="Take one complete look, tell what is new, and exit: 0, or 3.")
    ] = False,
) -> int:
    """Watch, evaluate and notify, until stopped."""
    from watcher.assembly import Host
    from watcher.config import find
    from watcher.daemon import Daemon, run_once
    from watcher.loading import load_all
    from watcher.logs import configure

    path = find(config, os.environ)
    found = load_all(path, os.environ)
    configure(found.settings.log.level, found.settings.log.format)
    for warning in found.warnings:
        complain(f"warning: {warning}")
    host = Host(os.environ)
    if not once:
        asyncio.run(Daemon(path, found, host).run())
        return Exit.DONE

    limit = found.settings.nonce.requests_per_minute

    def announce(miners: int) -> None:
        seconds = max(0.0, (miners / limit - 1) * 60)
        long = f" about {seconds / 60:.0f} min at {limit:g} requests a minute" if seconds > 60 else " a moment"
        complain(f"looking at {miners} miners once; this takes{long}")

    return asyncio.run(run_once(found, host, announce))
