"""`backup`: a checked copy of the store."""

import os
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.common import Config, Exit, command


@command
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Replaced only by a copy that was checked.")],
    config: Config = None,
) -> int:
    """Copy the store, while the daemon runs, to FILE, and check the copy."""
    from watcher.config import find, for_reading
    from watcher.store.backup import backup as copy

    size = copy(for_reading(find(config, os.environ), os.environ).store, target)
    typer.echo(f"{target}: {size / 1024 / 1024:.1f} MiB, checked")
    return Exit.DONE
