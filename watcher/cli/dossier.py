"""What the store and the configuration say of an alert's way: read for `explain` and `why-not`, and put as values."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.alerts.board import Board, Voice
from watcher.alerts.routes import Destination
from watcher.cli.common import reader
from watcher.errors import ConfigError
from watcher.model.alert import Episode
from watcher.model.decision import Decided
from watcher.model.times import Millis, duration_text
from watcher.replay.figures import Retelling
from watcher.replay.gates import Channel
from watcher.replay.parcels import Attempt, Parcel, Sent
from watcher.rules.rule import Rule
from watcher.watch.recall import recall

if TYPE_CHECKING:
    from watcher.config import Reading
    from watcher.loading import Loaded
    from watcher.store.outbox import OutboxRecord
    from watcher.store.store import Store


@dataclass(slots=True)
class _Own:
    """What the store holds of one episode, up to a moment."""

    decisions: list[Decided]
    sent: list[Sent] = field(default_factory=list)


class Dossier:
    """Args:
    loaded: the configuration and the rules as they are on the disk; None where they are wrong.
    faults: what is wrong with them.
    """

    def __init__(self, reading: "Reading", store: "Store", loaded: "Loaded | None", faults: Sequence[str]) -> None:
        self.zone = reading.timezone
        self.store = store
        self.loaded = loaded
        self.faults = list(faults)
        self.rules: dict[str, Rule] = {} if loaded is None else {rule.name: rule for rule in loaded.rules.rules}

    @cached_property
    def present(self) -> Millis:
        """The API's present at the last look: nothing in the store is later."""
        return self.store.fleet.last_look() or 0

    @cached_property
    def _ran(self) -> dict[str, tuple[str, Millis | None]]:
        return {name: (record.digest, record.edited_at) for name, record in self.store.meta.rules().items()}

    @cached_property
    def board(self) -> Board | None:
        """The daemon's groups as the store has them."""
        if self.loaded is None:
            return None
        from watcher.loading import damping, voices

        told = {name: Voice(name, resolved) for name, resolved in voices(self.loaded.settings).items()}
        max_age = self.loaded.settings.alerts.max_age
        damped = damping(self.loaded.settings)
        board = Board(self.loaded.routes, self.rules, told, max_age=max_age, damping=damped)
        recall(board, self.store, self.present, max_age)
        return board

    def place(self, rule: Rule) -> str:
        """Where a rule stands, as file:line."""
        if self.loaded is None:
            return ""
        place = self.loaded.rules.places[rule.name]
        return f"{place.document.path}:{place.document.place(('rules', place.index)).line}"

    def edited_at(self, rule: str) -> Millis | None:
        """When the daemon took the last edit of a rule."""
        return self._ran.get(rule, ("", None))[1]

    def doubts(self, name: str) -> list[str]:
        """What speaks against believing the rule on the disk to be the one that decided."""
        rule, ran = self.rules.get(name), self._ran.get(name)
        if self.faults:
            return [f"the rules can't be read, so only what was stored is told: {self.faults[0]}"]
        if rule is None:
            return [f"there is no rule {name} any more: only what was stored is told"]
        if ran is None:
            return [f"no daemon has run rule {name} yet"]
        if ran[0] != rule.digest:
            return [f"rule {name} was changed on the disk since the daemon ran it: what follows is by the new one"]
        return []

    def retelling(self, rule: Rule) -> Retelling:
        return Retelling(rule, self.store.past, self.edited_at(rule.name))

    def known_to(self, farm_id: str | None) -> Millis | None:
        """Up to when everything of a farm is known, or (None) of all of them."""
        farms = [farm for farm in self.store.fleet.standing() if farm_id in (None, farm.farm.id)]
        marks = [farm.watermark for farm in farms]
        return None if not marks or None in marks else min(at for at in marks if at is not None)

    def decisions(self, alert: str, until: Millis) -> list[Decided]:
        return self.store.speech.decisions(alert, until)

    def channels(self, episode: Episode, until: Millis | None = None) -> list[Channel]:
        """An episode's way to each channel, now or as of a moment."""
        at = self._latest if until is None else until
        own = self._own(episode, at)
        current = self.board.standing(episode.id, self.present) if self.board is not None and until is None else {}
        routes = {} if self.board is None else {one.channel: one for one in self.board.destinations(episode)}
        told = [one.channel for one in own.sent] + [one.channel for one in own.decisions if one.channel]
        found = []
        for name in dict.fromkeys([*routes, *told]):
            decided = [one.why for one in own.decisions if one.channel == name and one.why.message is None]
            why = current.get(name) or (decided[-1] if decided else None)
            last = next((one for one in reversed(own.decisions) if one.channel == name), None)
            if name not in current and last is not None and last.why.message is not None:
                why = last.why
            sent = [one.as_of(at) for one in own.sent if one.channel == name]
            ended = episode.ended_at is not None and episode.ended_at <= at
            rule = self.rules.get(episode.alert.rule)
            unless = () if rule is None else tuple(sorted(rule.unless))
            found.append(Channel(name, self._route(episode, routes.get(name)), why, sent, ended, unless))
        return found

    _latest: Millis = 1 << 62

    def _own(self, episode: Episode, until: Millis) -> _Own:
        decisions = [
            one
            for one in self.decisions(episode.alert.fingerprint, until)
            if one.episode == episode.id or (not one.episode and one.at >= episode.known_at)
        ]
        said: dict[tuple[str, str], tuple[str, Millis]] = {
            (one.why.message, one.channel): (one.why.reason.value, one.at)
            for one in decisions
            if one.why.message is not None and one.channel is not None
        }
        for _, channel, message, at in self.store.speech.told_of([episode.id]):
            if at <= until:
                said.setdefault((message, channel), (self._say(message), at))
        sent = [
            Sent(message, channel, say, at, self._parcels(message)) for (message, channel), (say, at) in said.items()
        ]
        return _Own(decisions, sorted(sent, key=lambda one: one.at))

    def _say(self, message: str) -> str:
        """Why a message was sent that merely counted the alert along."""
        from watcher.model.codec import from_json

        rows = self.store.outbox.of_messages([message])
        return from_json(rows[0].message).say.value if rows else "told"

    def _parcels(self, message: str) -> tuple[Parcel, ...]:
        """Where a message went: to its targets, from there into a digest, or to a channel that stands in."""
        left, found = self.store.outbox.of_messages([message]), list[Parcel]()
        while left:
            record = left.pop(0)
            found.append(self._parcel(record))
            left += self.store.outbox.fallbacks(record.id)
            if record.folded_into is not None and (digest := self.store.outbox.record(record.folded_into)):
                left.append(digest)
        return tuple(found)

    def _parcel(self, record: "OutboxRecord") -> Parcel:
        target, reason = record.target, record.reason
        if record.fallback_of is not None:
            target = f"{record.channel} instead ({record.target})"
        if record.folded_into is not None:
            digest = self.store.outbox.record(record.folded_into)
            reason = "no longer kept" if digest is None else digest.message_id
        attempts = tuple(Attempt(*one) for one in self.store.outbox.deliveries(record.id))
        return Parcel(target, record.state, attempts, record.next_at, record.finished_at, reason)

    def _route(self, episode: Episode, found: Destination | None) -> str:
        if self.loaded is None:
            return "as the routes were then"
        if found is None:
            return "the routes lead it elsewhere now"
        labels = " ".join(f"{name}={value or '(none)'}" for name, value in found.labels.items()) or "(all)"
        rule = self.rules.get(episode.alert.rule)
        timers = found.timers
        repeat = timers.repeat_for(single_events=rule is not None and rule.of_single_events)
        wait = duration_text(timers.wait_for([episode.alert.severity]))
        said = f"group_wait {wait}, group_interval {duration_text(timers.interval)}"
        again = f"repeat_interval {duration_text(repeat) if repeat else 'never'}"
        own = "" if rule is None or rule.notify is None else " by the rule's notify"
        if found.after is not None:
            return f"routes[{found.route}], escalated {duration_text(found.after)} after it was first told, {labels}"
        return f"routes[{found.route}]{own}, group {labels}: {said}, {again}"


def open_dossier(config: Path | None) -> Dossier:
    """Read the configuration without its secrets, and the store beside a running daemon.

    Raises:
        ConfigError: there is no configuration.
        StoreError: the store can't be read.
    """
    from watcher.cli.rules.secrets import WithoutSecrets
    from watcher.config import find
    from watcher.loading import load_all

    reading, store = reader(config)
    try:
        loaded = load_all(find(config, os.environ), WithoutSecrets())
    except ConfigError as error:
        # At the worst moment somebody has just saved a wrong edit: what is stored can be told all the same.
        return Dossier(reading, store, None, [str(fault) for fault in error.faults])
    return Dossier(reading, store, loaded, [])


def latest(episodes: Iterable[Episode], at: Millis) -> Episode | None:
    """The episode that fires at a moment, else the last one that began before it."""
    begun = [one for one in episodes if one.started_at <= at]
    return max(begun, key=lambda one: (one.ended_at is None or one.ended_at > at, one.started_at), default=None)
