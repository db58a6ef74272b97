"""What conditions share that must know since when there is something to watch (rules.md, fine print 7)."""

from collections.abc import Iterable

from watcher.model.subject import Place, Subject
from watcher.model.task import Transition
from watcher.rules.conditions.condition import Hit, Silent
from watcher.rules.event import Event, Role, event_of
from watcher.rules.fields import FIELDS
from watcher.rules.match import Matcher

_OF_FARM = frozenset({"farm", "farm_id"})
_OF_WATCH = frozenset(name for name, one in FIELDS.items() if one.of_watch)


def watch_of(match: Matcher, by: Iterable[str]) -> Matcher:
    """What begins the watch: the match as far as it speaks of the farm, the miner, or a `by` field."""
    return match.part(_OF_WATCH | set(by))


class Watched(Silent):
    """The watch of an alert begins with the first transition, matched or not, that carries its `by` values and
    fits what the match says of the farm, the miner and its properties, or of a `by` field."""

    match: Matcher
    by: tuple[str, ...]
    begin: Matcher
    """`watch_of` both."""

    @property
    def gated(self) -> bool:
        return True

    @property
    def needs_beginning(self) -> bool:
        return True

    def names(self) -> frozenset[str] | None:
        return self.match.literals("task") if "task" in self.by else None

    def statuses(self) -> frozenset[str] | None:
        return self.match.literals("status") if "status" in self.by else None

    def begins(self, name: str) -> bool:
        return "task" not in self.by or self.match.fits("task", name)

    def hits(self, subject: Subject) -> list[Hit]:
        return [Hit(self.event(subject, transition), transition) for transition in self.match.fitting(subject)]

    def beginnings(self, subject: Subject) -> list[Hit]:
        begun = self.begin.fitting(subject)
        return [
            Hit(event_of(subject, transition, Role.SEEN), transition)
            for transition in (begun if "status" in self.by else begun[:1])
            if not self.match(subject, transition)
        ]

    def watched_place(self, place: Place) -> Event | None:
        """The beginning of the watch of a farm or miner that the inventory shows."""
        asked = self.match.part(_OF_WATCH)
        told_by_miner = (set(self.by) | asked.clauses.keys()) - _OF_FARM
        if not set(self.by) <= _OF_WATCH or (place.miner is None and told_by_miner):
            return None
        subject, transition = place.as_subject()
        return event_of(subject, transition, Role.SEEN) if asked(subject, transition) else None

    def event(self, subject: Subject, transition: Transition) -> Event:
        return event_of(subject, transition, Role.MATCH)
