"""`rules …`: the language's tools. One module each; a new one is a module and a line in `app`."""

import typer

from watcher.cli.rules.backtest import backtest
from watcher.cli.rules.list import list_rules
from watcher.cli.rules.schema import schema
from watcher.cli.rules.test import run_tests

app = typer.Typer(help="Tools for rules: test them, replay them, list them.", no_args_is_help=True)

app.command("test")(run_tests)
app.command()(backtest)
app.command("list")(list_rules)
app.command()(schema)

__all__ = ["app"]
