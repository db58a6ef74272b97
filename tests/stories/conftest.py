"""A farm behind the real API over HTTP, the real daemon's parts, a real receiver: only time is ours."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from watcher.assembly import Host
from watcher.daemon import run_once
from watcher.loading import load_all
from watcher.sim import Sim, SimClock, SimMiner, Switches
from watcher.sim.server import SimServer

RULES = Path(__file__).resolve().parents[2] / "rules"
FIRMWARE = "miner.firmware.update"
REBOOT = "miner.system.reboot"


class Receiver:
    """What a channel's service received, in order; answers 200 while `up`."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.status == 200:
                    receiver.received.append(body)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def take(self) -> list[dict[str, Any]]:
        """What came since the last call."""
        taken, self.received = self.received, []
        return taken

    def titles(self) -> list[str]:
        return sorted(message["title"] for message in self.take())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Story:
    """One configuration, one store, one farm. Virtual time moves by `later` alone."""

    def __init__(self, folder: Path, receiver: Receiver, sim: Sim, url: str) -> None:
        self.folder = folder
        self.receiver = receiver
        self.sim = sim
        self.config = folder / "config.yaml"
        self.wall_error = 0
        self.url = url
        self.configure()

    def configure(self, *, rules: Path = RULES, extra: str = "", key: str = "demo") -> None:
        self.environ = {"NONCE_API_KEY": key, "HOOK": self.receiver.url}
        self.config.write_text(
            f"nonce: {{base_url: '{self.url}', workspace: {self.sim.workspace}, requests_per_minute: 100000}}\n"
            f"rules: {rules}\ntimezone: UTC\n"
            f"channels: {{ops: {{url: '${{HOOK}}', rate: 1000/s}}}}\n{extra}"
        )

    def miners(self, farm: int = 0) -> list[SimMiner]:
        return self.sim.miners(list(self.sim.farms)[farm])

    def later(self, **length: float) -> None:
        self.sim.clock.advance(timedelta(**length).total_seconds())

    def now(self) -> datetime:
        return self.sim.clock.now()

    def fails(self, miner: SimMiner, *, name: str = FIRMWARE, ago: float = 10, ends: str = "failed") -> None:
        """A task that took a minute and ended `ago` seconds ago."""
        end = self.now() - timedelta(seconds=ago)
        times = {"created": end - timedelta(seconds=65), "pending": end - timedelta(seconds=60), ends: end}
        self.sim.add_raw(miner, name, times, error=None if ends == "succeed" else "checksum mismatch at block 4711")

    def repairs(self, miner: SimMiner, *, name: str = FIRMWARE, ago: float = 10) -> None:
        end = self.now() - timedelta(seconds=ago)
        self.sim.add_raw(miner, name, {"created": end - timedelta(seconds=5), "succeed": end})

    def once(self, *, sleep: Callable[[float], Any] = asyncio.sleep) -> int:
        """`run --once`; returns its exit code."""
        began = self.now()

        def wall() -> int:
            return int(self.now().timestamp() * 1000) + self.wall_error

        def monotonic() -> float:
            return 1000.0 + (self.now() - began).total_seconds()

        async def pass_time(seconds: float) -> None:
            self.later(seconds=seconds)
            await asyncio.sleep(0)

        host = Host(self.environ, wall=wall, monotonic=monotonic, sleep=pass_time)
        return asyncio.run(run_once(load_all(self.config, self.environ), host, lambda _: None))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def tell(tmp_path: Path, receiver: Receiver) -> Iterator[Callable[..., Story]]:
    """Begins a story: farms and miners as wanted."""
    servers: list[SimServer] = []

    def begin(*, farms: int = 1, miners: int = 12, switches: Switches | None = None, offset: float = 0) -> Story:
        clock = SimClock(datetime(2026, 3, 2, 3, 0, tzinfo=UTC), scale=0, offset=offset)
        sim = Sim(farms=farms, miners=miners, clock=clock, switches=switches)
        server = SimServer(sim)
        server.__enter__()
        servers.append(server)
        return Story(tmp_path, receiver, sim, server.base_url)

    yield begin
    for server in servers:
        server.__exit__(None, None, None)
