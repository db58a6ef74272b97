"""One request, made safe: a deadline for all of it, a cap on its size, no redirects, no cookies, proxies and
certificates from the environment. Knows nothing of what the answers mean."""

import asyncio
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

from watcher.errors import ApiUnavailable, ConfigError, Fault
from watcher.nonce.body import read_body
from watcher.nonce.exceptions import CAUGHT, translated

_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=4.0)
"""httpcore slows down quadratically with more; most servers hang up on an idle connection after 5 s or later."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "nonce-watcher"}


@dataclass(frozen=True, slots=True)
class Request:
    """A question to the API, without the key.

    Args:
        path: its parts below the base URL, each an opaque text.
        body: what is sent as JSON.
        patient: it is in no hurry.
    """

    method: Literal["GET", "POST"]
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status.

    Args:
        came_at: when its headers came, in seconds of the monotonic clock.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    came_at: float


class Transport:
    def __init__(self, base_url: str, *, timeout: float, cap: int, monotonic: Callable[[], float]) -> None:
        self._base_url = base_url
        self._timeout = timeout
        self._cap = cap
        self._monotonic = monotonic
        self._http = _http_client()

    async def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """The answer to one request.

        Raises:
            ApiUnavailable: no whole answer came in time.
            ApiRejected: the request cannot be written.
        """
        url = "/".join((self._base_url, *map(_part, request.path)))
        deadline = asyncio.get_running_loop().time() + self._timeout
        with self._in_our_words():
            written = self._http.build_request(
                request.method, url, params=request.query, headers=headers, json=request.body
            )
            async with asyncio.timeout_at(deadline):
                response = await self._http.send(written, stream=True)
        came_at = self._monotonic()
        try:
            with self._in_our_words():
                async with asyncio.timeout_at(deadline):
                    encoding = response.headers.get("Content-Encoding", "")
                    body = await read_body(response.aiter_raw(), encoding, self._cap)
        except ApiUnavailable:
            if response.is_success:
                raise
            body = b""  # an error's status and headers tell what to do, whatever becomes of its body
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, body, came_at)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise ApiUnavailable(f"The Nonce API gave no whole answer within {self._timeout:g} s.") from None
        except CAUGHT as error:
            raise translated(error) from error

    async def aclose(self) -> None:
        await self._http.aclose()


def _part(text: str) -> str:
    """One part of a path. A part of dots would climb: `..` is an id like any other."""
    return quote(text, safe="", errors="surrogatepass") if text.strip(".") else text.replace(".", "%2E")


def _http_client() -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            verify=_tls(os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers=_HEADERS,
            limits=_LIMITS,
            timeout=None,  # noqa: S113 - `send` has one deadline for everything
            follow_redirects=False,
            trust_env=True,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        text = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY holds something that is no proxy's address"
        raise ConfigError([Fault("environment", 0, 0, text)]) from None


def _tls(bundle: str | None) -> ssl.SSLContext:
    if not bundle:
        return httpx.create_ssl_context()
    try:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        text = "REQUESTS_CA_BUNDLE or SSL_CERT_FILE names no readable file of certificates"
        raise ConfigError([Fault(bundle, 0, 0, text)]) from error
