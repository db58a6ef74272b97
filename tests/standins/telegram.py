"""Telegram's Bot API on a loopback port: sendMessage and sendDocument, with its limits and in its words."""

import json
import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

from tests.standins.multipart import parts_of
from tests.standins.telegram_entities import live_in
from tests.standins.telegram_html import CannotParse, parsed
from tests.standins.telegram_rates import Rates
from tests.standins.verdict import STRICT, Allowed, Files, Live, Received, Refusal, Refused, Seen
from tests.standins.web import Answer, Request, Web

TOKEN = "123456789:AAstand-in-of-the-telegram-bot_tokn"  # made up
_TEXT = 4096
_CAPTION = 1024
_ENTITIES = 100
_FILE = 50 << 20
_PATH = re.compile(r"/bot(\d+:[\w-]+)/(\w+)")
_INVISIBLE = dict.fromkeys([*range(32), 127], " ") | {ord("\n"): "\n", ord("\r"): ""}


class Stand:
    """Give its `url` to apprise: `monkeypatch.setattr(NotifyTelegram, "notify_url", stand.url)`, with `apprise_url`.

    Args:
        allowed: what may be live; None takes all that Telegram takes.
        clock: seconds; where given, Telegram's rates hold: one message a second in a chat, twenty a minute in a group.
    """

    def __init__(self, allowed: Allowed | None = STRICT, clock: Callable[[], float] | None = None) -> None:
        self.received: list[Received] = []
        self.refused: list[Refusal] = []
        self.answers: deque[Answer] = deque()
        """What is answered to the next requests, whatever they are."""
        self.chats: set[str] = {"4711", "4712", "-1001234567890"}
        self.blocked: set[str] = set()
        self.migrated: dict[str, int] = {}
        self._allowed = allowed
        self._clock = clock
        self._rates = Rates()
        self._web = Web(self._answer)
        self.url = f"{self._web.base}/bot"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._web.close()

    @staticmethod
    def apprise_url(chat: str = "4711") -> str:
        return f"tgram://{TOKEN}/{chat}"

    def _answer(self, request: Request) -> Answer:
        at = self._clock() if self._clock else 0.0
        if self.answers:
            return self.answers.popleft()
        try:
            method = self._method(request)
            fields, files = _fields(request)
            chat = self._chat(fields, at)
            seen = judged(method, fields, files, self._allowed)
        except Refused as refused:
            self.refused.append(Refusal(request.body, refused.answer, refused.reason, at))
            return failure(refused.status, refused.answer, _parameters(refused))
        if self._clock:
            self._rates.sent(chat, at)
        self.received.append(Received(request.body, seen.text, seen.live, at, chat, seen.files))
        sent = {"message_id": len(self.received), "chat": {"id": int(chat)}, "date": 0, "text": seen.text}
        return Answer(200, json.dumps({"ok": True, "result": sent}).encode(), {"Content-Type": "application/json"})

    def _method(self, request: Request) -> str:
        path = _PATH.fullmatch(request.path)
        if path is None:
            raise Refused("Not Found", f"nothing is at {request.path}", 404)
        if path[1] != TOKEN:
            raise Refused("Unauthorized", "the token is another bot's", 401)
        if path[2] not in {"sendMessage", "sendDocument"}:
            raise Refused("Not Found", f"this stand-in has no {path[2]}", 404)
        return path[2]

    def _chat(self, fields: Mapping[str, Any], at: float) -> str:
        chat = str(fields.get("chat_id", ""))
        if not chat:
            raise Refused("Bad Request: chat_id is empty", "no chat is named")
        if chat in self.migrated:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Moved(said, "the group has another id", self.migrated[chat])
        if chat not in self.chats:
            raise Refused("Bad Request: chat not found", f"there is no chat {chat}")
        if chat in self.blocked:
            raise Refused("Forbidden: bot was blocked by the user", f"chat {chat} wants nothing", 403)
        wait = self._rates.wait(chat, at) if self._clock else 0.0
        if wait > 0:
            raise Throttled(f"Too Many Requests: retry after {math.ceil(wait)}", "too fast", math.ceil(wait))
        return chat


class Moved(Refused):
    def __init__(self, answer: str, reason: str, to: int) -> None:
        super().__init__(answer, reason)
        self.to = to


class Throttled(Refused):
    def __init__(self, answer: str, reason: str, wait: int) -> None:
        super().__init__(answer, reason, 429)
        self.wait = wait


