"""`rules schema`: what an editor needs to complete, explain and check rule files."""

from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.common import Exit, command, complain


@command
def schema(
    target: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write it; else to standard output.")
    ] = None,
) -> int:
    """Write a JSON Schema of rule files, with which an editor completes, explains and checks them.

    In VS Code with the YAML extension, make this the first line of a rule file:
    # yaml-language-server: $schema=FILE
    """
    import json

    from watcher.rules.json_schema import rule_file_schema

    text = json.dumps(rule_file_schema(), indent=2, ensure_ascii=False) + "\n"
    if target is None:
        typer.echo(text, nl=False)
        return Exit.DONE
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{target}: cannot be written: {error.strerror}")
        return Exit.USAGE
    typer.echo(f"wrote {target}")
    return Exit.DONE
