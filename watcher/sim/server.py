"""The simulated API on a loopback port, in a thread of its own."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from watcher.sim.app import make_app
from watcher.sim.sim import Sim


class SimServer:
    """Serves a simulation while the block runs.

    Args:
        port: 0 for any free one.
    """

    def __init__(self, sim: Sim, port: int = 0) -> None:
        self.sim = sim
        # asyncio turns off Nagle's delays only on sockets that say they are TCP.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(1024)  # who connects before the thread runs waits, and is not refused
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        # The simulation's own Date is the only one: its clock may be wrong on purpose.
        config = uvicorn.Config(
            make_app(sim), log_level="critical", timeout_graceful_shutdown=1, date_header=False, server_header=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="simulated API", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        if self._thread.is_alive():  # a client still hangs on a simulated hang
            self._server.force_exit = True
            self._thread.join(5)
        self._socket.close()
