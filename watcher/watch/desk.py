"""One transaction for what a look or a moment brings: rows, transitions, alerts, and the messages that follow."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from watcher.alerts.board import Board, GroupRecord, Utterance
from watcher.alerts.compose import Composer
from watcher.alerts.episodes import Change, EpisodeChange, Reading, reconcile, vanished
from watcher.alerts.identity import alert_of, fingerprint
from watcher.alerts.troubles import Troubles
from watcher.model.alert import EndReason, Episode, Origin
from watcher.model.codec import to_json
from watcher.model.decision import Decided, Hush, Why
from watcher.model.message import Message, Say
from watcher.model.subject import TaskChange
from watcher.model.times import DAY, Millis, iso
from watcher.model.trouble import Trouble
from watcher.rules.engine import Engine
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.tracker import Verdict
from watcher.store.meta import RuleRecord
from watcher.store.store import Store
from watcher.watch.closings import Closings
from watcher.watch.recall import acts_of_people, recall
from watcher.watch.watermarks import Watermarks

_log = structlog.get_logger()

_NOTES = "notes"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the desk decides by.

    Args:
        rules: the loaded set.
        targets: channel → keys of its targets.
        learn: the past is learnt, not paged (`alerts.baseline: learn`).
    """

    rules: Sequence[Rule]
    targets: Mapping[str, Sequence[str]]
    learn: bool = True
    max_age: Millis = DAY


