"""A server that answers as a play says: rightly, wrongly, slowly, for ever, or not at all. Its ledger holds every
request with the time of its arrival, so that what came inside a Retry-After can be found."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.standins.plays import Line, Play, answer

_HEAD_END = b"\r\n\r\n"
_LONGEST_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how many seconds the answer to it asked to wait."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    wait: float | None


class Script:
    """Args:
    plays: one for each connection, the last for ever.
    tls: see `certificates.server_side`.
    clock: seconds, for the ledger.
    """

    def __init__(
        self,
        *plays: Play,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plays = list(plays) or [answer(200, b"ok")]
        self.ledger: list[Asked] = []
        self.broken_handshakes = 0
        self._tls = tls
        self._clock = clock
        self._lock = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._bell, self._rung = socket.socketpair()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._door = threading.Thread(target=self._serve, name="stand-in", daemon=True)
        self._door.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all plays; no thread and no socket is left."""
        self._bell.close()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._door.join()
        self._listener.close()
        for thread in list(self._threads):
            thread.join()
        self._rung.close()

    def heard(self, count: int, patience: float = 5.0) -> bool:
        """Whether so many requests have come; waits for them."""
        with self._lock:
            return self._lock.wait_for(lambda: len(self.ledger) >= count, patience)

    def early(self) -> list[Asked]:
        """The requests that came inside the wait which an answer before them had asked for."""
        found: list[Asked] = []
        not_before = float("-inf")
        for asked in self.ledger:
            if asked.at < not_before:
                found.append(asked)
            if asked.wait is not None:
                not_before = max(not_before, asked.at + asked.wait)
        return found

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._play, args=(connection,), name="stand-in", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _play(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the client went away, which is its right
            try:
                self._perform(connection)
            finally:
                connection.close()
        self._threads.discard(threading.current_thread())

    def _perform(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                self.broken_handshakes += 1
                raise
        with connection:
            line = Line(connection, self._rung)
            with self._lock:
                play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
            if play.hears:
                asked = self._request(line, play)
                if asked is None:
                    return
                with self._lock:
                    self.ledger.append(asked)
                    self._lock.notify_all()
            play.act(line)

    def _request(self, line: Line, play: Play) -> Asked | None:
        heard = b""
        while _HEAD_END not in heard:
            piece = line.hear()
            if not piece or len(heard) > _LONGEST_HEAD:
                return None
            heard += piece
        head, _, body = heard.partition(_HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        at = self._clock()
        missing = int(headers.get("content-length", "0")) - len(body)
        pieces = [body]
        while missing > 0:
            piece = line.hear()
            if not piece:
                return None
            pieces.append(piece)
            missing -= len(piece)
        return Asked(at, method, path, headers, b"".join(pieces), play.wait)
