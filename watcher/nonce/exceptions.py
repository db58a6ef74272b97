"""httpx's errors in our words, in one place. Every one of its classes is in the table; a test says so."""

import ssl
from collections.abc import Mapping
from types import MappingProxyType

import httpx

from watcher.errors import ApiError, ApiRejected, ApiUnavailable

_UNREACHABLE = "The Nonce API cannot be reached"
_BROKEN = "The connection to the Nonce API broke"
_NONSENSE = "The Nonce API's answer is no proper HTTP"
_SLOW = "The Nonce API takes too long"
_MISUSED = "The HTTP library was used wrongly"
_UNASKABLE = "This request cannot be sent as it is"

SENTENCES: Mapping[type[Exception], str] = MappingProxyType(
    {
        httpx.HTTPError: _UNREACHABLE,
        httpx.RequestError: _UNREACHABLE,
        httpx.TransportError: _UNREACHABLE,
        httpx.NetworkError: _UNREACHABLE,
        httpx.ConnectError: _UNREACHABLE,
        httpx.ProxyError: "The proxy on the way to the Nonce API failed",
        httpx.ReadError: _BROKEN,
        httpx.WriteError: _BROKEN,
        httpx.CloseError: _BROKEN,
        httpx.TimeoutException: _SLOW,
        httpx.ConnectTimeout: _SLOW,
        httpx.ReadTimeout: _SLOW,
        httpx.WriteTimeout: _SLOW,
        httpx.PoolTimeout: _SLOW,
        httpx.ProtocolError: _NONSENSE,
        httpx.RemoteProtocolError: _NONSENSE,
        httpx.DecodingError: _NONSENSE,
        httpx.TooManyRedirects: _NONSENSE,
        httpx.HTTPStatusError: _NONSENSE,
        httpx.CookieConflict: _NONSENSE,
        httpx.InvalidURL: _UNASKABLE,
        httpx.UnsupportedProtocol: _UNASKABLE,
        httpx.LocalProtocolError: _UNASKABLE,
        httpx.StreamError: _MISUSED,
        httpx.StreamConsumed: _MISUSED,
        httpx.StreamClosed: _MISUSED,
        httpx.ResponseNotRead: _MISUSED,
        httpx.RequestNotRead: _MISUSED,
        ssl.SSLError: _BROKEN,
    }
)
CAUGHT = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, ssl.SSLError)
"""The roots of httpx's errors, and the one that it lets through: TLS may fail after the handshake too."""

_TELLING = (httpx.ConnectError, httpx.ProxyError, ssl.SSLError)
"""Whose text names the cause (refused, no such host, certificate) and can hold nothing of the request."""


def translated(error: Exception) -> ApiError:
    """The error of ours that says the same; a request that cannot even be written is rejected as by a 400."""
    sentence = SENTENCES.get(type(error), _UNREACHABLE)
    if sentence == _UNASKABLE:
        return ApiRejected(f"{sentence} ({type(error).__name__}).", 400)
    detail = str(error) if isinstance(error, _TELLING) else ""
    return ApiUnavailable(f"{sentence}: {detail or type(error).__name__}.")
