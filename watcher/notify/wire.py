"""What apprise hides: the services' answers, heard where requests and smtplib get them, in the thread that sends.
It also stops what an attempt must not do: follow a redirect, go on after a 429 or after its deadline."""

import smtplib
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse, RemoteDisconnected
from io import BufferedReader, BytesIO
from os import environ
from typing import Any

import requests
from requests import sessions
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError

_ENOUGH = 1 << 20


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer whose head came whole; `whole` says whether its body did."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class HttpBroken:
    """A request without an answer; `sent` says whether the service may have received it."""

    what: str
    sent: bool


@dataclass(frozen=True, slots=True)
class SmtpReply:
    code: int
    text: bytes


Heard = HttpAnswer | HttpBroken | SmtpReply


class Abandoned(requests.RequestException, smtplib.SMTPException):
    """Nothing more may be sent in this attempt; apprise takes it for an error of either library."""


class Exchange:
    """What one attempt heard, in order, and whether it may go on."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.abandoned = False
        self.asking = False  # an HTTP request is on its way
        self.authorization = ""

    def go_on(self) -> None:
        """Raises `Abandoned` when the time is over or the service asked to wait."""
        throttled = self.heard and isinstance(self.heard[-1], HttpAnswer) and self.heard[-1].status == 429
        if self.abandoned or throttled:
            raise Abandoned


_thread = threading.local()


@contextmanager
def recording(exchange: Exchange) -> Iterator[None]:
    """All that this thread sends through requests and smtplib belongs to the exchange."""
    _thread.exchange = exchange
    try:
        yield
    finally:
        del _thread.exchange


def listen() -> None:
    """Puts the two ears in place, for the process; other threads and attempts are not touched."""
    # every Session mounts what this name means; every answer of a mail server comes through this method
    sessions.HTTPAdapter = _ListeningAdapter  # type: ignore[attr-defined]
    smtplib.SMTP.getreply = _getreply  # type: ignore[assignment,method-assign]


class _Lines:
    """What an answer is read from; remembers the last line that was read as one."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._last: deque[bytes] = deque(maxlen=1)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the stream's own
        return getattr(self._stream, name)

    def readline(self, limit: int = -1) -> bytes:
        self._last.append(self._stream.readline(limit))
        return self._last[0]

    @property
    def blank(self) -> bool:
        return bool(self._last) and self._last[0] in (b"\r\n", b"\n")


class _WholeHead(HTTPResponse):
    """The library takes `HTTP/1.1 200 O` and then nothing for an answer."""

    fp: Any

    def begin(self) -> None:
        stream = self.fp
        self.fp = lines = _Lines(stream)
        super().begin()
        if not lines.blank:
            raise RemoteDisconnected("the answer broke off in its head")
        if self.fp is lines:
            self.fp = stream


class _Connection(HTTPConnection):
    response_class = _WholeHead


class _SecureConnection(HTTPSConnection):
    response_class = _WholeHead


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _ListeningAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **how: Any) -> None:  # noqa: ANN401 - theirs, passed on
        super().init_poolmanager(*args, **how)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **how: Any) -> Any:  # noqa: ANN401 - theirs, passed on
        manager = super().proxy_manager_for(*args, **how)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401 - theirs, passed on
        exchange: Exchange | None = getattr(_thread, "exchange", None)
        if exchange is None:
            return super().send(request, **how)
        if how.get("verify") is True:
            how["verify"] = environ.get("SSL_CERT_FILE") or True  # requests knows only its own variables
        exchange.authorization = str(request.headers.get("Authorization") or "")
        exchange.asking = True  # first this, then the look whether it may: so the deadline misses nothing
        try:
            exchange.go_on()
            response = super().send(request, **how)
            body, whole = _beginning(response, exchange)
            phrase = response.reason or ""
            exchange.heard.append(HttpAnswer(response.status_code, phrase, response.headers, body, whole))
        except Abandoned:
            raise
        except requests.RequestException as broken:
            exchange.heard.append(HttpBroken(_what(broken), sent=_perhaps_sent(broken)))
            raise
        finally:
            exchange.asking = False
        if response.is_redirect:
            raise requests.TooManyRedirects
        response.raw = BytesIO(body)
        return response


def _beginning(response: requests.Response, exchange: Exchange) -> tuple[bytes, bool]:
    """At most 1 MiB of the answer's body, and of a dripping one what came before the deadline; and whether it did
    not break off."""
    body, whole = b"", True
    try:
        while len(body) < _ENOUGH and not exchange.abandoned:
            piece = response.raw.read1(_ENOUGH - len(body), decode_content=True)
            if not piece:
                break
            body += piece
    except (HTTPError, OSError):
        whole = False
    finally:
        response.raw.close()
    return body, whole


def _perhaps_sent(broken: requests.RequestException) -> bool:
    if isinstance(broken, requests.Timeout):
        return not isinstance(broken, requests.ConnectTimeout)
    return bool(broken.args) and isinstance(broken.args[0], ProtocolError)


def _what(broken: requests.RequestException) -> str:
    """In words; the exception's own text holds the URL."""
    match broken:
        case requests.exceptions.SSLError():
            return "could not be trusted (TLS)"
        case requests.exceptions.ProxyError():
            return "could not be reached through the proxy"
        case requests.ConnectTimeout():
            return "could not be reached in time"
        case requests.Timeout():
            return "did not answer in time"
        case _ if _perhaps_sent(broken):
            return "broke off without an answer"
        case _:
            return "could not be reached"


_plain_getreply = smtplib.SMTP.getreply


def _getreply(smtp: smtplib.SMTP) -> tuple[int, bytes]:
    exchange: Exchange | None = getattr(_thread, "exchange", None)
    if exchange is None:
        return _plain_getreply(smtp)
    try:
        exchange.go_on()
        code, text = _plain_getreply(smtp)
        exchange.heard.append(SmtpReply(code, text))
        exchange.go_on()  # between a 354 and the message
    except Abandoned:
        smtp.close()
        raise
    return code, text
