"""The only module that knows apprise: which targets a URL names, and one attempt to send to one of them. Import it
where it is used: it takes a quarter second."""

import asyncio
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any, Self
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.attachment.memory import AttachMemory
from apprise.conversion import convert_between
from apprise.plugins import url_to_dict

from watcher.notify.answers import judged, overdue
from watcher.notify.fit import LIMIT
from watcher.notify.outcome import Outcome, Result
from watcher.notify.targets import BadUrl, Target, keys, masked_place, refused_host, single_targets
from watcher.notify.text import Attachment, Form, Kind, Text
from watcher.notify.wire import Exchange, listen, recording

DEADLINE = 20.0
"""Seconds for one attempt, whatever the service does."""

_TYPES = {
    Kind.INFO: NotifyType.INFO,
    Kind.SUCCESS: NotifyType.SUCCESS,
    Kind.WARNING: NotifyType.WARNING,
    Kind.FAILURE: NotifyType.FAILURE,
}
_FORMATS = {Form.HTML: NotifyFormat.HTML, Form.MARKDOWN: NotifyFormat.MARKDOWN}
_OURS: Mapping[str, Any] = {"overflow": "upstream", "retry": 0, "wait": 0, "redirect": "no", "emojis": False}
"""Ruled by us, whatever the URL says: one row is one part, one attempt is one attempt."""
_NAME = "nonce-watcher"
_TITLE_ROOM = 250
_SMALLEST = 60
_TALKATIVE = ("apprise", "requests", "urllib3")


