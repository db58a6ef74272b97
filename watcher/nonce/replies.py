"""What an answer that is no page means: which error it is, in one sentence, and when to come back. Pure."""

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.model.secret import Secret
from watcher.model.times import SECOND, Millis, from_datetime
from watcher.nonce.transport import Reply

_LONGEST = 200
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def date_of(text: str | None) -> Millis | None:
    """An HTTP date; None where it is none."""
    try:
        return from_datetime(parsedate_to_datetime(text or ""))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, as the server asks; None where it does not.

    A date is relative to the reply's own `Date`, which whoever has a clock must send (RFC 9110, 6.6.1).
    """
    asked = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until, now = date_of(asked), date_of(headers.get("Date"))
    return None if until is None or now is None else max(0.0, (until - now) / SECOND)


def error_of(reply: Reply, secret: Secret) -> ApiError | None:
    """The error that a reply stands for; None for one that claims to be JSON and a success.

    Args:
        secret: the key, which a server may repeat and which no error may.
    """
    status = reply.status
    if 200 <= status < 300:
        kind = reply.headers.get("Content-Type", "json")
        if "json" in kind.lower():
            return None
        return ApiUnavailable(f"The Nonce API answered {_shown(kind, secret)} instead of JSON.")
    if 300 <= status < 400:
        return ApiUnavailable(
            f"The Nonce API answered {status} and points to {_shown(_target(reply), secret)};"
            " redirects are not followed. Check nonce.base_url, and whether a login page is in the way."
        )
    return _of_status(status, _shown(_said(reply.body)[1], secret), retry_after(reply.headers))


def error_inside(reply: Reply, secret: Secret) -> ApiError | None:
    """The error that a body tells although its status is 200; None if it tells none."""
    status, text = _said(reply.body)
    if status is None and not text:
        return None
    return _of_status(status or 500, _shown(text, secret), None)


def _of_status(status: int, text: str, asked: float | None) -> ApiError:
    says = f": {text}" if text else ""
    match status:
        case 401:
            return ApiRefused(
                f"The Nonce API refuses the key (401{says}). It is missing, wrong, revoked or expired:"
                " put a valid one where nonce.api_key takes it from.",
                status,
            )
        case 403:
            return ApiRefused(
                f"The Nonce API does not let this key read that (403{says})."
                " Check that nonce.workspace is the key's own, and what the key may read.",
                status,
            )
        case 429:
            return ApiThrottled(f"The Nonce API is asked too often (429{says}).", asked)
        case _ if 400 <= status < 500:
            return ApiRejected(f"The Nonce API rejects this request ({status}{says}).", status)
        case _:
            return ApiUnavailable(f"The Nonce API has trouble ({status}{says}).")


def _said(body: bytes) -> tuple[int | None, str]:
    """The status and the text of an error's body, of whichever shape; what it lacks is None and empty."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(value, dict):
        return None, ""
    inner = value.get("error")
    texts = [value.get("message"), inner.get("message") if isinstance(inner, dict) else inner]
    status = value.get("statusCode")
    known = isinstance(status, int) and 400 <= status < 600
    return status if known else None, next((text for text in map(_text, texts) if text), "")


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON at all
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value[:5])))
    return value if isinstance(value, str) else ""


def _shown(text: str, secret: Secret) -> str:
    """A foreign text on one line of an error: no key, no control characters, not too long."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text.replace(secret.reveal(), "***"))
    return " ".join(clean.split())[:_LONGEST]


def _target(reply: Reply) -> str:
    try:
        return httpx.URL(reply.headers.get("Location", "")).host or "itself"
    except httpx.InvalidURL:
        return "nowhere"
