"""What systemd is told: ready, reloading, stopping, a status line, and that work is being done."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import clock_gettime_ns


class ServiceManager:
    """Talks to `$NOTIFY_SOCKET`; without one, to nobody.

    Args:
        watchdog: how often systemd wants a sign of life, in seconds; None for never.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "") if mine else ""
        self.watchdog = int(usec) / 1e6 if usec.isdigit() and int(usec) > 0 else None

    def ready(self) -> None:
        self._send("READY=1")

    def reloading(self) -> None:
        # Type=notify-reload wants the moment, on the clock that never steps.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={clock_gettime_ns(1) // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, line: str) -> None:
        self._send(f"STATUS={' '.join(line.split())}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A service manager that is gone is no reason to stop watching.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outlet:
            outlet.connect(address)
            outlet.send(state.encode())
