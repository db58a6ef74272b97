"""`demo`: a simulated farm, the real daemon polling it over HTTP, and what it would tell you."""

import asyncio
import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.common import Exit, command, complain
from watcher.errors import WatcherError

if TYPE_CHECKING:
    from rich.console import Console

    from watcher.notify.outcome import Outcome
    from watcher.notify.targets import Target
    from watcher.notify.text import Text
    from watcher.sim import Sim

SCALE = 60
"""A virtual minute is a second."""
_MINERS = 120
_HEAD_START = 1.6
"""Virtual minutes that the first look at every miner takes."""
_CONFIG = """\
nonce: {{base_url: "{url}", workspace: {workspace}, api_key: "${{NONCE_API_KEY}}"}}
poll: {{every: 30s}}
rules: {rules}
routes: [{{channels: [console], group_wait: 30s, group_interval: 2m}}]
"""


@command
def demo(
    for_: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="How long; the whole story takes 20 s.")
    ] = "30s",
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="DIR", help="Your own rules instead; what you save meanwhile is taken."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option("--history", metavar="FILE", help="Write all tasks there at the end: for rules backtest."),
    ] = None,
) -> int:
    """Show it all on a simulated farm: no key, no file and no network needed."""
    from rich.console import Console

    from watcher.logs import configure
    from watcher.rules.quantities import parse_duration

    try:
        length = parse_duration(for_) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    configure("error", "console")
    with tempfile.TemporaryDirectory(prefix="nonce-watcher-demo-") as folder, suppress(KeyboardInterrupt):
        asyncio.run(_play(Path(folder), length, Console(highlight=False), rules, history))
    return Exit.DONE


async def _play(folder: Path, length: float, console: "Console", rules: Path | None, kept: Path | None) -> None:
    from datetime import timedelta

    from watcher.assembly import Host
    from watcher.daemon import Daemon
    from watcher.loading import load_all
    from watcher.pack import pack_folder
    from watcher.sim import Sim, SimClock
    from watcher.sim.scenario import eventful, history
    from watcher.sim.server import SimServer

    sim = Sim(farms=2, miners=_MINERS, seed=7, clock=SimClock(scale=SCALE))
    history(sim)
    eventful(sim, sim.clock.now() + timedelta(minutes=_HEAD_START))
    began = time.monotonic()
    with SimServer(sim) as server:
        config = folder / "config.yaml"
        where = json.dumps(str((rules or pack_folder()).resolve()))
        config.write_text(_CONFIG.format(url=server.base_url, workspace=sim.workspace, rules=where))
        messages = Panels(console, sim)

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds / SCALE)

        host = Host(
            {"NONCE_API_KEY": sim.switches.api_key},
            wall=lambda: int(sim.clock.now().timestamp() * 1000),
            monotonic=lambda: (time.monotonic() - began) * SCALE,
            sleep=sleep,
            console=messages,
        )
        loaded = load_all(config, host.environ)
        for warning in loaded.rules.warnings:
            complain(f"warning: {warning}")
        told = f"{len(loaded.rules.rules)} {'shipped rules' if rules is None else f'rules from {rules}'}"
        _introduce(console, sim, server.base_url, told)
        daemon = Daemon(config, loaded, host)
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.run())
            await _narrate(console, sim, messages, began + length)
            daemon.stop()
    _conclude(console, sim, messages, time.monotonic() - began, own=rules is not None)
    if kept is not None:
        _keep(sim, kept)
        console.print(f"The tasks are in {kept}: nonce-watcher rules backtest --rules DIR --history {kept}")


class Panels:
    """A sender that draws each message in a frame, as it would look on a phone."""

    def __init__(self, console: "Console", sim: "Sim") -> None:
        self._console = console
        self._sim = sim
        self.sent = 0

    async def send(self, target: "Target", text: "Text") -> "Outcome":
        from rich.panel import Panel
        from rich.text import Text as Plain

        from watcher.notify.outcome import Outcome, Result
        from watcher.notify.text import Kind

        colour = {Kind.FAILURE: "red", Kind.WARNING: "yellow", Kind.SUCCESS: "green", Kind.INFO: "blue"}[text.kind]
        title = Plain(text.title, style=f"bold {colour}")
        frame = Panel(Plain(text.body), title=title, title_align="left", border_style=colour, padding=(0, 1), width=76)
        self._console.print(f"[dim]{self._sim.clock.now():%H:%M:%S}  a message:[/dim]")
        self._console.print(frame)
        self.sent += 1
        return Outcome(Result.SENT, f"{target.service} showed it")


def _keep(sim: "Sim", file: Path) -> None:
    """Write all tasks, as `rules backtest` reads them.

    Raises:
        WatcherError: the file can't be written.
    """
    from watcher.sim.history import history_rows

    try:
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in history_rows(sim)))
    except OSError as error:
        raise WatcherError(f"{file}: cannot be written: {error.strerror}") from error


def _introduce(console: "Console", sim: "Sim", url: str, rules: str) -> None:
    farms = " and ".join(f"[bold]{farm.name}[/bold] ({len(farm.miners)} miners)" for farm in sim.farms.values())
    console.print(f"[bold]nonce-watcher demo[/bold]  one second here is a minute there; {url} is the simulated API")
    console.print(f"Watching {farms} with {rules}, at most 90 requests a minute.")
    console.print("A week of old failures is learnt in silence. Then a firmware rollout begins…\n")


async def _narrate(console: "Console", sim: "Sim", messages: Panels, until: float) -> None:
    """A line that moves while nothing is said, on a terminal."""
    if not console.is_terminal:
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        return
    with console.status("") as line:
        while time.monotonic() < until:
            line.update(
                f"[dim]{sim.clock.now():%H:%M:%S}  {len(sim.requests)} requests, {messages.sent} messages; "
                f"{max(0, int(until - time.monotonic()))} s left, Ctrl-C ends it[/dim]"
            )
            await asyncio.sleep(0.2)


def _conclude(console: "Console", sim: "Sim", messages: Panels, took: float, *, own: bool) -> None:
    from watcher.sim.sim import most_within

    busiest = most_within((request.at for request in sim.requests), 60 / SCALE)
    console.print(
        f"\n{took * SCALE / 60:.0f} minutes on the farm: {len(sim.tasks)} tasks, {len(sim.requests)} requests "
        f"(at most {busiest} in any minute), [bold]{messages.sent} messages[/bold]."
    )
    if not own:
        console.print("Next: [bold]nonce-watcher init[/bold] writes a configuration and these rules for your farm.")