class Desk:
    """Judges and speaks. All its memory can be had again from the store.

    Every method that writes must be called inside `store.atomic()`; after a failed one, `restore`.
    """

    def __init__(self, store: Store, policy: Policy, board: Board, composer: Composer, watermarks: Watermarks) -> None:
        self._store = store
        self._policy = policy
        self._board = board
        self._composer = composer
        self._watermarks = watermarks
        self._engine = Engine([rule for rule in policy.rules if not rule.of_watcher], store.past, watermarks)
        self._of_watcher = {rule.name: rule for rule in policy.rules if rule.of_watcher}
        self._troubles = Troubles(list(self._of_watcher.values()))
        self._closings = Closings(store, {rule.name for rule in policy.rules if rule.closing}, composer.links)
        self._open: dict[str, list[Episode]] = {}
        self._records: dict[str, GroupRecord] = {}
        self._notes: list[str] = []
        self._acts_seen: int | None = None
        self._closed: dict[str, int] = {}
        self._told_faults: set[str] = set()
        self.unseen: tuple[Millis, Millis] | None = None
        """The last stretch in which nobody looked."""

    # --- memory

    def restore(self, now: Millis) -> None:
        """Take everything up from the store, as after a start; a rule that was edited announces nothing old."""
        self._read_back(now)
        self._notes = json.loads(self._store.meta.get(_NOTES) or "[]")
        ran = self._store.meta.rules()
        edited = {rule.name for rule in self._policy.rules if ran and _digest(ran, rule.name) != rule.digest}
        last_look = self._store.fleet.last_look()
        records = {
            rule.name: RuleRecord(rule.digest, last_look if rule.name in edited else _edited_at(ran, rule.name))
            for rule in self._policy.rules
        }
        self._engine.edited(
            {name: record.edited_at for name, record in records.items() if record.edited_at is not None}
        )
        standing = {episode.id: episode for found in self._open.values() for episode in found}
        self._engine.rebuild()
        self._engine.drop_gone({Scope(*place) for place in self._store.fleet.gone()})
        for verdict in self._engine.settle(()):
            self._apply(verdict, self._reading(verdict.key[0], edited, now), now)
            judged = fingerprint(*verdict.key)
            for episode in [e for e in standing.values() if e.alert.fingerprint == judged]:
                del standing[episode.id]
        for episode in standing.values():
            if episode.alert.rule in self._of_watcher:
                continue
            reading = self._reading(episode.alert.rule, edited, now)
            self._write(EpisodeChange(Change.CORRECTED, vanished(episode, reading)), now)
        self._note_edits(edited & ran.keys(), ran.keys() - records.keys())
        self._store.meta.set_rules(records)
        self._read_back(now)

    def _reading(self, rule: str, edited: set[str], now: Millis) -> Reading:
        if rule not in self._engine.rules:
            return Reading(now, vanished=EndReason.REMOVED)
        if rule in edited:
            return Reading(now, vanished=EndReason.EDITED)
        return Reading(now)

    def _note_edits(self, changed: set[str], removed: set[str]) -> None:
        for name in sorted(changed | removed):
            go_on = sum(episode.alert.rule == name for found in self._open.values() for episode in found)
            what = "changed" if name in changed else "removed"
            closed = self._closed.get(name, 0)
            self._notes.append(f"rule {name} {what}: {closed} closed, {go_on} go on")
            _log.info("rule edited", rule=name, what=what, closed=closed, go_on=go_on)
        self._closed.clear()
        if changed or removed:
            self._store.meta.set(_NOTES, json.dumps(self._notes))

    def _read_back(self, now: Millis) -> None:
        self._open.clear()
        for episode in self._store.episodes.open():
            self._open.setdefault(episode.alert.fingerprint, []).append(episode)
        self._records = recall(self._board, self._store, now, self._policy.max_age)

    # --- judging

    def take(self, changes: Sequence[TaskChange]) -> None:
        """What a look changed, already written; before the watermarks move."""
        self._engine.take(changes)
        for rule in self._engine.rules.values():
            where = rule.condition.match.where
            if where is not None and where.faults:
                for fault in where.faults.keys() - self._told_faults:
                    _log.warning("where failed on a task, which does not match", rule=rule.name, reason=fault)
                    self._told_faults.add(fault)
                where.faults.clear()

    def judge(self, scopes: Iterable[Scope], now: Millis) -> int:
        """Judge what may have changed; returns how many episodes did."""
        return sum(self._apply(verdict, Reading(now), now) for verdict in self._engine.settle(scopes, now))

    @property
    def postponed(self) -> bool:
        """See `Engine.postponed`."""
        return self._engine.postponed

    def judge_all(self, now: Millis) -> None:
        """Judge also what a storm has postponed."""
        for verdict in self._engine.settle(()):
            self._apply(verdict, Reading(now), now)

    def unsettled(self) -> dict[Scope, Millis]:
        """See `Engine.unsettled`."""
        return self._engine.unsettled()

    def wanted(self, farm_id: str) -> dict[str, Millis]:
        """See `Doubts.wanted`."""
        return self._engine.doubts.wanted(farm_id)

    def next_stuck(self, farm_id: str) -> Millis | None:
        """See `Engine.next_stuck`."""
        return self._engine.next_stuck(farm_id)

    def introduce(self) -> None:
        """Farms or miners came; to be judged after it."""
        self._engine.introduce()

    def remove(self, farm_id: str, miner_id: str | None, now: Millis) -> None:
        """End the alerts of a farm or miner that is gone."""
        for key in self._engine.drop(farm_id, miner_id):
            for episode in list(self._open.get(fingerprint(*key), [])):
                gone = vanished(episode, Reading(now, vanished=EndReason.REMOVED))
                self._write(EpisodeChange(Change.ENDED, gone), now)

    def _apply(self, verdict: Verdict, reading: Reading, now: Millis) -> int:
        rule = self._engine.rules[verdict.key[0]]
        name = fingerprint(*verdict.key)
        if verdict.judged_from is None:
            stored = self._open.get(name, [])
            if not stored and not verdict.closed and verdict.open is None:
                return 0
        else:
            stored = self._store.episodes.of(name, verdict.judged_from)
        alert = alert_of(rule, verdict.key[1], self._store.fleet.names())
        changes = reconcile(alert, stored, verdict, reading)
        for change in changes:
            self._write(change, now)
        return len(changes)

    def _write(self, change: EpisodeChange, now: Millis) -> None:
        episode = change.episode
        episode = replace(episode, id=self._store.episodes.write(episode))
        name = episode.alert.fingerprint
        others = [one for one in self._open.get(name, []) if one.id != episode.id]
        self._open[name] = [*others, episode] if episode.firing else others
        if not self._open[name]:
            del self._open[name]
        self._board.update(episode, now)
        if episode.end_reason in (EndReason.EDITED, EndReason.REMOVED):
            self._closed[episode.alert.rule] = self._closed.get(episode.alert.rule, 0) + 1
        if change.change is not Change.WENT_ON:
            _tell(change.change, episode)
        if episode.origin is Origin.BASELINE and change.change is Change.BEGAN:
            self._store.speech.decided([Decided(now, name, None, episode.id, Why(Hush.BASELINE))])

    def troubled(self, troubles: Sequence[Trouble], now: Millis) -> list[EpisodeChange]:
        """What the watcher's own troubles change; to be written by `note_troubles`."""
        if not self._of_watcher:
            return []
        standing = [one for found in self._open.values() for one in found if one.alert.rule in self._of_watcher]
        return self._troubles.judge(troubles, standing, self._store.fleet.names(), now)

    def note_troubles(self, changes: Iterable[EpisodeChange], now: Millis) -> None:
        for change in changes:
            self._write(change, now)

    # --- speaking

    def next_due(self, now: Millis) -> Millis | None:
        return self._board.next_due(now)

    def heed(self, now: Millis) -> bool:
        """Notice what people did through commands meanwhile; whether that may change what is said."""
        version = self._store.acts.version()
        if version == self._acts_seen:
            return False
        self._acts_seen = version
        return acts_of_people(self._board, self._store, now)

    def speak(self, now: Millis, *, hurry: bool = False) -> int:
        """Put what is due into the outbox; returns how many messages."""
        utterances = self._board.utterances(now, self._watermarks.of(Scope()), hurry=hurry)
        for utterance in utterances:
            self._utter(utterance)
        closings = self._closings.due(self._watermarks, now)
        for message in closings:
            self._queue(message)
        self._store.speech.decided(
            Decided(now, one.episode.alert.fingerprint, one.channel, one.episode.id, one.why)
            for one in self._board.reasons(now)
        )
        for record, group, reason in self._board.records():
            if self._records.get(record.key) != record:
                self._records[record.key] = record
                self._store.speech.write_group(record, group.channel, group.labels, reason)
        return len(utterances) + len(closings)

    def _utter(self, utterance: Utterance) -> None:
        notes = self._take_notes()
        without = [self._store.fleet.names().get(farm, farm) for farm in sorted(self._watermarks.left_out)]
        message = self._composer.message(utterance, notes=notes, unseen=self._gap(utterance), without=without)
        self._queue(message)
        for member in utterance.members:
            episode = member.episode
            self._closings.told(episode, utterance.channel)
            self._store.speech.tell(
                episode.id,
                utterance.channel,
                utterance.id,
                episode.count,
                utterance.at,
                ended=not episode.firing,
            )
        for episode_id in utterance.outgrown:
            self._store.acts.outgrown(episode_id)
        why = Why(utterance.say, utterance.group.destination.key, message=utterance.id)
        self._store.speech.decided(
            Decided(utterance.at, one.episode.alert.fingerprint, utterance.channel, one.episode.id, why)
            for one in utterance.members
            if one.episode.id in utterance.concerned
        )
        _log.info(
            "message queued",
            message=utterance.id,
            channel=utterance.channel,
            reason=utterance.say.value,
            firing=len(utterance.firing),
            ended=len(utterance.ended),
        )

    def _queue(self, message: Message) -> None:
        text = to_json(message)
        for target in self._policy.targets.get(message.channel, ()):
            key = f"{message.id}/{message.channel}/{target}"
            self._store.outbox.add(key, message.channel, target, text, message.at)

    def _take_notes(self) -> list[str]:
        """What the next message says beside its own matter; kept over restarts until it is said."""
        notes, self._notes = self._notes, []
        if notes:
            self._store.meta.set(_NOTES, json.dumps(self._notes))
        return notes

    def _gap(self, utterance: Utterance) -> tuple[Millis, Millis] | None:
        """The gap that a catch-up is about."""
        if utterance.say is not Say.CATCH_UP or self.unseen is None:
            return None
        start, end = self.unseen
        ends = [member.episode.ended_at or end for member in utterance.ended]
        return self.unseen if any(start <= at <= end for at in ends) else None


def _digest(ran: Mapping[str, RuleRecord], name: str) -> str | None:
    return ran[name].digest if name in ran else None


def _edited_at(ran: Mapping[str, RuleRecord], name: str) -> Millis | None:
    return ran[name].edited_at if name in ran else None


def _tell(change: Change, episode: Episode) -> None:
    # What was learnt at the first contact is nobody's news.
    log = _log.debug if episode.origin is Origin.BASELINE else _log.info
    log(
        f"alert {change.value}",
        alert=episode.alert.fingerprint,
        **{name: value for name, value in episode.alert.labels.items() if value is not None},
        origin=episode.origin.value,
        count=episode.count,
        started_at=iso(episode.started_at),
        **({} if episode.ended_at is None else {"ended_at": iso(episode.ended_at)}),
        **({} if episode.end_reason is None else {"end": episode.end_reason.value}),
    )