def failure(status: int, description: str, parameters: Mapping[str, int] | None = None) -> Answer:
    """An error as the Bot API words it."""
    said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        said["parameters"] = parameters
    wait = {"Retry-After": str(parameters["retry_after"])} if parameters and "retry_after" in parameters else {}
    return Answer(status, json.dumps(said).encode(), {"Content-Type": "application/json", **wait})


def _parameters(refused: Refused) -> Mapping[str, int] | None:
    match refused:
        case Moved():
            return {"migrate_to_chat_id": refused.to}
        case Throttled():
            return {"retry_after": refused.wait}
        case _:
            return None


def _fields(request: Request) -> tuple[Mapping[str, Any], Mapping[str, Files]]:
    kind = request.headers.get("Content-Type", "")
    try:
        if kind.startswith("multipart/form-data"):
            return parts_of(request.body, kind)
        fields = json.loads(request.body.decode("utf-8"))
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeError:
        raise Refused("Bad Request: strings must be encoded in UTF-8", "no UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Refused("Bad Request: can't parse JSON object", str(error)) from None
    if not isinstance(fields, dict) or not kind.startswith("application/json"):
        raise Refused("Bad Request: message text is empty", f"no fields in a body of the type {kind!r}")
    return fields, {}


def judged(method: str, fields: Mapping[str, Any], files: Mapping[str, Files], allowed: Allowed | None = None) -> Seen:
    """What a reader would see of a message; with `allowed`, only if nothing else is live.

    Raises:
        Refused: as Telegram refuses, or for what may not be live.
    """
    mode = fields.get("parse_mode", "")
    if method == "sendDocument":
        sent = _document(files)
        seen = _text(fields.get("caption", ""), mode, _CAPTION, "message caption is too long")
        seen = Seen(seen.text, seen.live, sent)
    else:
        seen = _text(fields.get("text", ""), mode, _TEXT, "message is too long")
        if not seen.text:
            raise Refused("Bad Request: message text is empty", "there is nothing to see")
    live = (*seen.live, *_buttons(fields.get("reply_markup")))
    offence = (allowed.offence(live) or _too_many(seen)) if allowed is not None else None
    if offence:
        raise Refused("Bad Request: refused by the stand-in", offence)
    return Seen(seen.text, live, seen.files)


def _text(text: Any, mode: Any, most: int, too_long: str) -> Seen:
    if not isinstance(text, str):
        raise Refused("Bad Request: message text is empty", "text is no string")
    if not isinstance(mode, str) or mode.lower() not in {"", "html"}:
        raise Refused("Bad Request: unsupported parse_mode", f"the stand-in reads HTML and plain text, not {mode!r}")
    quiet: tuple[tuple[int, int], ...] = ()
    seen = Seen(text, ())
    if mode:
        try:
            reading = parsed(text)
        except CannotParse as error:
            raise Refused(f"Bad Request: can't parse entities: {error}", "no HTML of Telegram's") from None
        seen, quiet = reading.seen, reading.quiet
    shown = seen.text.translate(_INVISIBLE)
    live = (*seen.live, *live_in(seen.text, quiet))
    units = len(shown.strip().encode("utf-16-le")) // 2
    if units > most:
        raise Refused(f"Bad Request: {too_long}", f"{units} of at most {most} UTF-16 units")
    return Seen(shown.strip(), live)


def _too_many(seen: Seen) -> str | None:
    """Telegram takes such a message and forgets the formatting that comes last, `code` around an address too."""
    return f"{len(seen.live)} of at most {_ENTITIES} entities" if len(seen.live) > _ENTITIES else None


def _document(files: Mapping[str, Files]) -> Files:
    document = files.get("document")
    if document is None:
        raise Refused("Bad Request: there is no document in the request", "no file is sent as `document`")
    ((name, content),) = document.items()
    if not content:
        raise Refused("Bad Request: file must be non-empty", f"{name} is empty")
    if len(content) > _FILE:
        raise Refused("Request Entity Too Large", f"{name} has {len(content)} bytes", 413)
    return document


def _buttons(markup: Any) -> list[Live]:
    if markup is None:
        return []
    try:
        markup = json.loads(markup) if isinstance(markup, str) else markup
        buttons = [button for row in markup["inline_keyboard"] for button in row]
        links = [Live("link", button["url"]) for button in buttons if "url" in button]
        bad = [button for button in buttons if not button["text"] or not {"url", "callback_data"} & set(button)]
    except (ValueError, TypeError, KeyError):
        bad, links = [markup], []
    if bad:
        raise Refused("Bad Request: can't parse reply keyboard markup JSON object", f"a bad button: {bad[0]!r}")
    return links
