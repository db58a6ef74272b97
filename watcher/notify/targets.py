"""Channels and their targets: one place that gets one copy of a message. Which places
a URL names, apprise knows; here they get keys and names that tell no secret."""

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from watcher.errors import WatcherError
from watcher.model.times import Millis
from watcher.notify.fit import LIMIT

_METADATA_HOSTS = ("metadata", "metadata.google.internal")


class BadUrl(WatcherError):
    """A channel's URL that nothing can be sent to; the text names it by its number, never by its words."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place to send to.

    Args:
        channel: the channel's name.
        key: unique in the channel and the same as long as the configuration is: `slack-1`.
        schema: the kind of service, as apprise's URLs name it.
        service: the service's name for people: "Telegram".
        place: the URL with everything masked that could be secret.
        limit: how long a body it takes, in UTF-16 units.
        parts: what apprise needs to reach it, secrets included; never shown.
    """

    channel: str
    key: str
    schema: str = "console"
    service: str = "The console"
    place: str = "console"
    limit: int = LIMIT
    parts: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `count` messages to a target in any `per` milliseconds."""

    count: int
    per: Millis


@dataclass(frozen=True, slots=True)
class Channel:
    """A named set of targets.

    Args:
        spacing: the seconds between two messages of the channel, whatever the target (`rate`).
        budget: past it, messages are folded; None without.
        fallback: names of the channels that are told what this one can't be told.
    """

    name: str
    targets: tuple[Target, ...]
    spacing: float = 1.0
    budget: Budget | None = None
    fallback: tuple[str, ...] = ()


def console_channel() -> Channel:
    """The only channel where none is configured."""
    return Channel("console", (Target("console", "console-1"),), spacing=0.0)


def keys(schemas: Iterable[str]) -> Iterator[str]:
    """`slack-1`, `slack-2`, `mailto-1`: counted by schema, so that a URL of another kind renames none."""
    seen: Counter[str] = Counter()
    for schema in schemas:
        seen[schema] += 1
        yield f"{schema}-{seen[schema]}"


def single_targets(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A parsed URL that names several places, as parsed URLs that name one each.

    `to=a@x.org,b@x.org` reaches us as one entry; commas, semicolons and spaces part places for every service.
    """
    entries = parts.get("targets") or ()
    if isinstance(entries, str):
        entries = (entries,)
    places = [place for entry in entries for place in _places(entry)]
    return [{**parts, "targets": [place]} for place in places] or [dict(parts)]


def _places(entry: object) -> list[object]:
    if not isinstance(entry, str) or '"' in entry or "<" in entry:  # "Smith, Bob" <bob@x.org> is one
        return [entry]
    return list(entry.replace(",", " ").replace(";", " ").split())


def refused_host(host: object) -> bool:
    """Whether the host is where clouds keep their machines' secrets (link-local addresses)."""
    name = str(host or "").strip("[]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name in _METADATA_HOSTS
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_link_local


def masked_place(private_url: str) -> str:
    """Scheme and host of apprise's masked URL: the rest may hold what it does not know to be secret."""
    schema, _, rest = private_url.partition("://")
    host = rest.partition("?")[0].partition("/")[0].rpartition("@")[2]
    return f"{schema}://{host}/…"


def secrets(parts: Mapping[str, Any]) -> tuple[str, ...]:
    """All words of a parsed URL that are long enough to be secret, longest first."""
    texts = {text for value in parts.values() for text in _strings(value)}
    words = texts.union(*(text.split("/") for text in texts))
    return tuple(sorted((word for word in words if len(word) >= 5), key=len, reverse=True))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _strings(part)
