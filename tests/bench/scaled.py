"""The real daemon as a process of its own, in virtual time, against the simulated API over HTTP."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watcher.sim.server import SimServer
from watcher.sim.sim import Sim

if TYPE_CHECKING:
    from watcher.notify.outcome import Outcome
    from watcher.notify.targets import Target
    from watcher.notify.text import Text

RULES = "rules:\n  - {name: failing, match: {status: [failed, timed_out]}}\n"
ROUTES = "routes: [{channels: [console], group_by: [miner], group_wait: 0s, group_interval: 1s}]\n"


@dataclass
class Told:
    """A message, and when (API's time) it came."""

    at: datetime
    text: str


@dataclass
class Run:
    """A daemon at work.

    Args:
        told: its messages so far.
        cost: at its end: seconds of CPU since `mark`, peak memory (MB).
        logged: at its end: what it wrote to its log.
    """

    sim: Sim
    folder: Path
    process: "subprocess.Popen[str]"
    told: list[Told] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)
    logged: str = ""

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "text" in said:
                self.told.append(Told(self.sim.clock.now(), said["text"]))
            else:
                self.cost |= said

    def until(self, at: datetime) -> None:
        """Let virtual time pass."""
        while self.sim.clock.now() < at:
            time.sleep(0.02)
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]

    def mark(self) -> None:
        """From here on, CPU is counted."""
        assert self.process.stdin is not None
        self.process.stdin.write("mark\n")
        self.process.stdin.flush()


@contextmanager
def daemon(
    sim: Sim,
    *,
    every: str = "10s",
    poll: str = "",
    limit: int = 90,
    rules: str = RULES,
    routes: str = ROUTES,
    once: bool = False,
) -> Iterator[Run]:
    """The daemon on a simulation whose clock runs `scale` times as fast as ours, as does the daemon's.

    Args:
        once: one complete look without a limit first, so that everything there is is known.
    """
    with tempfile.TemporaryDirectory() as name, SimServer(sim) as server:
        folder = Path(name)
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(rules)
        config = (
            f"nonce: {{base_url: '{server.base_url}', workspace: {sim.workspace}, requests_per_minute: {{limit}}}}\n"
            f"poll: {{every: {every}{poll}}}\n{routes}"
        )
        environ = os.environ | {"NONCE_API_KEY": sim.switches.api_key}
        if once:
            allowed, sim.switches.rate_limit = sim.switches.rate_limit, None
            (folder / "config.yaml").write_text(config.replace("{limit}", "1000000"))
            command = [sys.executable, "-m", "watcher", "run", "--once", "-c", str(folder / "config.yaml")]
            subprocess.run(command, env=environ, check=True, capture_output=True)
            sim.requests.clear()
            sim.switches.rate_limit = allowed
        (folder / "config.yaml").write_text(config.replace("{limit}", str(limit)))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.scaled", str(folder), str(sim.clock.scale)],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        run = Run(sim, folder, process)
        listener = threading.Thread(target=run.listen)
        listener.start()
        try:
            yield run
        finally:
            process.terminate()
            process.wait(30)
            listener.join()
            run.logged = (folder / "log").read_text()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


# --- the process


def watch(folder: Path, scale: float) -> None:
    from tests.bench.memory import highest
    from watcher.assembly import Host
    from watcher.daemon import Daemon
    from watcher.loading import load_all
    from watcher.logs import configure
    from watcher.notify import apprise_adapter

    assert apprise_adapter  # a daemon that tells anybody has it loaded
    configure("info", "json")
    began = time.monotonic()
    marked = [0.0]

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / scale)

    host = Host(os.environ, monotonic=lambda: 1e6 + (time.monotonic() - began) * scale, sleep=sleep, console=_Lines())

    def take_marks() -> None:
        for _ in sys.stdin:
            marked[0] = time.process_time()

    threading.Thread(target=take_marks, daemon=True).start()
    config = folder / "config.yaml"
    asyncio.run(Daemon(config, load_all(config, os.environ), host).run())
    _say({
        "cpu": time.process_time() - marked[0],
        "peak": highest(),
    })  # fmt: skip


class _Lines:
    """A sender that writes each message as a line of JSON."""

    async def send(self, target: "Target", text: "Text") -> "Outcome":
        from watcher.notify.outcome import Outcome, Result

        del target
        _say({"text": f"{text.title}\n{text.body}"})
        return Outcome(Result.SENT, "written")


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), float(sys.argv[2]))
