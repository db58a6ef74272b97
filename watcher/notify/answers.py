"""What an attempt came to, by what the service answered. Pure. Apprise's own word is not believed alone: it takes
Telegram's `"ok": false` and a hotel's login page for a success."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from watcher.notify.outcome import Outcome, Result
from watcher.notify.targets import Target, secrets
from watcher.notify.text import clean
from watcher.notify.wire import Exchange, HttpAnswer, HttpBroken, SmtpReply

_PAGE = re.compile(
    rb"\s*(?:<!--[^>]*>\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script)\b",
    re.IGNORECASE,
)
_PASSING = frozenset({407, 408, 425, 429})
_SETTLED = frozenset({
    "account_inactive", "channel_not_found", "invalid_auth", "invalid_token", "is_archived", "missing_scope",
    "no_permission", "no_service", "not_authed", "not_in_channel", "token_expired", "token_revoked",
})  # fmt: skip
"""Slack's errors that come with status 200 and stay as long as nobody changes the configuration."""
_SAYS_OK = frozenset({"tgram"})
"""Services whose every answer is JSON with `ok`."""
_WORDS = ("description", "error", "message", "detail", "reason")
_SHOWN = 4096
_LONGEST_WAIT = 3600.0
"""A service that asks for more than an hour is asked again after an hour."""

Words = Callable[[str], str]
"""A service's words as they may be told."""


def judged(accepted: bool, exchange: Exchange, target: Target) -> Outcome:
    """The outcome of an attempt that came to its end; `accepted` is what apprise says of it."""
    service = target.service
    match exchange.heard[-1] if exchange.heard else None:
        case HttpAnswer() as answer:
            return _by_http(accepted, answer, target, _without_secrets(exchange, target))
        case HttpBroken(what, sent):
            return Outcome(Result.UNCERTAIN if sent else Result.PASSING, f"{service} {what}")
        case SmtpReply():
            replies = [reply for reply in exchange.heard if isinstance(reply, SmtpReply)]
            return _by_smtp(accepted, replies, _without_secrets(exchange, target))
        case None if accepted:
            return Outcome(Result.SENT, f"{service} took it")
        case None:
            return Outcome(Result.PASSING, f"{service} could not be reached")


def overdue(exchange: Exchange, target: Target) -> Outcome:
    """The outcome of an attempt whose time ran out. What had not been sent by then never will be."""
    match exchange.heard[-1] if exchange.heard else None:
        case _ if exchange.asking:
            return Outcome(Result.UNCERTAIN, f"{target.service} did not answer in time")
        case SmtpReply(354) | HttpAnswer(200 | 201 | 202 | 204):
            return Outcome(Result.UNCERTAIN, f"{target.service} did not finish in time")
        case _:
            return Outcome(Result.PASSING, f"{target.service} was not ready in time")


def _without_secrets(exchange: Exchange, target: Target) -> Words:
    """Services like to repeat what they were asked: no word of URL or authorization is told further."""
    hidden = (*exchange.authorization.split(), *secrets(target.parts))

    def told(text: str) -> str:
        for word in hidden:
            text = text.replace(word, "…")
        return clean(text)

    return told


def _by_http(accepted: bool, answer: HttpAnswer, target: Target, told: Words) -> Outcome:
    said = _json(answer.body)
    reason = f"{target.service} answered {answer.status} {told(answer.phrase)}".rstrip()
    words = told(_in_words(answer.body, said))
    full = f"{reason}: {words}" if words else reason
    if 200 <= answer.status < 300:
        if accepted and not _is_lie(answer.body, said, target.schema):
            return Outcome(Result.SENT, reason)
        if not answer.whole and _PAGE.match(answer.body) is None:  # what was to say that it is there did not come
            return Outcome(Result.UNCERTAIN, f"{reason}, and broke off")
        settled = str(said.get("error")) in _SETTLED
        return Outcome(Result.PERMANENT if settled else Result.PASSING, full, _retry_after(answer, said))
    if 400 <= answer.status < 500 and answer.status not in _PASSING:
        return Outcome(Result.PERMANENT, full)
    return Outcome(Result.PASSING, full, _retry_after(answer, said))


def _is_lie(body: bytes, said: Mapping[str, Any], schema: str) -> bool:
    if schema in _SAYS_OK and said.get("ok") is not True:
        return True
    return said.get("ok") is False or said.get("success") is False or _PAGE.match(body) is not None


def _in_words(body: bytes, said: Mapping[str, Any]) -> str:
    for key in _WORDS:
        if isinstance(said.get(key), str) and said[key]:
            return str(said[key])[:_SHOWN]
    return "an HTML page" if _PAGE.match(body) else body[:_SHOWN].decode("utf-8", "replace")


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(answer: HttpAnswer, said: Mapping[str, Any]) -> float | None:
    """Seconds, from the header (a number or a date) or the body (Telegram, Discord); the longest."""
    parameters = said.get("parameters")
    told = (
        _header_seconds(answer.headers),
        _number(said.get("retry_after")),
        _number(parameters.get("retry_after")) if isinstance(parameters, dict) else None,
    )
    waits = [seconds for seconds in told if seconds is not None and seconds >= 0]
    return min(max(waits), _LONGEST_WAIT) if waits else None


def _header_seconds(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:  # a date means the service's own clock, which its Date header tells
        return (parsedate_to_datetime(value) - parsedate_to_datetime(headers["Date"])).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _by_smtp(accepted: bool, replies: Sequence[SmtpReply], told: Words) -> Outcome:
    if accepted:
        return Outcome(Result.SENT, "The mail server took it")
    refusals = [reply for reply in replies if reply.code >= 400]
    if refusals:
        last = refusals[-1]
        words = f"The mail server answered {last.code}: {told(last.text.decode('utf-8', 'replace'))}"
        return Outcome(Result.PERMANENT if last.code >= 500 else Result.PASSING, words.rstrip(": "))
    if replies[-1].code == 354:
        return Outcome(Result.UNCERTAIN, "The mail server broke off after the message")
    return Outcome(Result.PASSING, "The mail server broke off before the message")