def open_targets(channel: str, urls: Sequence[str]) -> tuple[Target, ...]:
    """All single targets that the URLs of a channel name, in order.

    Raises:
        BadUrl: for the first URL that apprise cannot use.
    """
    _hush()
    found: list[tuple[dict[str, Any], NotifyBase]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the plugins that apprise now loads
        for number, url in enumerate(urls, 1):
            name = f"channel {channel}: URL {number}" if len(urls) > 1 else f"channel {channel}: its URL"
            parts = _parsed(name, url)
            found += [(single, _plugin(name, single)) for single in single_targets(parts)]
    named = zip(found, keys(parts["schema"] for parts, _ in found), strict=True)
    return tuple(_target(channel, key, parts, plugin) for (parts, plugin), key in named)


class AppriseSender:
    """Hands texts to the targets that `open_targets` found; one attempt per target at a time."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        _hush()
        listen()
        self._deadline = deadline
        self._plugins: dict[tuple[str, str], NotifyBase] = {}
        self._attempts: dict[tuple[str, str], threading.Event] = {}
        """Of each target the last attempt, set when it is over; its thread ends a moment later."""

    async def send(self, target: Target, text: Text) -> Outcome:
        """One attempt, over when the deadline is. A thread that hangs longer is left alone, and no second one
        is started for its target before it has ended."""
        place = (target.channel, target.key)
        before = self._attempts.get(place)
        if before is not None and not before.is_set():
            return Outcome(Result.PASSING, f"{target.service} still holds the attempt before")
        if place not in self._plugins:
            self._plugins[place] = _plugin(target.key, target.parts)
        plugin, until = self._plugins[place], asyncio.get_running_loop().time() + self._deadline
        outcome = await self._attempt(target, partial(_handed, plugin, text), until)
        if outcome.result is Result.SENT and text.attachment is not None and text.attachment.apart:
            # The message is there: it must not come again because its table did not get through.
            table = await self._attempt(target, partial(_handed_file, plugin, text.attachment), until)
            if table.result is not Result.SENT:
                return replace(outcome, reason=f"{outcome.reason}, without its table: {table.reason}")
        return outcome

    async def _attempt(self, target: Target, work: Callable[[], bool], until: float) -> Outcome:
        exchange = Exchange()
        try:
            over, answer = _started(partial(_recorded, work, exchange))
        except RuntimeError:
            return Outcome(Result.PASSING, "no thread could be started to send it")
        self._attempts[target.channel, target.key] = over
        try:
            async with asyncio.timeout_at(until):
                accepted = await answer
        except TimeoutError:
            exchange.abandoned = True  # first this, then the look: nothing begins after it
            return overdue(exchange, target)
        except asyncio.CancelledError:
            exchange.abandoned = True
            raise
        return judged(accepted, exchange, target)


def server_of(target: Target) -> tuple[str, int] | None:
    """The host and port that a target's messages go to; None where apprise does not say."""
    plugin = _plugin(target.place, target.parts)
    smtp = getattr(plugin, "smtp_host", None)
    if smtp:
        return str(smtp), int(plugin.port or 25)
    for name in ("notify_url", "webhook_url", "api_url"):
        place = urlsplit(str(getattr(plugin, name, "")))
        if place.hostname:
            return place.hostname, place.port or (80 if place.scheme == "http" else 443)
    host = target.parts.get("host")
    secure = bool(getattr(plugin, "secure", False))
    return (str(host), int(target.parts.get("port") or (443 if secure else 80))) if host else None


def _parsed(name: str, url: str) -> dict[str, Any]:
    parts = url_to_dict(url)  # type: ignore[no-untyped-call]  # apprise is typed in part
    if not parts:
        raise BadUrl(f"{name} is none that apprise understands")
    if refused_host(parts.get("host")):
        raise BadUrl(f"{name} leads to a link-local or metadata address, which is refused")
    return {**parts, **_OURS}


def _plugin(name: str, parts: Mapping[str, Any]) -> NotifyBase:
    asset = AppriseAsset(app_id=_NAME, app_desc=_NAME, image_url_mask="", http_redirects=False, storage_mode="memory")
    try:
        plugin = Apprise.instantiate(dict(parts), asset=asset, suppress_exceptions=False)
    except Exception:  # noqa: BLE001 - plugins raise what they like, with the URL in the text
        plugin = None
    if plugin is None or (parts.get("targets") and getattr(plugin, "targets", None) == []):
        raise BadUrl(f"{name} is not complete, or names a recipient that cannot exist ({parts['schema']}://)")
    _keep_plain_parts()
    plugin.throttle = _no_throttle  # type: ignore[method-assign]  # it sleeps by the wall clock; `rate` is ours to keep
    return plugin


def _no_throttle(*_: object, **__: object) -> None:
    pass


def _target(channel: str, key: str, parts: Mapping[str, Any], plugin: NotifyBase) -> Target:
    room = plugin.body_maxlen - (0 if plugin.title_maxlen else _TITLE_ROOM)
    return Target(
        channel=channel,
        key=key,
        schema=parts["schema"],
        service=str(plugin.service_name),
        place=masked_place(str(plugin)),
        limit=max(_SMALLEST, min(LIMIT, room)),
        parts=parts,
    )


def _started(work: Callable[[], bool]) -> tuple[threading.Event, asyncio.Future[bool]]:
    """The work in a thread of its own, which holds up neither the loop nor the end of the process; the event is set
    when the work is over."""
    loop, over = asyncio.get_running_loop(), threading.Event()
    answer: asyncio.Future[bool] = loop.create_future()

    def tell(accepted: bool) -> None:
        if not answer.done():
            answer.set_result(accepted)

    def run() -> None:
        accepted = work()
        over.set()  # before it is told: the next message may come at once
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, accepted)

    threading.Thread(target=run, name="apprise", daemon=True).start()
    return over, answer


def _recorded(work: Callable[[], bool], exchange: Exchange) -> bool:
    with recording(exchange):
        try:
            return work()
        except Exception:  # noqa: BLE001 - 140 plugins; the outcome is judged by what was heard
            return False


