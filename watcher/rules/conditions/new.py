"""`new: {field: F, memory: M, learn: L}`: an event carries a value of F that no event of its alert had in the M before
it, once there was something to watch for L. It stands until it is resolved, as in `each`."""

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from watcher.model.subject import Subject
from watcher.model.task import Transition
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import End, Hit, Past
from watcher.rules.conditions.each import Each, EachSignal
from watcher.rules.conditions.watched import Watched, watch_of
from watcher.rules.event import Event, Role, event_of
from watcher.rules.fields import FIELDS, GROUPABLE, UNKNOWN, by_value
from watcher.rules.match import Matcher
from watcher.rules.quantities import Duration
from watcher.rules.resolve import Ending
from watcher.rules.scope import Scope
from watcher.rules.validation import Part
from watcher.rules.wording import listed, quoted, suggestion


def _watchable(name: str) -> str:
    if name in GROUPABLE:
        return name
    if name in FIELDS:
        raise ValueError(f"{name} has no single text for a value: nothing in it can be new, name another field")
    near = suggestion(name, GROUPABLE) or f"; known here: {listed(GROUPABLE, 'and')}"
    raise ValueError(f"unknown field {quoted(name)}{near}")


class NewSpec(Part):
    what: Annotated[str, AfterValidator(_watchable), Field(alias="field")]
    memory: Duration
    learn: Duration


@dataclass(frozen=True, slots=True)
class New(Watched):
    """Args:
    each: how an event stands and ends.
    """

    match: Matcher
    spec: NewSpec
    by: tuple[str, ...]
    begin: Matcher
    each: Each

    @classmethod
    def build(cls, match: Matcher, spec: NewSpec, ending: Ending) -> Self:
        return cls(match, spec, ending.by, watch_of(match, ending.by), Each(match, ending))

    @property
    def memory(self) -> Millis | None:
        standing = self.each.memory
        return None if standing is None else standing + self.spec.memory

    @property
    def warm_up(self) -> Millis:
        return self.spec.memory

    @property
    def within_batch(self) -> bool:
        return False

    @property
    def within_farm(self) -> bool:
        return self.each.within_farm

    @property
    def listens(self) -> bool:
        return True

    @property
    def curious(self) -> bool:
        return self.each.curious or FIELDS[self.spec.what].needs_record

    def doubt(self, subject: Subject) -> Millis | None:
        found = [self.each.doubt(subject)]
        found += [
            transition.earliest
            for transition in subject.transitions
            if self.match(subject, transition) and FIELDS[self.spec.what].get(subject, transition) is UNKNOWN
        ]
        return min((at for at in found if at is not None), default=None)

    def heeds(self, name: str, statuses: Iterable[str]) -> bool:
        return self.each.heeds(name, statuses)

    def hits(self, subject: Subject) -> list[Hit]:
        lost = [] if subject.lost_at is None else self.each.hits(subject)
        return [*Watched.hits(self, subject), *(hit for hit in lost if hit.event.role is Role.LOST)]

    def event(self, subject: Subject, transition: Transition) -> Event:
        return event_of(subject, transition, Role.MATCH, value=by_value(self.spec.what, subject, transition))

    def signal(self) -> "NewSignal":
        return NewSignal(self.spec, self.each.signal())

    def listens_for(self, event: Event, by: Sequence[str | None]) -> Hashable:
        return self.each.listens_for(event, by) if event.role is Role.MATCH else None

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        return replace(self, match=self.match.narrowed(name, statuses), each=self.each.narrowed(name, statuses))

    def speaks(self, subject: Subject, asked: Container[Hashable] | None = None) -> Sequence[tuple[Hashable, Event]]:
        return self.each.speaks(subject, asked)

    def waiters(self, subject: Subject) -> Scope:
        return self.each.waiters(subject)

    def spoken_before(self, event: Event, by: Sequence[str | None], past: Past) -> Iterable[Event]:
        return self.each.spoken_before(event, by, past)

    def phrase(self) -> str:
        article = "an" if self.spec.what[0] in "aeiou" else "a"
        return f"{article} {self.spec.what} not seen for {duration_text(self.spec.memory)}"


@dataclass(slots=True)
class NewSignal:
    """Args:
    begun_at: since when there is something to watch.
    seen: the last time of each value, before this moment; `fresh`: of this very moment.
    """

    spec: NewSpec
    each: EachSignal
    begun_at: Millis | None = None
    now: Millis = 0
    seen: dict[str, Millis] = field(default_factory=dict)
    fresh: dict[str, Millis] = field(default_factory=dict)

    @property
    def arrived(self) -> list[Event]:
        return self.each.arrived

    @arrived.setter
    def arrived(self, events: list[Event]) -> None:
        self.each.arrived = events

    def take(self, event: Event) -> None:
        if event.role in (Role.SEEN, Role.MATCH) and self.begun_at is None:
            self.begun_at = event.at
        if event.role is Role.SEEN:
            return
        if event.role is not Role.MATCH:
            self.each.take(event)
            return
        if event.value is None:
            return
        self.fresh[event.value] = event.at
        seen_at = self.seen.get(event.value)
        unseen = seen_at is None or seen_at + self.spec.memory <= event.at
        if unseen and event.at >= (self.begun_at or 0) + self.spec.learn:
            self.each.take(event)

    def leap(self, events: Sequence[Event], position: int) -> int:  # noqa: ARG002 - any event may make it true
        return position

    def advance(self, to: Millis) -> None:
        if to > self.now:
            self.seen.update(self.fresh)
            self.fresh.clear()
            self.now = to
        self.each.advance(to)

    def next_edge(self) -> Millis | None:
        return self.each.next_edge()

    def holds(self) -> bool:
        return self.each.holds()

    def standing(self) -> Sequence[Event]:
        return self.each.standing()

    def count(self) -> int:
        return self.each.count()

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return self.each.end()

    def figures(self, at: Millis) -> str:
        learnt_at = (self.begun_at or at) + self.spec.learn
        if learnt_at > at:
            return f"still learning which {self.spec.what} there are, for {duration_text(learnt_at - at)} more"
        seen = [
            f"{quoted(value)} was seen {duration_text(at - self.seen[value])} before"
            for value in self.fresh
            if value in self.seen
        ]
        if seen and not self.holds():
            return listed(seen, "and")
        known = sum(seen_at + self.spec.memory > at for seen_at in {**self.seen, **self.fresh}.values())
        return f"{self.each.figures(at)}; {known} known for {self.spec.what}"

    def warmed_up(self) -> None:
        """What was found new while the past was not known stands for nothing."""
        self.each.events.clear()

    def idle(self) -> bool:
        remembered = any(at + self.spec.memory > self.now for at in (*self.seen.values(), *self.fresh.values()))
        return self.each.idle() and not remembered

    def copy(self) -> Self:
        return type(self)(self.spec, self.each.copy(), self.begun_at, self.now, self.seen.copy(), self.fresh.copy())
