"""The command line as a whole."""

from typing import Annotated

import typer

from watcher import __version__
from watcher.cli.ack import ack
from watcher.cli.alerts import alerts
from watcher.cli.backup import backup
from watcher.cli.check import check
from watcher.cli.demo import demo
from watcher.cli.explain import explain
from watcher.cli.init import init
from watcher.cli.notify import notify
from watcher.cli.outbox import app as outbox
from watcher.cli.routes import app as routes
from watcher.cli.rules import app as rules
from watcher.cli.run import run
from watcher.cli.silence import app as silence
from watcher.cli.status import status
from watcher.cli.tasks import tasks
from watcher.cli.why_not import why_not

app = typer.Typer(
    name="nonce-watcher",
    help="Watches the tasks of bitcoin-mining farms through the Nonce API and tells the right people, once.",
    epilog="Exit codes: 0 done, 1 a check failed, 2 wrong usage or configuration, 3 the API or a channel "
    "could not be reached.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nonce-watcher {__version__}")
        raise typer.Exit


@app.callback()
def _all(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


for _command in (demo, init, check, run, alerts, ack, explain, why_not, tasks, notify, status, backup):
    app.command()(_command)
app.add_typer(rules, name="rules")
app.add_typer(routes, name="routes")
app.add_typer(silence, name="silence")
app.add_typer(outbox, name="outbox")


def main() -> None:
    app()
