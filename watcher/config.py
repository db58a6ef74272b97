"""Finds the configuration file and makes of it the settings, or every fault at once. What the file may hold
is `settings`'s; whether the labels that routes name exist is checked with the rules."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from watcher.errors import ConfigError, Fault
from watcher.model.secret import Secret
from watcher.references import Resolved, first_line, key_path, resolve
from watcher.rules.composing import Where
from watcher.rules.document import Document, read
from watcher.rules.validation import validate
from watcher.rules.wording import listed, quoted, suggestion
from watcher.settings import File, ForReading, Route, Settings

CONFIG_VARIABLE = "NONCE_WATCHER_CONFIG"
KEY_VARIABLE = "NONCE_API_KEY"
KEY_CREDENTIAL = "nonce-api-key"
USUAL_PLACES = [Path("config.yaml"), Path("/etc/nonce-watcher/config.yaml")]

_LOCALTIME = Path("/etc/localtime")

CONSOLE = "console"
"""The channel there is where none is configured."""


def find(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: of `--config`, else the environment, else one of the usual places.

    Raises:
        ConfigError: there is none; says where it was looked for.
    """
    named = option or environ.get(CONFIG_VARIABLE)
    places = [Path(named)] if named else USUAL_PLACES
    for place in places:
        if _exists(place):
            return place
    looked = listed(str(place) for place in places)
    raise ConfigError(
        [Fault(str(places[0]), 0, 0, f"there is no {looked}; `nonce-watcher init` writes a configuration")]
    )


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return True  # reading it will say so
    except (OSError, ValueError):
        return False
    return True


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a file.

    Raises:
        ConfigError: with every fault of the file.
    """
    written = read(path)
    resolved = resolve(written, environ)
    document = resolved.document
    faults = [*_route_faults(document), *_daily_faults(document), *_fallback_faults(document)]
    file, api_key = None, None
    try:
        file = validate(document, File)
    except ConfigError as error:
        faults += error.faults
    try:
        api_key = _api_key(document, environ)
    except ConfigError as error:
        faults += error.faults
    led_nowhere = {(fault.line, fault.column) for fault in resolved.faults}
    faults = [resolved.discreet(fault) for fault in faults if (fault.line, fault.column) not in led_nowhere]
    faults += resolved.faults
    if faults or file is None or api_key is None:
        raise ConfigError(faults)
    return Settings(
        nonce=file.nonce,
        api_key=api_key,
        poll=file.poll,
        store=file.store.model_copy(update={"path": path.parent / file.store.path}),
        rules=path.parent / file.rules,
        timezone=file.timezone or _local_zone(environ),
        alerts=file.alerts,
        channels=file.channels,
        routes=file.routes or (Route(channels=tuple(file.channels) or (CONSOLE,)),),
        daily=file.daily,
        mute_times=file.mute_times,
        heartbeat=file.heartbeat,
        log=file.log,
        warnings=tuple(_warnings(path, written, resolved)),
        document=written,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the store and the rules are, and in which zone times are shown."""

    store: Path
    timezone: tzinfo
    rules: Path


def for_reading(path: Path, environ: Mapping[str, str]) -> Reading:
    """What a command needs that only looks: it works without the secrets, whatever else is wrong in the file.

    Raises:
        ConfigError: the file cannot be read, or these parts of it are wrong.
    """
    file = validate(read(path), ForReading)
    return Reading(path.parent / file.store.path, file.timezone or _local_zone(environ), path.parent / file.rules)


def _route_faults(document: Document) -> Iterator[Fault]:
    """Looks at what is written, whatever else is wrong with it, so that all faults come out at once."""
    channels, routes = document.data.get("channels"), document.data.get("routes")
    known = channels if isinstance(channels, dict) and channels else {CONSOLE: None}
    if not isinstance(routes, tuple) or not routes:
        return
    for index, route in enumerate(routes):
        if isinstance(route, dict):
            yield from _route_names(document, index, route, known)
    if isinstance(routes[-1], dict) and routes[-1].get("match"):
        text = "the last route must match everything: add one without match below"
        yield document.key_fault(("routes", len(routes) - 1, "match"), text)


def _route_names(document: Document, index: int, route: Mapping[str, Any], known: Iterable[str]) -> Iterator[Fault]:
    """The channels and mute times that a route names must be there."""
    if route.get("channels") == ():
        yield document.fault(("routes", index, "channels"), "must name at least one channel")
    yield from _unknown(document, ("routes", index, "channels"), route.get("channels"), "channel", known)
    times = document.data.get("mute_times")
    names = times if isinstance(times, dict) else ()
    yield from _unknown(document, ("routes", index, "mute_times"), route.get("mute_times"), "mute time", names)
    escalate = route.get("escalate")
    higher = escalate.get("channels") if isinstance(escalate, dict) else None
    where = ("routes", index, "escalate", "channels")
    yield from _unknown(document, where, higher, "channel", known)
    told = route.get("channels")
    for position, name in enumerate(higher if isinstance(higher, tuple) else ()):
        if isinstance(told, tuple) and name in told:
            yield document.fault((*where, position), f"{quoted(str(name))} is told by this route anyway")


