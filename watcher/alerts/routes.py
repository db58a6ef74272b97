"""Which channels an alert goes to, and with whom it shares a message. Names and semantics as in Alertmanager."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from watcher.alerts.mute_times import NEVER, Mutes
from watcher.model.alert import Alert
from watcher.model.message import Severity
from watcher.model.times import MINUTE, SECOND, Millis
from watcher.rules.match import any_test

DEFAULT_WAIT: Millis = 30 * SECOND
DEFAULT_INTERVAL: Millis = 5 * MINUTE
DEFAULT_REPEAT: Millis = 4 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Timers:
    """When a group speaks (ms). None leaves it to the alerts: no wait for a critical one, else 30 s; no
    repeats for alerts of single events, else every 4 h.

    Args:
        wait: `group_wait`.
        interval: `group_interval`.
        repeat: `repeat_interval`; 0 for never.
    """

    wait: Millis | None = None
    interval: Millis = DEFAULT_INTERVAL
    repeat: Millis | None = None

    def wait_for(self, severities: Iterable[Severity]) -> Millis:
        if self.wait is not None:
            return self.wait
        return 0 if Severity.CRITICAL in severities else DEFAULT_WAIT

    def repeat_for(self, *, single_events: bool) -> Millis:
        if self.repeat is not None:
            return self.repeat
        return 0 if single_events else DEFAULT_REPEAT


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom else to tell if nobody acts.

    Args:
        after: so long after the alert was first told (ms).
    """

    after: Millis
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One route, compiled.

    Args:
        match: label → test of its value; all must hold.
    """

    match: Mapping[str, Callable[[str | None], bool]]
    channels: tuple[str, ...]
    group_by: tuple[str, ...]
    timers: Timers
    goes_on: bool = False
    mutes: Mutes = NEVER
    escalation: Escalation | None = None

    def takes(self, labels: Mapping[str, str | None]) -> bool:
        return all(test(labels.get(name)) for name, test in self.match.items())


@dataclass(frozen=True, slots=True)
class Destination:
    """One group an alert belongs to, on one channel.

    Args:
        key: stable over restarts, of the channel and the group's labels.
        after: of an escalation, how long after an alert was first told elsewhere it is told here (ms).
        route: the number of the route that leads here.
    """

    key: str
    channel: str
    labels: Mapping[str, str | None]
    timers: Timers
    mutes: Mutes = NEVER
    after: Millis | None = None
    route: int = 0


def compile_route(
    match: Mapping[str, str | tuple[str, ...]],
    channels: Sequence[str],
    group_by: Sequence[str],
    timers: Timers,
    *,
    goes_on: bool,
    mutes: Mutes = NEVER,
    escalation: Escalation | None = None,
) -> Route:
    """Compile a route of the configuration.

    Raises:
        ValueError: in a sentence, for a pattern that can't be compiled.
    """
    tests = {
        label: any_test(patterns if isinstance(patterns, tuple) else (patterns,)) for label, patterns in match.items()
    }
    return Route(tests, tuple(channels), tuple(group_by), timers, goes_on, mutes, escalation)


def destinations(routes: Sequence[Route], alert: Alert, notify: Sequence[str] | None) -> list[Destination]:
    """The groups of an alert: of the first route that takes it, and of further ones while they say `continue`.

    A rule's own `notify` replaces the channels of the first route, which still gives the timers. A channel that is
    told anyway is not escalated to.
    """
    found: dict[str, Destination] = {}
    higher: list[tuple[int, Mapping[str, str | None], Escalation]] = []
    for number, route in enumerate(routes):
        if not route.takes(alert.labels):
            continue
        labels = {name: alert.labels.get(name) for name in route.group_by}
        for channel in notify if notify is not None else route.channels:
            key = _key(channel, labels)
            found.setdefault(key, Destination(key, channel, labels, route.timers, route.mutes, route=number))
        if route.escalation is not None:
            higher.append((number, labels, route.escalation))
        if notify is not None or not route.goes_on:
            break
    return [*found.values(), *_escalations(routes, higher, {one.channel for one in found.values()})]


def _escalations(
    routes: Sequence[Route], higher: Iterable[tuple[int, Mapping[str, str | None], Escalation]], told: set[str]
) -> Iterator[Destination]:
    for number, labels, escalation in higher:
        route = routes[number]
        for channel in escalation.channels:
            if channel not in told:
                told.add(channel)  # by the first route that does
                timers = replace(route.timers, wait=0, repeat=0)
                key = _key(f"escalated to {channel}", labels)
                yield Destination(key, channel, labels, timers, route.mutes, escalation.after, number)


def elsewhere(found: Sequence[Destination], broken: str, channels: Iterable[str]) -> list[Destination]:
    """That a channel is broken is told on another one: on those meant, else on all others there are."""
    meant = [destination for destination in found if destination.channel != broken]
    if any(one.after is None for one in meant) or not found:
        return meant
    first = found[0]
    return [
        replace(first, key=_key(channel, first.labels), channel=channel) for channel in channels if channel != broken
    ]


def _key(channel: str, labels: Mapping[str, str | None]) -> str:
    return sha256(json.dumps([channel, labels], sort_keys=True).encode()).hexdigest()[:16]
