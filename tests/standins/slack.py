"""Slack's incoming webhook on a loopback port. It takes what Slack takes, within Slack's limits, and answers in
Slack's words. Lengths are counted in UTF-16 units, which is never more lenient than Slack."""

import json
import math
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn, Self

from tests.standins.mrkdwn import Malformed, plain, shown
from tests.standins.slack_blocks import block_seen
from tests.standins.verdict import STRICT, Allowed, Live, Received, Refusal, Refused, Seen
from tests.standins.web import Answer, Request, Web

PATH = "/services/TSTANDIN0/BSTANDIN0/StandInStandInStandInSta"
APPRISE_URL = "slack://TSTANDIN0/BSTANDIN0/StandInStandInStandInSta"

INVALID_TOKEN = Answer(403, b"invalid_token")
NO_SERVICE = Answer(404, b"no_service")
CHANNEL_NOT_FOUND = Answer(404, b"channel_not_found")
ARCHIVED = Answer(410, b"channel_is_archived")
ROLLUP_ERROR = Answer(500, b"rollup_error")

_TEXT = 40_000
_BLOCKS = 50
_ATTACHMENTS = 100
_ATTACHMENT_TEXTS = ("pretext", "title", "text", "footer", "author_name")
_PLAIN_TEXTS = ("title", "footer", "author_name")
_MARKED_TEXTS = ("pretext", "text")
_SPACING = 1.0


class Stand:
    """Give its `url` to apprise: `monkeypatch.setattr(NotifySlack, "webhook_url", stand.url)`, with APPRISE_URL.

    Args:
        allowed: what may be live; None takes all that Slack takes.
        clock: seconds; where given, a message within a second after the last one is answered 429.
    """

    def __init__(self, allowed: Allowed | None = STRICT, clock: Callable[[], float] | None = None) -> None:
        self.received: list[Received] = []
        self.refused: list[Refusal] = []
        self.answers: deque[Answer] = deque()
        """What is answered to the next requests, whatever they are."""
        self._allowed = allowed
        self._clock = clock
        self._free_at = -math.inf
        self._web = Web(self._answer)
        self.url = f"{self._web.base}/services"
        self.hook = f"{self._web.base}{PATH}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._web.close()

    def _answer(self, request: Request) -> Answer:
        at = self._clock() if self._clock else 0.0
        if self.answers:
            return self.answers.popleft()
        try:
            self._check_place(request, at)
            seen = judged(request.body, request.headers.get("Content-Type", ""), self._allowed)
        except Refused as refused:
            self.refused.append(Refusal(request.body, refused.answer, refused.reason, at))
            wait = {"Retry-After": str(max(1, math.ceil(self._free_at - at)))} if refused.status == 429 else {}
            return Answer(refused.status, refused.answer.encode(), {"Content-Type": "text/html", **wait})
        self._free_at = at + _SPACING
        self.received.append(Received(request.body, seen.text, seen.live, at, request.path))
        return Answer(200, b"ok", {"Content-Type": "text/html"})

    def _check_place(self, request: Request, at: float) -> None:
        if request.path != PATH:
            raise Refused("no_service", f"nothing is at {request.path}", 404)
        if request.method != "POST":
            raise Refused("invalid_payload", f"{request.method} brings no message")
        if self._clock and at < self._free_at:
            raise Refused("rate_limited", "one message a second", 429)


def judged(body: bytes, content_type: str = "application/json", allowed: Allowed | None = None) -> Seen:
    """What a reader would see of a webhook's body, title first; with `allowed`, only if nothing else is live.

    Raises:
        Refused: as Slack refuses, or for what may not be live.
    """
    seen = _payload(_parsed(body, content_type))
    offence = allowed.offence(seen.live) if allowed is not None else None
    if offence:
        raise Refused("invalid_payload", offence)
    return seen


def _parsed(body: bytes, content_type: str) -> dict[str, Any]:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused("invalid_payload", f"its type is {content_type!r}")
    try:
        payload = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_double)
        json.dumps(payload, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refused("invalid_payload", f"no JSON: {error}") from None
    if not isinstance(payload, dict):
        raise Refused("invalid_payload", "no JSON object")
    return payload


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _no_double(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(pairs)
    if len(known) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return known


def _payload(payload: dict[str, Any]) -> Seen:
    text, blocks, attachments = payload.get("text"), payload.get("blocks"), payload.get("attachments")
    if text is not None and not isinstance(text, str):
        raise Refused("invalid_payload", "text is no string")
    if len(text or "") > _TEXT:
        raise Refused("msg_too_long", f"text has {len(text or '')} characters")
    names = payload.get("link_names") in (True, 1, "1", "true") or payload.get("parse") == "full"
    parts: list[Seen] = []
    if text and text.strip():
        parts.append(_marked(text, "text", names=names, formatted=payload.get("mrkdwn") is not False))
    if blocks is not None:
        in_blocks = _blocks(blocks, names)
        # the text is then only what the push notification shows, but what it mentions is mentioned
        parts = [Seen("", part.live) for part in parts] + in_blocks
    if attachments is not None:
        parts += _attachments(attachments, names)
    whole = "\n".join(part.text for part in parts if part.text)
    if not whole.strip():
        raise Refused("no_text", "there is nothing to see")
    return Seen(whole, tuple(live for part in parts for live in part.live))


def _marked(text: str, place: str, *, names: bool, formatted: bool = True) -> Seen:
    try:
        return shown(text, names=names, formatted=formatted)
    except Malformed as error:
        raise Refused("invalid_payload", f"{place}: {error}") from None


def _blocks(blocks: Any, names: bool) -> list[Seen]:
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= _BLOCKS:
        raise Refused("invalid_blocks", f"no list of 1 to {_BLOCKS} blocks")
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(set(map(str, ids))) < len(ids):
        raise Refused("invalid_blocks", "a block_id stands twice")
    return [block_seen(block, f"block {number}", names=names) for number, block in enumerate(blocks, 1)]


def _attachments(attachments: Any, names: bool) -> list[Seen]:
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise Refused("invalid_attachments", "no list of objects")
    if len(attachments) > _ATTACHMENTS:
        raise Refused("too_many_attachments", f"{len(attachments)} of them")
    parts: list[Seen] = []
    for number, attachment in enumerate(attachments, 1):
        if "blocks" in attachment:
            parts += _blocks(attachment["blocks"], names)
        else:
            parts += _legacy(attachment, f"attachment {number}", names)
    return parts


def _legacy(attachment: dict[str, Any], place: str, names: bool) -> list[Seen]:
    """An attachment of the old kind; its `text` is mrkdwn unless `mrkdwn_in` names other fields only."""
    marked = attachment.get("mrkdwn_in", _MARKED_TEXTS)
    if not isinstance(marked, list | tuple):
        raise Refused("invalid_attachments", f"{place}: mrkdwn_in is no list")
    parts: list[Seen] = []
    for key in _ATTACHMENT_TEXTS:
        value = attachment.get(key)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise Refused("invalid_attachments", f"{place}: {key} is no string")
        if key in _PLAIN_TEXTS:
            try:
                parts.append(plain(value, emoji=True))
            except Malformed as error:
                raise Refused("invalid_payload", f"{place}: {key}: {error}") from None
        else:
            parts.append(_marked(value, f"{place}: {key}", names=names, formatted=key in marked))
    parts += [
        Seen("", (Live("link" if key.endswith("link") else "image", str(attachment[key])),))
        for key in ("title_link", "author_link", "image_url", "thumb_url")
        if attachment.get(key)
    ]
    if not any(part.text for part in parts):
        raise Refused("no_text", f"{place} has no text")
    return parts