def _unknown(
    document: Document,
    where: Where,
    names: Any,  # noqa: ANN401 - what the operator wrote
    kind: str,
    known: Iterable[str],
) -> Iterator[Fault]:
    for position, name in enumerate(names if isinstance(names, tuple) else ()):
        if isinstance(name, str) and name not in known:
            text = f"there is no {kind} {quoted(name)}{suggestion(name, known)}"
            yield document.fault((*where, position), text)


def _daily_faults(document: Document) -> Iterator[Fault]:
    channels, daily = document.data.get("channels"), document.data.get("daily")
    known = channels if isinstance(channels, dict) and channels else {CONSOLE: None}
    told = daily.get("channels") if isinstance(daily, dict) else None
    yield from _unknown(document, ("daily", "channels"), told, "channel", known)


def _fallback_faults(document: Document) -> Iterator[Fault]:
    """Channels that fall back on what is not there, or on each other."""
    channels = document.data.get("channels")
    if not isinstance(channels, dict):
        return
    named = {name: _fallbacks(channel) for name, channel in channels.items()}
    for name, others in named.items():
        for position, other in enumerate(others):
            where: Where = ("channels", name, "fallback", position)
            if isinstance(other, str) and other not in named:
                yield document.fault(where, f"there is no channel {quoted(other)}{suggestion(other, named)}")
            elif isinstance(other, str) and _leads_to(other, name, named):
                yield document.fault(where, f"{quoted(other)} falls back on {quoted(name)}: a circle helps nobody")


def _fallbacks(channel: object) -> tuple[object, ...]:
    found = channel.get("fallback") if isinstance(channel, dict) else None
    return found if isinstance(found, tuple) else ()


def _leads_to(start: str, end: str, named: Mapping[str, tuple[object, ...]]) -> bool:
    """Whether one channel's fallbacks, and theirs, come to another."""
    seen: set[object] = set()
    left: list[object] = [start]
    while left:
        channel = left.pop()
        if channel == end:
            return True
        if channel not in seen and isinstance(channel, str):
            seen.add(channel)
            left += named.get(channel, ())
    return False


def _api_key(document: Document, environ: Mapping[str, str]) -> Secret | None:
    """The key that the file gives or names, else the systemd credential, else of the environment.

    None where the file says something of the wrong kind, which is told elsewhere.

    Raises:
        ConfigError: there is no key, or it cannot be read.
    """
    nonce = document.data.get("nonce")
    if not isinstance(nonce, dict):
        return None
    key, named = nonce.get("api_key"), nonce.get("api_key_file")
    credential = Path(environ.get("CREDENTIALS_DIRECTORY", ""), KEY_CREDENTIAL)
    if key is not None and named is not None:
        where: Where = ("nonce", "api_key_file")
        raise ConfigError([document.key_fault(where, 'either "api_key" or "api_key_file", not both')])
    if key is not None:
        return Secret(key) if isinstance(key, str) else None
    if named is not None:
        if not named or not isinstance(named, str):
            return None
        return _key_of_file(document, ("nonce", "api_key_file"), Path(document.path).parent / named)
    if credential.is_absolute() and _exists(credential):
        return _key_of_file(document, ("nonce",), credential)
    if from_environment := environ.get(KEY_VARIABLE, "").strip():
        return Secret(from_environment)
    text = f'no API key: set {KEY_VARIABLE}, or "api_key_file", or the systemd credential {KEY_CREDENTIAL}'
    raise ConfigError([document.key_fault(("nonce",), text)])


def _key_of_file(document: Document, where: Where, path: Path) -> Secret:
    try:
        return Secret(first_line(path))
    except LookupError as error:
        raise ConfigError([document.fault(where, f"no API key: {error.args[0]}")]) from None


def _warnings(path: Path, document: Document, resolved: Resolved) -> Iterator[Fault]:
    inline = [where for where in _secret_places(document.data) if where not in resolved.secret]
    for where in inline:
        yield document.fault(
            where, f"{key_path(where)} stands here in the open: rather write ${{NAME}} or ${{file:PATH}}"
        )
    if inline and path.stat().st_mode & stat.S_IROTH:
        yield Fault(document.path, 0, 0, f"holds secrets and everybody may read it: chmod o-r {path}")


def _secret_places(data: Mapping[str, Any]) -> Iterator[Where]:
    if data["nonce"].get("api_key") is not None:
        yield ("nonce", "api_key")
    for name, channel in data.get("channels", {}).items():
        if channel.get("url") is not None:
            yield ("channels", name, "url")
        for index in range(len(channel.get("urls") or ())):
            yield ("channels", name, "urls", index)


def _local_zone(environ: Mapping[str, str]) -> tzinfo:
    """The zone of the variable TZ, else of the machine; UTC where neither tells."""
    name = environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (LookupError, ValueError, OSError):
        return UTC