def _handed(plugin: NotifyBase, text: Text) -> bool:
    """A family's words as they are, where the URL does not ask for something else (`?format=`, `?template=`)."""
    wanted = _FORMATS.get(text.form)
    several = isinstance(plugin.notify_format, tuple)
    if wanted is None or getattr(plugin, "template", None) or (several and plugin.resolve_format(wanted) is not wanted):
        return _as_plain(plugin, text)
    if text.blocks:
        plugin._send = partial(_with_blocks, plugin, text)  # type: ignore[attr-defined]  # noqa: SLF001 - see there
    attached = text.attachment if text.attachment is not None and not text.attachment.apart else None
    return plugin.send(
        body=_TwoParts(text.body, text.plain or ""),
        title=text.title,
        notify_type=_TYPES[text.kind],
        attach=[_file(attached)] if attached else None,
        body_format=wanted,
        body_passthrough=False,
    )


def _as_plain(plugin: NotifyBase, text: Text) -> bool:
    """The plugin's own sending, with the text escaped for its format as `Apprise.notify` does it: given plain text,
    some plugins would take it for markup. `Apprise.notify` itself has thread pools and timeouts."""
    wanted = plugin.resolve_format(NotifyFormat.TEXT)
    escaped = partial(convert_between, NotifyFormat.TEXT, wanted)
    merged = plugin.title_maxlen <= 0  # the title becomes part of the body
    return plugin.notify(
        body=escaped(text.body if text.form is Form.PLAIN else text.plain or ""),
        title=escaped(text.title) if merged else text.title,
        notify_type=_TYPES[text.kind],
        body_format=wanted,
        body_passthrough=False,
        overflow=OverflowMode.UPSTREAM,
    )


def _handed_file(plugin: NotifyBase, attachment: Attachment) -> bool:
    return plugin.send(body="", attach=[_file(attachment)], body_format=NotifyFormat.HTML, body_passthrough=False)


def _file(attachment: Attachment) -> AttachMemory:
    return AttachMemory(  # type: ignore[no-untyped-call]
        content=attachment.content, name=attachment.name, mimetype=attachment.media_type
    )


def _with_blocks(plugin: NotifyBase, text: Text, url: str, payload: dict[str, Any], **how: Any) -> Any:  # noqa: ANN401 - theirs, passed on
    """Slack's plugin writes legacy attachments, of which a locked phone shows nothing, and escapes no backtick. Its
    addressing (channel, thread, name) is kept; what it says is ours. A workflow takes one variable, `text`."""
    if "attachments" in payload:
        kept = {key: value for key, value in payload.items() if key not in ("attachments", "mrkdwn")}
        payload = {**kept, "text": text.body, "blocks": list(text.blocks)}
    elif set(payload) == {"text"}:
        payload = {"text": escape(text.plain or "", quote=False)}
    return type(plugin)._send(plugin, url, payload, **how)  # type: ignore[attr-defined]  # noqa: SLF001 - the one place where it has its words


class _TwoParts(str):
    """Mail's HTML that brings its plain part along: the plugin would make one of the HTML, without lines and links."""

    __slots__ = ("plain",)
    plain: str

    def __new__(cls, text: str, plain: str) -> Self:
        one = super().__new__(cls, text)
        one.plain = plain
        return one


def _convert(source: NotifyFormat, wanted: NotifyFormat, content: str) -> str:
    if isinstance(content, _TwoParts):
        return content.plain
    return str(convert_between(source, wanted, content))  # type: ignore[no-untyped-call]


def _keep_plain_parts() -> None:
    """Mail's plugin, once apprise has loaded it, finds `_convert` under the name by which it knows apprise's own."""
    mail = sys.modules.get("apprise.plugins.email.base")
    if mail is not None:
        mail.convert_between = _convert  # type: ignore[attr-defined]


def _hush() -> None:
    """At DEBUG these write bot tokens and webhook paths. Disabled is stronger than any level set later."""
    for name in (*_TALKATIVE, *logging.root.manager.loggerDict):
        if name.partition(".")[0] in _TALKATIVE:
            logging.getLogger(name).disabled = True
