"""Configuration and rules together: loaded whole, or refused with every fault of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from watcher.alerts.flapping import Damping
from watcher.alerts.mute_times import Hours, Mutes, MuteTime
from watcher.alerts.routes import Escalation, Route, Timers, compile_route
from watcher.config import CONSOLE, for_reading, load
from watcher.errors import ConfigError, Fault
from watcher.reload import content
from watcher.rules.load import RuleSet, load_rules
from watcher.rules.wording import quoted, suggestion
from watcher.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that works.

    Args:
        read: what the rule files held just before they were loaded (`content`); what is saved later is an edit.
        routes: compiled, in order; the last takes everything.
        warnings: what works, but is hardly meant.
    """

    settings: Settings
    rules: RuleSet
    read: str | None
    routes: tuple[Route, ...]
    warnings: tuple[Fault, ...]


def load_all(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Load the configuration and its rules.

    Raises:
        ConfigError: with every fault of all files.
    """
    try:
        settings = load(path, environ)
    except ConfigError as error:
        raise ConfigError([*error.faults, *_rule_faults(path, environ)]) from error
    return _with_rules(settings)


def with_rules_of_now(loaded: Loaded) -> Loaded:
    """The same configuration with its rules as they are on the disk now.

    Raises:
        ConfigError: with every fault of all rule files.
    """
    return _with_rules(loaded.settings)


def _rule_faults(path: Path, environ: Mapping[str, str]) -> Sequence[Fault]:
    """Those of the rules beside a configuration that is wrong, so that all come out at once."""
    try:
        load_rules(for_reading(path, environ).rules)
    except ConfigError as error:
        return [fault for fault in error.faults if fault.path != str(path)]
    return ()


def _with_rules(settings: Settings) -> Loaded:
    read = content(settings.rules)
    rules = load_rules(settings.rules)
    faults = [*_label_faults(settings, rules)]
    if settings.channels:
        faults += _notify_faults(settings, rules)
        warnings: list[Fault] = []
    else:
        warnings = list(_unheard(rules))
        rules = replace(rules, rules=tuple(replace(rule, notify=None) for rule in rules.rules))
    routes: list[Route] = []
    muted = _mute_times(settings)
    for index, said in enumerate(settings.routes):
        timers = Timers(
            wait=said.group_wait,
            interval=said.group_interval,
            repeat=0 if said.repeat_interval == "never" else said.repeat_interval,
        )
        mutes = Mutes(tuple(muted[name] for name in said.mute_times))
        higher = said.escalate
        escalation = None if higher is None else Escalation(higher.after, higher.channels)
        compiled = partial(compile_route, goes_on=said.goes_on, mutes=mutes, escalation=escalation)
        try:
            routes.append(compiled(said.match, said.channels, said.group_by, timers))
        except ValueError as error:
            faults.append(settings.document.fault(("routes", index, "match"), str(error)))
    if faults:
        raise ConfigError(faults)
    return Loaded(settings, rules, read, tuple(routes), (*settings.warnings, *rules.warnings, *warnings))


def _mute_times(settings: Settings) -> dict[str, MuteTime]:
    return {
        name: MuteTime(name, tuple(Hours(one.weekdays, one.times, one.timezone or settings.timezone) for one in said))
        for name, said in settings.mute_times.items()
    }


def damping(settings: Settings) -> Damping | None:
    """When an alert counts as flapping."""
    said = settings.alerts.flapping
    return None if said is None else Damping(said.changes, said.within)


def _label_faults(settings: Settings, rules: RuleSet) -> Iterator[Fault]:
    """A route, a `group_by` that names a label no rule carries would never do what it says."""
    known = rules.label_names
    document = settings.document
    for index, route in enumerate(settings.routes):
        for label in route.match:
            if label not in known:
                text = f"no rule carries the label {quoted(label)}{suggestion(label, sorted(known))}"
                yield document.key_fault(("routes", index, "match", label), text)
        if ("routes", index, "group_by") not in document.places:
            continue
        for position, label in enumerate(route.group_by):
            if label not in known:
                text = f"no rule carries the label {quoted(label)}{suggestion(label, sorted(known))}"
                yield document.fault(("routes", index, "group_by", position), text)


def _notify_faults(settings: Settings, rules: RuleSet) -> Iterator[Fault]:
    channels = sorted(settings.channels)
    for rule in rules.rules:
        for channel in rule.notify or ():
            if channel not in settings.channels:
                text = f"there is no channel {quoted(channel)}{suggestion(channel, channels)}"
                yield rules.places[rule.name].fault("notify", text)


def _unheard(rules: RuleSet) -> Iterator[Fault]:
    """Without any channel there is the console, for every rule."""
    for rule in rules.rules:
        for channel in rule.notify or ():
            if channel != CONSOLE:
                text = f"there is no channel {quoted(channel)}, there are none at all: it is told on the console"
                yield rules.places[rule.name].fault("notify", text)


def voices(settings: Settings) -> Mapping[str, bool]:
    """Every channel's name, and whether it wants to hear of ends."""
    if not settings.channels:
        return {CONSOLE: True}
    return {name: channel.send_resolved for name, channel in settings.channels.items()}
