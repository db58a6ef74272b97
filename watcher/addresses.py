"""The addresses in the configuration file, and what is wrong with one."""

from urllib.parse import urlsplit

from watcher.alerts.links import app_url_fault
from watcher.model.secret import Secret


def checked_base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or text != "".join(text.split()):
        raise ValueError("must be an address that begins with https:// (or http://)")
    if parts.query or parts.fragment or parts.username is not None or "?" in text or "#" in text:
        raise ValueError("must be an address without query, fragment, user name or password")
    return text.rstrip("/")


def checked_app_url(text: str) -> str:
    """A template of links; what stands in its braces is put in where a message is made."""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and "{" not in parts.netloc
    except ValueError:
        sound = False
    if not sound or not text.isprintable() or not text.isascii() or any(sign in text for sign in " \"'<>`|\\()[]*"):
        raise ValueError("must be an address that begins with https:// (or http://) and names {batch} or {miner}")
    if parts.username is not None:
        raise ValueError("must be an address without user name or password: messages show it")
    fault = app_url_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def checked_channel_url(text: str) -> Secret:
    if "://" not in text:
        raise ValueError("expected a URL that apprise knows, such as slack://… or https://hooks.slack.com/…")
    return Secret(text)


def checked_ping_url(text: str) -> Secret:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("must be an address that begins with https:// (or http://)")
    return Secret(text)
