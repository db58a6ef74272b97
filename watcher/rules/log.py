"""The log as rules read it: what each task is to the alerts of a rule, from some moment on, or before it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from watcher.model.subject import Place, Subject
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Hit, Past
from watcher.rules.event import Event, Role
from watcher.rules.fields import by_values
from watcher.rules.placing import Placed, part_of, place_scope
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope
from watcher.rules.tracker import AlertKey

_TOLD_BY_PLACES = frozenset({"farm", "farm_id", "miner"})
"""What the inventory alone tells apart as the tasks do."""


@dataclass(slots=True)
class Log:
    """Args:
    edited_at: rules that were edited: what was observed up to then is of the past to them (invariant 7).
    """

    past: Past
    edited_at: Mapping[str, Millis] = field(default_factory=dict)
    _seeds: dict[str, dict[AlertKey, tuple[Event, Scope]]] = field(default_factory=dict)

    def placed(self, rule: Rule, subject: Subject) -> list[Placed]:
        """Every event that a task is, with the alert that it belongs to."""
        placed: list[Placed] = []
        read = by_values(rule.by)
        for hit in (*rule.condition.hits(subject), *rule.condition.beginnings(subject)):
            key = (rule.name, read(subject, hit.transition))
            placed.append(Placed(key, Hit(self._dated(rule, hit.event), hit.transition, hit.moot)))
        return placed

    def _dated(self, rule: Rule, event: Event) -> Event:
        edited_at = self.edited_at.get(rule.name)
        if edited_at is None or event.observed_at > edited_at:
            return event
        return event._replace(observed_at=edited_at, before_edit=True)

    def since(self, rule: Rule, since: Millis | None, scope: Scope) -> Iterable[tuple[Placed, Subject]]:
        """What the tasks that moved after a moment (None: all) are to the rule's alerts."""
        condition = rule.condition
        subjects = self.past.subjects(
            since=since or None,
            names=condition.names(),
            statuses=condition.statuses(),
            farm_id=scope.farm_id,
            miner_id=scope.miner_id,
            batch_id=scope.batch_id,
            with_open=condition.of_open_tasks,
        )
        for subject in subjects:
            for placed in self.placed(rule, subject):
                if not placed.hit.moot:
                    yield placed, subject

    def before(self, rule: Rule, key: AlertKey, until: Millis | None) -> Iterator[Event]:
        """What an alert must know of the time up to a moment: its last event, or its beginning."""
        condition = rule.condition
        if not condition.needs_beginning or not until:
            return
        if condition.remembers_last:
            found = (event for event in self._history(rule, key, until, last=True) if event.role is Role.MATCH)
            last = next(found, None)
            if last is not None:
                yield last
                return
        first = next(self._history(rule, key, until), None)
        seed, _ = self.seeds(rule).get(key, (None, None))
        begun = [event for event in (first, seed) if event is not None]
        if begun:
            yield min(begun, key=lambda event: event.at)

    def _history(self, rule: Rule, key: AlertKey, until: Millis, *, last: bool = False) -> Iterator[Event]:
        condition, scope = rule.condition, part_of(rule, key)
        found = self.past.history(
            until=until,
            names=condition.match.literals("task") if last else condition.names(),
            statuses=condition.match.literals("status") if last else condition.statuses(),
            farm_id=scope.farm_id,
            miner_id=scope.miner_id,
            batch_id=scope.batch_id,
            newest_first=last,
        )
        for subject, at in found:
            for placed in self.placed(rule, subject):
                if placed.key == key and placed.hit.event.at == at:
                    yield placed.hit.event

    # --- what the inventory tells

    def finds_every_alert(self, rule: Rule) -> bool:
        """Whether a part of the log, with the inventory, shows every alert that the rule has now."""
        return not rule.condition.remembers_last or set(rule.by) <= _TOLD_BY_PLACES

    def possible(self, rule: Rule) -> dict[AlertKey, Scope]:
        """Every alert that may stand although the part of the log that was read does not show it."""
        found: dict[AlertKey, Scope] = {}
        if rule.condition.remembers_last and self.finds_every_alert(rule):
            for place in self.past.places():
                found[rule.name, _values(rule, place)] = place_scope(rule, place)
        return found

    def seeds(self, rule: Rule) -> Mapping[AlertKey, tuple[Event, Scope]]:
        """The alerts that farms and miners have without any task, each with the beginning of its watch."""
        if rule.name not in self._seeds:
            found = self._seeds[rule.name] = {}
            for place in self.past.places() if rule.condition.seeded else ():
                event, key = rule.condition.seed(place), (rule.name, _values(rule, place))
                if event is not None and (key not in found or event.at < found[key][0].at):
                    found[key] = self._dated(rule, event), place_scope(rule, place)
        return self._seeds[rule.name]

    def forget_seeds(self) -> None:
        """The inventory, or the first looks, have changed."""
        self._seeds.clear()


def _values(rule: Rule, place: Place) -> tuple[str | None, ...]:
    subject, transition = place.as_subject()
    return by_values(rule.by)(subject, transition)
