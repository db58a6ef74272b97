"""Slack's mrkdwn, read as Slack shows it: the text on the screen and what in it is live. Where Slack's rules are
not written down (what may stand around a `*`), the reading is the one that finds more live things."""

import re
from functools import partial

from tests.standins.domains import HOST, is_known
from tests.standins.verdict import Live, Seen

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # noncharacters: around the number of a piece that is already read
_CONTROL = re.compile(r"<([^<>]*)>")
_KEPT = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_PERSON = re.compile(r"@[UWB][A-Z0-9]{2,}")
_CHANNEL = re.compile(r"#[CG][A-Z0-9]{2,}")
_GROUP = re.compile(r"!subteam\^S[A-Z0-9]{2,}")
_DATE = re.compile(r"!date\^-?\d+\^[^^|]+(?:\^(https?://[^\s|^]+))?")
_LINK = re.compile(r"(?:https?|ftps?|mailto|tel|slack|sip|geo|sms|callto|facetime|file):[^\s|]+", re.IGNORECASE)
_EVERYONE = ("!here", "!channel", "!everyone")
_RUNS = (
    ("pre", re.compile(r"```(.+?)```", re.DOTALL)),
    ("code", re.compile(r"`([^`\n]+)`")),
    *(
        (kind, re.compile(rf"(?<![^\W_]){mark}(?=[^\s{mark}])([^{mark}\n]*)(?<=[^\s{mark}]){mark}(?![^\W_])"))
        for kind, mark in (("bold", r"\*"), ("italic", "_"), ("strike", "~"))
    ),
)
_QUOTE = re.compile(r"^(?:&gt;|>){1,3} ?", re.MULTILINE)
_BARE = re.compile(
    rf"\bhttps?://[^\s<>|{_OPEN}{_CLOSE}]+"
    rf"|(?<![\w@./-])[\w.+-]+@{HOST}(?![\w-])"
    rf"|(?<![\w@./-]){HOST}(?![\w-])(?:[/?#][^\s<>|{_OPEN}{_CLOSE}]*)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!\w)[@#][\w.-]+")
_EMOJI = re.compile(r"(?<![\w:]):([a-z][a-z0-9_+-]+):(?![\w:])")
_EMOJIS = frozenset({
    "skull", "fire", "smile", "warning", "rotating_light", "tada", "white_check_mark", "no_entry", "sos", "boom",
    "bell", "zap", "heart", "eyes", "wave",
})  # fmt: skip
"""A few of Slack's two thousand: what a name between colons can become."""


class Malformed(Exception):
    """A character of Slack's own that stands neither escaped nor for what Slack knows."""


def shown(text: str, *, verbatim: bool = False, names: bool = False, formatted: bool = True) -> Seen:
    """What Slack makes of mrkdwn.

    Args:
        text: as sent.
        verbatim: bare addresses stay text.
        formatted: bold and its like are read; without, their marks stay (`"mrkdwn": false`).
        names: `link_names` or `parse=full`: a bare @name or #channel is live.

    Raises:
        Malformed: for an unescaped `<`, `>` or `&` that means nothing.
    """
    live: list[Live] = []
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return f"{_OPEN}{len(kept) - 1}{_CLOSE}"

    def read(kind: str, found: re.Match[str]) -> str:
        whole = _whole(found[1], kept)
        live.append(Live(kind, whole))
        return keep(whole) if kind in {"pre", "code"} else found[1]

    text = text.replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd")
    text = _CONTROL.sub(lambda found: keep(_control(found[1], live)), text)
    live += [Live("quote", found[0]) for found in _QUOTE.finditer(text)]
    text = _QUOTE.sub("", text)
    _check(text)
    for kind, run in _RUNS if formatted else ():
        text = run.sub(partial(read, kind), text)
    if not verbatim:
        live += [Live("link", _unescaped(url)) for url in _bare_addresses(text)]
    if names:
        live += [Live("mention", found[0]) for found in _NAME.finditer(text)]
    live += emojis(text)
    return Seen(_whole(text, kept), tuple(live))


def plain(text: str, *, emoji: bool) -> Seen:
    """What Slack makes of plain text: only the three characters are unescaped, and emoji names read."""
    if "<" in text or ">" in text:
        raise Malformed("an unescaped angle bracket")
    _check(text)
    return Seen(_unescaped(text), tuple(emojis(text)) if emoji else ())


def emojis(text: str) -> list[Live]:
    return [Live("emoji", found[0]) for found in _EMOJI.finditer(text) if found[1] in _EMOJIS]


def _check(text: str) -> None:
    for sign in "<>":
        at = text.find(sign)
        if at >= 0:
            raise Malformed(f"an unescaped {sign} that opens or ends nothing: {text[max(0, at - 20) : at + 20]!r}")
    bare = _BARE_AMPERSAND.search(text)
    if bare:
        raise Malformed(f"an unescaped &: {text[max(0, bare.start() - 20) : bare.start() + 20]!r}")


def _control(inside: str, live: list[Live]) -> str:
    """What is shown of `<…>`."""
    what, bar, label = inside.partition("|")
    words = _unescaped(label)
    date = _DATE.fullmatch(what)
    if _PERSON.fullmatch(what) or _GROUP.fullmatch(what) or what in _EVERYONE:
        live.append(Live("mention", what))
        return words or f"@{what.lstrip('@!')}"
    if _CHANNEL.fullmatch(what):
        live.append(Live("channel", what))
        return words or what
    if date is not None and bar:
        live.append(Live("date", what))
        if date[1]:
            live.append(Live("link", date[1]))
        return words
    if _LINK.fullmatch(what) and not _BARE_AMPERSAND.search(inside):
        live.append(Live("link", _unescaped(what)))
        return words or _unescaped(what)
    raise Malformed(f"<{inside[:60]}> is nothing that Slack knows")


def _bare_addresses(text: str) -> list[str]:
    found = (one[0].rstrip(".,;:!?)'\"*_~`]") for one in _BARE.finditer(text))
    return [one for one in found if "://" in one or is_known(re.split("[/?#]", one.rpartition("@")[2])[0])]


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _whole(text: str, kept: list[str]) -> str:
    """The text, unescaped once, with the pieces in it that were read before."""
    parts = _KEPT.split(text)
    return "".join(kept[int(part)] if number % 2 else _unescaped(part) for number, part in enumerate(parts))
