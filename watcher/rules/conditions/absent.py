"""`absent: {within: W}`: nothing matched in (τ−W, τ], and the watch covered all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from watcher.model.subject import Place
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import End, EndReason, Outline
from watcher.rules.conditions.watched import Watched, watch_of
from watcher.rules.event import Event, Role
from watcher.rules.match import Matcher
from watcher.rules.quantities import Duration
from watcher.rules.resolve import Ending
from watcher.rules.validation import Part

_CAME = End(EndReason.RECOVERED, "it came")


class AbsentSpec(Part):
    within: Duration


@dataclass(frozen=True, slots=True)
class Absent(Watched):
    match: Matcher
    spec: AbsentSpec
    by: tuple[str, ...]
    begin: Matcher

    @classmethod
    def build(cls, match: Matcher, spec: AbsentSpec, ending: Ending) -> Self:
        return cls(match, spec, ending.by, watch_of(match, ending.by))

    @property
    def memory(self) -> Millis:
        return self.spec.within

    @property
    def by_time(self) -> bool:
        return True

    @property
    def remembers_last(self) -> bool:
        return True

    @property
    def seeded(self) -> bool:
        return True

    def seed(self, place: Place) -> Event | None:
        return self.watched_place(place)

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        return Outline.of(self.match, name, statuses)

    def signal(self) -> "AbsentSignal":
        return AbsentSignal(self.spec)

    def phrase(self) -> str:
        return f"none within {duration_text(self.spec.within)}"


@dataclass(slots=True)
class AbsentSignal:
    """Args:
    last: what the window is counted from: the last matching event, else the beginning of the watch.
    """

    spec: AbsentSpec
    last: Event | None = None
    now: Millis = 0
    came: End = _CAME
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.role is Role.MATCH:
            self.came = End(EndReason.RECOVERED, f"{event.name} {event.status}")
        if event.role is Role.MATCH or self.last is None:
            self.last = event

    def leap(self, events: Sequence[Event], position: int) -> int:
        if self.last is None:
            return position
        until, within = self.last.at + self.spec.within, self.spec.within
        for place in range(position, len(events)):
            event = events[place]
            if event.role is not Role.MATCH or event.at >= until:
                break
            until = event.at + within
        else:
            place = len(events)
        if place > position:
            self.take(events[place - 1])
        return place

    def advance(self, to: Millis) -> None:
        self.now = to

    def next_edge(self) -> Millis | None:
        return None if self.last is None or self.holds() else self.last.at + self.spec.within

    def holds(self) -> bool:
        return self.last is not None and self.last.at + self.spec.within <= self.now

    def standing(self) -> Sequence[Event]:
        """What was last seen: no event of the alert, but what its news is measured by."""
        return () if self.last is None else (self.last._replace(role=Role.SEEN),)

    def count(self) -> int:
        return 0

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return self.came

    def figures(self, at: Millis) -> str:
        within = duration_text(self.spec.within)
        if self.last is None:
            return "the watch has not begun"
        ago = duration_text(at - self.last.at)
        if self.last.role is Role.MATCH:
            return f"{self.last.name} {self.last.status} came {ago} before; none within {within} needed"
        return f"none since the watch began {ago} before; none within {within} needed"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return self.last is None

    def copy(self) -> Self:
        return type(self)(self.spec, self.last, self.now, self.came)
