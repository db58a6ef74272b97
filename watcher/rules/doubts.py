"""What the rules cannot tell yet, because a task's full record was not read: unknown is not false."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from watcher.model.subject import Subject
from watcher.model.times import Millis
from watcher.rules.fields import FIELDS, untold
from watcher.rules.rule import Rule
from watcher.rules.scope import Scope


@dataclass(frozen=True, slots=True)
class Doubt:
    """A task that a rule waits for, from this moment of its history on."""

    farm_id: str
    miner_id: str
    at: Millis


class Doubts:
    """Every task that some rule waits for. A rule judges nothing from its earliest doubt on."""

    def __init__(self) -> None:
        self._by_rule: defaultdict[str, dict[int, Doubt]] = defaultdict(dict)
        self._moved: set[str] = set()

    def clear(self) -> None:
        self._by_rule.clear()
        self._moved.clear()

    def note(self, rule: Rule, subject: Subject) -> None:
        """Take in what is known of a task now."""
        task, known = subject.task, self._by_rule[rule.name]
        at = _doubt(rule, subject) if task.lacks and task.miner_id is not None else None
        if at is not None and subject.lost_at is None:
            known[subject.key] = Doubt(task.farm_id, task.miner_id or "", at)
        elif known.pop(subject.key, None) is not None:
            self._moved.add(rule.name)

    def forget(self, farm_id: str, miner_id: str | None) -> None:
        """A farm or a miner is gone, and nobody will ever tell."""
        for rule, known in self._by_rule.items():
            gone = [key for key, one in known.items() if one.farm_id == farm_id and miner_id in (None, one.miner_id)]
            for key in gone:
                del known[key]
                self._moved.add(rule)

    def bound(self, rule: str, scope: Scope) -> Millis | None:
        """The last moment that a rule can judge about a farm (or all of them); None without a doubt."""
        known = self._by_rule.get(rule)
        if not known:
            return None
        first = min((one.at for one in known.values() if scope.farm_id in (None, one.farm_id)), default=None)
        return None if first is None else first - 1

    def take_moved(self) -> set[str]:
        """The rules that lost a doubt since the last call."""
        moved, self._moved = self._moved, set()
        return moved

    def wanted(self, farm_id: str) -> dict[str, Millis]:
        """The miners of a farm whose full record is needed, each with the latest moment of a doubt."""
        found: dict[str, Millis] = {}
        for known in self._by_rule.values():
            for one in known.values():
                if one.farm_id == farm_id:
                    found[one.miner_id] = max(one.at, found.get(one.miner_id, one.at))
        return found


def _doubt(rule: Rule, subject: Subject) -> Millis | None:
    """The earliest moment of a task's history of which it can't be told what it is to a rule, or to which alert."""
    unplaced = [
        hit.transition.earliest for hit in rule.condition.hits(subject) if untold(rule.by, subject, hit.transition)
    ]
    doubt = rule.condition.doubt(subject)
    return min(unplaced if doubt is None else [*unplaced, doubt], default=None)


def curious(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that may need more than a batch tells."""
    return [rule for rule in rules if rule.condition.curious or any(FIELDS[name].needs_record for name in rule.by)]
