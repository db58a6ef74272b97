"""Cutting a message to what a service takes, at the end of a line, and saying so."""

LIMIT = 3500
"""UTF-16 units (in which Telegram counts): with its title such a body fits every chat service."""


def units(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)


def cut(text: str, limit: int) -> str:
    """The text, or as much of its beginning as takes `limit` units with an ellipsis; `limit` from 1."""
    if units(text) <= limit:
        return text
    kept, room = 0, limit - 1
    for sign in text:
        room -= 2 if sign > "\uffff" else 1
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def fit(lines: list[str], foot: list[str], limit: int) -> str:
    """The lines and the foot in at most `limit` units; the foot, which names the message, goes last."""
    whole = "\n".join([*lines, *foot])
    if units(whole) <= limit:
        return whole
    room = limit - units("\n".join([_more(len(lines)), *foot])) - 1
    longest_first = max(1, room)
    kept = 0
    for line in lines:
        room -= units(line) + (1 if kept else 0)
        if room < 0:
            break
        kept += 1
    shown = lines[:kept] or [cut(line, longest_first) for line in lines[:1]]
    gone = len(lines) - len(shown)
    return cut("\n".join([*shown, *([_more(gone)] if gone else []), *foot]), limit)


def _more(lines: int) -> str:
    return f"… and {lines} more lines" if lines > 1 else "… and 1 more line"
