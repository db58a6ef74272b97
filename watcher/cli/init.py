"""`init`: a commented configuration and the shipped rules, to start from."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.common import Exit, command, complain
from watcher.pack import shipped_rules

_CONFIG = resources.files("watcher.cli") / "config.yaml"


@command
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write; made if it is not there.")] = Path(),
) -> int:
    """Write a commented configuration and the shipped rules. Nothing that is there is overwritten."""
    config, rules = folder / "config.yaml", folder / "rules"
    there = [str(path) for path in (config, rules) if path.exists()]
    if there:
        complain(f"{' and '.join(there)} is there already: nothing was written (name another folder)")
        return Exit.USAGE
    try:
        rules.mkdir(parents=True)
        config.write_text(_CONFIG.read_text())
        for name, text in shipped_rules():
            (rules / name).write_text(text)
    except OSError as error:
        complain(f"{error.filename}: cannot be written: {error.strerror}")
        return Exit.USAGE
    typer.echo(f"wrote {config} and {rules}/\n")
    typer.echo(f"A first rule of your own, tried without a key: {rules / 'README.md'}\n")
    typer.echo("Next:")
    typer.echo(f"  1. set nonce.workspace and a channel in {config}")
    typer.echo("  2. export NONCE_API_KEY=…")
    typer.echo(f"  3. nonce-watcher check --online --config {config}")
    typer.echo(f"  4. nonce-watcher run --config {config}")
    return Exit.DONE
