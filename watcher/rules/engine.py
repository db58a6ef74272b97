"""The engine: from what changed about tasks to what each rule's alerts say of it.

It keeps one tracker for every alert that fires or might soon, all of which can be rebuilt from the log. Time
never comes from a clock: alerts are settled up to the watermark of what they are about.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Protocol

from watcher.model.subject import Subject, TaskChange
from watcher.model.times import SECOND, Millis
from watcher.rules.conditions.condition import Past
from watcher.rules.doubts import Doubts, curious
from watcher.rules.event import Event, Role
from watcher.rules.log import Log
from watcher.rules.placing import Index, Placed, part_of, reach, scope_of
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.tracker import AlertKey, Tracker, Verdict
from watcher.rules.trackers import Trackers

_ENDS = frozenset({Role.LEAVE, Role.SUCCESS, Role.RESOLVE, Role.LOST})


class Watermarks(Protocol):
    """Up to when everything is known, of a miner, a farm, or all farms; None while nothing is."""

    def of(self, scope: Scope) -> Millis | None: ...


class Engine:
    """Runs a set of rules over task changes.

    Args:
        rules: the loaded set.
        past: the log; it must already hold the changes that `take` is given.
        watermarks: read whenever something is judged.
    """

    def __init__(self, rules: Sequence[Rule], past: Past, watermarks: Watermarks) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self._past = past
        self._log = Log(past)
        self._watermarks = watermarks
        self._trackers = Trackers()
        self._dirty: set[AlertKey] = set()
        self._replay_from: dict[AlertKey, Millis] = {}
        self._judged_from: dict[AlertKey, Millis] = {}
        self._by_facts: set[AlertKey] = set()
        self._index = Index(rules)
        self._curious = frozenset(rule.name for rule in curious(rules))
        self.doubts = Doubts()

    def edited(self, at: Mapping[str, Millis]) -> None:
        """Rules that were edited, and when: what was observed up to then is of the past to them (invariant 7)."""
        self._log.edited_at = at

    # --- learning

    def take(self, changes: Iterable[TaskChange]) -> None:
        """Take what a look changed; nothing is judged before `settle`."""
        for change in changes:
            for rule in self._index.concerned(change):
                self._take_hits(rule, change)
                self._take_marks(rule, change)
                if rule.name in self._curious:
                    self.doubts.note(rule, change.after)

    def rebuild(self) -> None:
        """Forget everything and learn it again from the log."""
        self._trackers.clear()
        self._dirty.clear()
        self._replay_from.clear()
        self._judged_from.clear()
        self._by_facts.clear()
        self.doubts.clear()
        self._log.forget_seeds()
        for rule in self.rules.values():
            self._rebuild(rule)

    def _rebuild(self, rule: Rule) -> None:
        horizon = self._horizon(rule)
        for placed, subject in self._log.since(rule, horizon, Scope()):
            self._insert(rule, placed, subject, replaying=True)
        self._seed(rule)
        for key, scope in self._log.possible(rule).items():
            self._trackers.made(rule, key, scope)
        for key in [key for key in self._trackers if key[0] == rule.name]:
            tracker = self._trackers[key]
            _doubt_the_beginning(rule, tracker, horizon)
            self._recall(rule, tracker, horizon)
            self._judged_from[key] = self._watermarks.of(tracker.scope) or 0
            self._dirty.add(key)
        if rule.name in self._curious:
            for subject in self._past.subjects(since=horizon or None, names=rule.condition.match.literals("task")):
                self.doubts.note(rule, subject)

    def introduce(self) -> None:
        """Farms and miners came: some rules watch them before they have any task."""
        self._log.forget_seeds()
        for rule in self.rules.values():
            self._seed(rule)

    def _seed(self, rule: Rule) -> None:
        for key, (event, scope) in self._log.seeds(rule).items():
            tracker = self._trackers.get(key)
            if tracker is None:
                tracker = self._trackers.made(rule, key, scope)
                tracker.insert(event)
                self._recall(rule, tracker, event.at)
                self._dirty.add(key)
            elif tracker.begun_at is None or event.at < tracker.begun_at:
                self._replay(rule, key, scope, event.at)

    def _recall(self, rule: Rule, tracker: Tracker, until: Millis | None) -> None:
        """Give a tracker what matters to it of the time before the part of the log that it was given."""
        for event in self._log.before(rule, tracker.key, until):
            tracker.insert(event)

    def _take_hits(self, rule: Rule, change: TaskChange) -> None:
        now = self._log.placed(rule, change.after)
        before = [] if change.before is None else self._log.placed(rule, change.before)
        if not now and not before:
            return
        had = {placed.mark for placed in before}
        has = {placed.mark for placed in now}
        for placed in before:
            if placed.mark not in has:
                if change.before is not None and change.before.transitions == change.after.transitions:
                    self._by_facts.add(placed.key)
                self._replay(rule, placed.key, scope_of(rule, change.after), placed.hit.event.at)
        for placed in now:
            if placed.mark not in had and not (placed.hit.moot and placed.key not in self._trackers):
                self._insert(rule, placed, change.after)

    def _take_marks(self, rule: Rule, change: TaskChange) -> None:
        """Tell the alerts that wait for such a transition (a repair, an `{on}`); and those that took one too early."""
        had = {} if change.before is None else _spoken(rule, change.before)
        has = _spoken(rule, change.after)
        for mark in had.keys() - has.keys():
            topic, event = had[mark]
            for key in self._hearers(rule, topic, event, change.after):
                self._replay(rule, key, self._scope_of(rule, key, change.after), event.at)
        for mark in has.keys() - had.keys():
            topic, event = has[mark]
            for key in self._hearers(rule, topic, event, change.after):
                tracker, scope = self._trackers.get(key), self._scope_of(rule, key, change.after)
                if tracker is None or self._is_late(scope, tracker, event.at):
                    self._replay(rule, key, scope, event.at)
                else:
                    tracker.insert(event)
                    self._dirty.add(key)

    def _scope_of(self, rule: Rule, key: AlertKey, subject: Subject) -> Scope:
        tracker = self._trackers.get(key)
        return scope_of(rule, subject) if tracker is None else tracker.scope

    def _hearers(self, rule: Rule, topic: Hashable, event: Event, subject: Subject) -> set[AlertKey]:
        """The alerts that wait for this topic; of what is told late, also those that waited for it then."""
        hearers = self._trackers.listeners(rule.name, topic)
        if self._is_late(Scope(subject.farm.id, subject.task.miner_id), None, event.at):
            for placed, _ in self._log.since(rule, reach(rule, event.at), rule.condition.waiters(subject)):
                waited = placed.hit.event.at <= event.at
                if waited and rule.condition.listens_for(placed.hit.event, placed.key[1]) == topic:
                    hearers.add(placed.key)
        return hearers

    def _is_late(self, scope: Scope, tracker: Tracker | None, at: Millis) -> bool:
        """Whether the alert has been judged at that moment already, perhaps in a tracker long forgotten."""
        settled_to = None if tracker is None else tracker.settled_to
        judged_to = self._watermarks.of(scope) if settled_to is None else settled_to
        return judged_to is not None and at <= judged_to

    def _insert(self, rule: Rule, placed: Placed, subject: Subject, *, replaying: bool = False) -> None:
        key, event = placed.key, placed.hit.event
        scope = scope_of(rule, subject)
        tracker = self._trackers.get(key)
        if event.role is Role.SEEN and tracker is not None and (tracker.begun_at or event.at) < event.at:
            return  # that there is something to watch is known
        if not replaying and self._is_late(scope, tracker, event.at):
            self._replay(rule, key, scope, event.at)
            return
        made = self._trackers.made(rule, key, scope)
        self._give(rule, made, event)
        if tracker is None and not replaying:
            self._recall(rule, made, event.at)
        self._dirty.add(key)

    def _replay(self, rule: Rule, key: AlertKey, scope: Scope, at: Millis) -> None:
        """Mark an alert to be told again from the log, since something changed at the moment `at`."""
        self._replay_from[key] = min(at, self._replay_from.get(key, at))
        self._dirty.add(key)
        self._trackers.made(rule, key, scope)

    def unsettled(self) -> dict[Scope, Millis]:
        """Whose alerts have an end that is known but lies beyond their watermark, and when the last of them is."""
        found: dict[Scope, Millis] = {}
        for tracker in self._trackers.all():
            ends = [event.at for event in tracker.pending if event.role in _ENDS]
            if ends:
                found[tracker.scope] = max(*ends, found.get(tracker.scope, 0))
        return found

    def drop(self, farm_id: str, miner_id: str | None = None) -> list[AlertKey]:
        """Forget a farm that is gone, or one miner of it; returns the alerts that were about it alone."""
        gone = self._trackers.about(farm_id, miner_id)
        for key in gone:
            self._trackers.forget(self._trackers[key])
            self._dirty.discard(key)
        self.doubts.forget(farm_id, miner_id)
        return gone

    def drop_gone(self, places: Collection[Scope]) -> None:
        """After a rebuild: forget what is about farms and miners that are gone; their alerts have ended."""
        for tracker in list(self._trackers.all()):
            scope = tracker.scope
            if scope in places or Scope(scope.farm_id) in places:
                self._trackers.forget(tracker)
                self._dirty.discard(tracker.key)

    def next_stuck(self, farm_id: str) -> Millis | None:
        """The next moment at which time alone may make something true about a farm, after what was judged."""
        return self._trackers.next_edge(farm_id)

    # --- judging

    def settle(self, scopes: Iterable[Scope], now: Millis | None = None) -> list[Verdict]:
        """Judge every alert that learnt something, and those whose watermark moved.

        Args:
            scopes: whose watermarks moved.
            now: an alert that fires already, and merely grew, is judged again at most once in a second, so
                that a storm costs no more than it must; None judges everything.
        """
        moved = self._moved(scopes)
        keys = {key for key in self._dirty | moved if key in self._trackers}
        postponed = {key for key in keys - moved if now is not None and self._can_wait(key, now)}
        self._dirty = postponed
        return [self._judge(key, now) for key in sorted(keys - postponed, key=_text_key)]

    def _moved(self, scopes: Iterable[Scope]) -> set[AlertKey]:
        """The alerts that a watermark's move, or the end of a doubt, may change."""
        found = {key for key in self._trackers.going_by(scopes) if self._ripe(key)}
        certain = self.doubts.take_moved()
        return found | {key for key in self._trackers if key[0] in certain} if certain else found

    def _ripe(self, key: AlertKey) -> bool:
        tracker = self._trackers[key]
        moment, known_to = tracker.next_moment(), self._known_to(tracker)
        return key in self._dirty or (moment is not None and known_to is not None and moment <= known_to)

    def _known_to(self, tracker: Tracker) -> Millis | None:
        """Up to when an alert may be judged: its watermark, but no further than the rule's doubts."""
        watermark = self._watermarks.of(tracker.scope)
        bound = self.doubts.bound(tracker.key[0], tracker.scope)
        return watermark if watermark is None or bound is None else min(watermark, bound)

    def _can_wait(self, key: AlertKey, now: Millis) -> bool:
        fires_since = self._trackers[key].judged_firing_at
        return fires_since is not None and abs(now - fires_since) < SECOND and key not in self._replay_from

    @property
    def postponed(self) -> bool:
        """Whether something learnt was not judged yet."""
        return bool(self._dirty)

    def _judge(self, key: AlertKey, now: Millis | None) -> Verdict:
        judged_from = self._judged_from.pop(key, None)
        changed_at = self._replay_from.pop(key, None)
        if changed_at is not None:
            self._replayed(key, changed_at)
            judged_from = changed_at
        tracker = self._trackers[key]
        verdict = tracker.settle(self._known_to(tracker))
        verdict.judged_from = judged_from
        verdict.by_facts = key in self._by_facts
        self._by_facts.discard(key)
        tracker.judged_firing_at = None if verdict.open is None else now
        if tracker.idle():
            self._trackers.forget(tracker)
        return verdict

    def _replayed(self, key: AlertKey, changed_at: Millis) -> None:
        """Build an alert's memory anew, from far enough back to be right from `changed_at` on."""
        rule = self.rules[key[0]]
        tracker = self._trackers.renewed(rule, key)
        since = reach(rule, changed_at)
        _doubt_the_beginning(rule, tracker, since)
        for placed, _ in self._log.since(rule, since, part_of(rule, key)):
            if placed.key == key:
                self._give(rule, tracker, placed.hit.event)
        self._recall(rule, tracker, since)

    def _give(self, rule: Rule, tracker: Tracker, event: Event) -> None:
        """An event for an alert, with what the log knows of the topic that the alert thereby listens for."""
        tracker.insert(event)
        topic = rule.condition.listens_for(event, tracker.key[1])
        if topic is None:
            return
        self._trackers.listen(tracker, topic)
        for spoken in rule.condition.spoken_before(event, tracker.key[1], self._past):
            tracker.insert(spoken)

    def _horizon(self, rule: Rule) -> Millis | None:
        """From when on the log must be read to know the rule's alerts as they are now; None: all of it."""
        watermark = self._watermarks.of(Scope())
        if watermark is None or not self._log.finds_every_alert(rule):
            return None
        return reach(rule, watermark)


def _doubt_the_beginning(rule: Rule, tracker: Tracker, since: Millis | None) -> None:
    """Where only a part of the log is read, some conditions find true what is not, at its beginning."""
    if since and rule.condition.warm_up:
        tracker.life.believes_from = since + rule.condition.warm_up


def _spoken(rule: Rule, subject: Subject) -> dict[tuple[object, ...], tuple[Hashable, Event]]:
    """What the transitions of a task are to those that wait for such, each with all that would make it another."""
    return {(topic, event.identity, event.at): (topic, event) for topic, event in rule.condition.speaks(subject)}


def _text_key(key: AlertKey) -> tuple[str, tuple[str, ...]]:
    return key[0], tuple(value or "" for value in key[1])
