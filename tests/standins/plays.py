"""What a scripted server can do with a connection: answers, lies, delays and breaks."""

import gzip
import select
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.client import responses

_MIB = 1 << 20
_LINGER_RESET = struct.pack("ii", 1, 0)


class Line:
    """A connection as a play has it. Every wait ends when the client goes or the server closes."""

    def __init__(self, connection: socket.socket, closing: socket.socket) -> None:
        self._connection = connection
        self._closing = closing

    def hear(self) -> bytes:
        return self._connection.recv(1 << 16) if self._readable(None) else b""

    def say(self, piece: bytes) -> None:
        """Raises OSError when the client is gone."""
        self._connection.settimeout(5)
        self._connection.sendall(piece)

    def stay(self) -> None:
        """Says nothing for as long as the client is there."""
        while self.hear():
            pass

    def wait(self, seconds: float) -> bool:
        """Whether the client is still there after so long."""
        while self._readable(seconds):
            if not self.hear():
                return False
        return not self._closes()

    def reset(self) -> None:
        """What the kernel does when a process dies: RST instead of a farewell."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._connection.close()

    def _readable(self, seconds: float | None) -> bool:
        if getattr(self._connection, "pending", int)():
            return True
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._closing, select.POLLIN)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        return self._connection.fileno() in ready and self._closing.fileno() not in ready

    def _closes(self) -> bool:
        poll = select.poll()
        poll.register(self._closing, select.POLLIN)
        return bool(poll.poll(0))


@dataclass(frozen=True, slots=True)
class Play:
    """Args:
    act: what is done with the connection.
    wait: the seconds that the answer asks to wait.
    hears: the request is read first.
    """

    act: Callable[[Line], None]
    wait: float | None = None
    hears: bool = True


def head(status: int, length: int | None, **headers: str) -> bytes:
    """The beginning of an answer; `Retry_After` stands for Retry-After."""
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def answer(status: int, body: bytes = b"", **headers: str) -> Play:
    return Play(lambda line: line.say(head(status, len(body), **headers) + body))


def redirect(to: str, status: int = 302) -> Play:
    return answer(status, Location=to)


def busy(seconds: int | None = None, status: int = 429, body: bytes = b"") -> Play:
    """Asks to wait; without seconds it forgets to say how long."""
    headers = {} if seconds is None else {"Retry_After": str(seconds)}
    return Play(answer(status, body, **headers).act, None if seconds is None else float(seconds))


def busy_until(now: datetime, seconds: int, status: int = 429) -> Play:
    """Asks to wait until a date by the server's own clock, which `Date` tells."""
    until = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
    told = answer(status, Retry_After=until, Date=format_datetime(now, usegmt=True))
    return Play(told.act, float(seconds))


def hang() -> Play:
    """Hears the request and says nothing."""
    return Play(Line.stay)


def deaf() -> Play:
    """Takes the connection and does not even read."""
    return Play(Line.stay, hears=False)


def hang_after(status: int) -> Play:
    """A status and headers, and then nothing."""

    def act(line: Line) -> None:
        line.say(head(status, 100))
        line.stay()

    return Play(act)


def drip(status: int = 200, every: float = 1.0) -> Play:
    """A byte at a time, for as long as somebody listens; with status 0 even the head drips."""

    def act(line: Line) -> None:
        if status:
            line.say(head(status, 1 << 30))
        for byte in _endless(head(200, 1 << 30) if not status else b""):
            if not line.wait(every):
                return
            line.say(byte)

    return Play(act)


def vanish(after: int = 0, body: bytes = b"ok") -> Play:
    """Closes after so many bytes of an answer that would have been right; 0 is without an answer."""
    return Play(lambda line: line.say((head(200, len(body)) + body)[:after]))


def reset(after: int = 0, body: bytes = b"ok") -> Play:
    """As `vanish`, but with RST. Over TLS a client may take it for the end."""

    def act(line: Line) -> None:
        line.say((head(200, len(body)) + body)[:after])
        line.reset()

    return Play(act)


def cut_short(body: bytes = b'{"ok": tr', promised: int = 100) -> Play:
    """Closes before the body is what its length says."""
    return Play(lambda line: line.say(head(200, promised) + body))


def garbage(words: bytes = b"220 mail.example ESMTP ready\r\n\x00\xff\r\n\r\n") -> Play:
    """What is no HTTP."""
    return Play(lambda line: line.say(words))


def gzip_bomb(unpacked: int = 1 << 30) -> Play:
    """Small on the wire, `unpacked` bytes in memory."""
    return Play(lambda line: _stream(line, _zeros_packed(), unpacked // (16 * _MIB), Content_Encoding="gzip"))


def huge(size: int = 1 << 30) -> Play:
    """So many bytes, one MiB after the other, for as long as somebody takes them."""
    return Play(lambda line: _stream(line, b"x" * _MIB, size // _MIB))


def _stream(line: Line, piece: bytes, times: int, **headers: str) -> None:
    line.say(head(200, len(piece) * times, **headers))
    for _ in range(times):
        line.say(piece)


def _endless(beginning: bytes) -> Iterator[bytes]:
    for byte in beginning:
        yield bytes([byte])
    while True:
        yield b"x"


@cache
def _zeros_packed() -> bytes:
    return gzip.compress(bytes(16 * _MIB))
