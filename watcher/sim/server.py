"""The simulated API on a loopback port, in a thread of its own."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from watcher.sim.app import make_app
from watcher.sim.ledger import Ledger
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
        self._socket.listen()  # from here on clients wait instead of being refused
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(sim),
            http="h11",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            # The simulation's own Date is the only one: its clock may be wrong on purpose.
            date_header=False,
            server_header=False,
            # A client that still waits for a simulated hang must not hold up the end.
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="simulated API", daemon=True
        )

    @property
    def requests(self) -> Ledger:
        return self.sim.requests

    def busiest_minute(self) -> int:
        """The most requests (those answered 429 apart) in any 60 real seconds."""
        return self.sim.busiest_minute()

    def stop(self) -> None:
        """Ask it to end, which takes a moment; leaving the block waits for that."""
        self._server.should_exit = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()
        self._socket.close()
