"""Slack's Block Kit as a message may hold it: which fields a block has, how long they may be, what is seen of it."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.standins.mrkdwn import Malformed, plain, shown
from tests.standins.verdict import Live, Refused, Seen

_SECTION_TEXT = 3000
_FIELD_TEXT = 2000
_HEADER_TEXT = 150
_BUTTON_TEXT = 75
_URL = 3000
_ALT_TEXT = 2000
_ID = 255

Part = Mapping[str, Any]


def block_seen(block: Any, place: str, *, names: bool = False) -> Seen:
    """What is seen of one block.

    Raises:
        Refused: `invalid_blocks`, with the place and what is wrong.
    """
    if not isinstance(block, dict):
        raise _bad(place, "is no object")
    kind = block.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise _bad(place, f"has the type {kind!r}, which no message holds")
    block_id = block.get("block_id", "")
    if not isinstance(block_id, str) or len(block_id) > _ID:
        raise _bad(place, "has a bad block_id")
    return reader(block, f"{place} ({kind})", names)


def _bad(place: str, what: str) -> Refused:
    return Refused("invalid_blocks", f"{place}: {what}")


def _fields(part: Any, place: str, *known: str) -> Part:
    if not isinstance(part, dict):
        raise _bad(place, "is no object")
    strange = sorted(set(part) - {"type", *known})
    if strange:
        raise _bad(place, f"does not know {', '.join(strange)}")
    return part


def _text(part: Any, place: str, longest: int, names: bool, *, only_plain: bool = False) -> Seen:
    part = _fields(part, place, "text", "emoji", "verbatim")
    kind, text = part.get("type"), part.get("text")
    if kind not in {"plain_text"} | (set() if only_plain else {"mrkdwn"}):
        raise _bad(place, f"a text of the type {kind!r}")
    if "emoji" in part and kind != "plain_text":
        raise _bad(place, "emoji is for plain_text only")
    if "verbatim" in part and kind != "mrkdwn":
        raise _bad(place, "verbatim is for mrkdwn only")
    if not all(isinstance(part.get(key, False), bool) for key in ("emoji", "verbatim")):
        raise _bad(place, "emoji and verbatim are true or false")
    text = _string(text, place, longest)
    try:
        if kind == "plain_text":
            return plain(text, emoji=part.get("emoji", True))
        return shown(text, verbatim=part.get("verbatim", False), names=names)
    except Malformed as error:
        raise _bad(place, str(error)) from None


def _string(text: Any, place: str, longest: int) -> str:
    if not isinstance(text, str) or not text.strip():
        raise _bad(place, "its text is empty")
    units = len(text) + sum(sign > "\uffff" for sign in text) if len(text) * 2 > longest else len(text)
    if units > longest:
        raise _bad(place, f"its text has {units} of at most {longest} characters")
    return text


def _web_address(address: Any, place: str) -> str:
    if not isinstance(address, str) or not address.startswith(("https://", "http://")) or len(address) > _URL:
        raise _bad(place, "has no web address")
    return address


def _list(part: Part, key: str, place: str, most: int) -> list[Any]:
    listed = part.get(key)
    if not isinstance(listed, list) or not 1 <= len(listed) <= most:
        raise _bad(place, f"{key} is no list of 1 to {most}")
    return listed


def _joined(parts: list[Seen]) -> Seen:
    return Seen("\n".join(part.text for part in parts if part.text), tuple(one for part in parts for one in part.live))


def _section(block: Part, place: str, names: bool) -> Seen:
    _fields(block, place, "text", "block_id", "fields", "accessory", "expand")
    parts: list[Seen] = []
    if "text" in block:
        parts.append(_text(block["text"], place, _SECTION_TEXT, names))
    if "fields" in block:
        parts += [_text(one, f"{place} field", _FIELD_TEXT, names) for one in _list(block, "fields", place, 10)]
    if not parts:
        raise _bad(place, "has neither text nor fields")
    if "accessory" in block:
        parts.append(_element(block["accessory"], f"{place} accessory"))
    return _joined(parts)


def _header(block: Part, place: str, names: bool) -> Seen:
    _fields(block, place, "text", "block_id")
    return _text(block.get("text"), place, _HEADER_TEXT, names, only_plain=True)


def _divider(block: Part, place: str, _names: bool) -> Seen:
    _fields(block, place, "block_id")
    return Seen("", ())


def _context(block: Part, place: str, names: bool) -> Seen:
    _fields(block, place, "elements", "block_id")
    return _joined([
        _element(one, place)
        if isinstance(one, dict) and one.get("type") == "image"
        else _text(one, place, _SECTION_TEXT, names)
        for one in _list(block, "elements", place, 10)
    ])  # fmt: skip


def _actions(block: Part, place: str, _names: bool) -> Seen:
    _fields(block, place, "elements", "block_id")
    return _joined([_element(one, place) for one in _list(block, "elements", place, 25)])


def _image(block: Part, place: str, names: bool) -> Seen:
    _fields(block, place, "image_url", "alt_text", "title", "block_id")
    parts = [_element({key: block[key] for key in block if key not in {"title", "block_id"}}, place)]
    if "title" in block:
        parts.append(_text(block["title"], place, _ALT_TEXT, names, only_plain=True))
    return _joined(parts)


def _element(element: Any, place: str) -> Seen:
    """A button or an image; of all other elements none has a place in an alert."""
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "image":
        image = _fields(element, place, "image_url", "alt_text")
        words = _string(image.get("alt_text"), place, _ALT_TEXT)
        return Seen(words, (Live("image", _web_address(image.get("image_url"), place)),))
    if kind != "button":
        raise _bad(place, f"an element of the type {kind!r}")
    button = _fields(element, place, "text", "action_id", "url", "value", "style", "accessibility_label")
    if button.get("style", "primary") not in {"primary", "danger"}:
        raise _bad(place, "a button's style is primary or danger")
    if not all(isinstance(button.get(key, ""), str) for key in ("action_id", "value")):
        raise _bad(place, "a button's action_id and value are strings")
    if len(button.get("action_id", "")) > _ID or len(button.get("value", "")) > _ALT_TEXT:
        raise _bad(place, "a button's action_id or value is too long")
    label = _text(button.get("text"), f"{place} button", _BUTTON_TEXT, names=False, only_plain=True)
    link = (Live("link", _web_address(button["url"], place)),) if "url" in button else ()
    return Seen(label.text, label.live + link)


_READERS: Mapping[str, Callable[[Part, str, bool], Seen]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "image": _image,
}
