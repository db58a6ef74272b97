"""`each: {}`: a matching event happened and has not been resolved."""

import heapq
from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from pydantic import model_validator

from watcher.model.subject import Subject
from watcher.model.task import FAILED, SUCCEED, TIMED_OUT, Transition, is_final
from watcher.model.times import HOUR, Millis, duration_text
from watcher.rules.conditions.condition import End, EndReason, Hit, Outline, Past, Silent
from watcher.rules.event import Event, Role, event_of, repair_of, repairs
from watcher.rules.fields import by_values
from watcher.rules.match import Matcher
from watcher.rules.resolve import Ending, Resolve, ResolveHow
from watcher.rules.scope import Scope
from watcher.rules.validation import Part

_BRIEF = Resolve(ResolveHow.AFTER, after=HOUR)
_REPAIR = Resolve(ResolveHow.ON_SUCCESS)
_UNENDED = End(EndReason.EXPIRED, "")


class EachSpec(Part):
    """Nothing to say: the match and the ending say it all."""

    @model_validator(mode="before")
    @classmethod
    def _nothing(cls, said: object) -> object:
        if isinstance(said, dict) and said:
            raise ValueError("each takes no keys: write each: {}; match says what it fires on, resolve how it ends")
        return said


@dataclass(frozen=True, slots=True)
class Each(Silent):
    """The match says which events; the ending says what resolves each of them."""

    match: Matcher
    ending: Ending

    def resolve_of(self, status: str) -> Resolve:
        """The rule's own resolve; else a failure waits for its repair, and anything else is brief."""
        if self.ending.resolve is not None:
            return self.ending.resolve
        return _REPAIR if status in {FAILED, TIMED_OUT} else _BRIEF

    def deadline(self, event: Event) -> Millis | None:
        resolve = self.resolve_of(event.status)
        if resolve.how is ResolveHow.NEVER:
            return None
        if resolve.how is ResolveHow.AFTER:
            return event.at + resolve.after
        return None if self.ending.expire is None else event.at + self.ending.expire

    @property
    def memory(self) -> Millis | None:
        how = None if self.ending.resolve is None else self.ending.resolve.how
        if how is ResolveHow.NEVER:
            return None
        if how is ResolveHow.AFTER and self.ending.resolve is not None:
            return self.ending.resolve.after
        return None if self.ending.expire is None else max(self.ending.expire, HOUR)

    @property
    def within_batch(self) -> bool:
        return False

    @property
    def within_farm(self) -> bool:
        on = None if self.ending.resolve is None else self.ending.resolve.on
        return on is None or not (on.names_field("farm") or on.names_field("farm_id"))

    @property
    def listens(self) -> bool:
        return True

    @property
    def curious(self) -> bool:
        return any(match.curious() for match in self._matches())

    def doubt(self, subject: Subject) -> Millis | None:
        found = [at for match in self._matches() if (at := match.doubt(subject)) is not None]
        return min(found, default=None)

    def _matches(self) -> Iterable[Matcher]:
        resolve = self.ending.resolve
        return (self.match,) if resolve is None or resolve.on is None else (self.match, resolve.on)

    def heeds(self, name: str, statuses: Iterable[str]) -> bool:
        resolve = self.ending.resolve
        if resolve is not None and resolve.on is not None:
            return resolve.on.fits("task", name) and any(resolve.on.fits("status", status) for status in statuses)
        repairs_it = SUCCEED in statuses and (resolve is None or resolve.how is ResolveHow.ON_SUCCESS)
        return repairs_it and self.match.fits("task", name)

    def hits(self, subject: Subject) -> list[Hit]:
        hits = [
            Hit(event_of(subject, transition, Role.MATCH), transition) for transition in self.match.fitting(subject)
        ]
        if subject.lost_at is not None and hits and not is_final(hits[-1].event.status):
            lost = Transition(hits[-1].event.status, subject.lost_at, subject.lost_at)
            hits.append(Hit(event_of(subject, lost, Role.LOST), hits[-1].transition))
        return hits

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        return Outline.of(self.match, name, statuses)

    def signal(self) -> "EachSignal":
        return EachSignal(self)

    def listens_for(self, event: Event, by: Sequence[str | None]) -> Hashable:
        resolve = self.resolve_of(event.status)
        if resolve.how is ResolveHow.ON_SUCCESS:
            return event.repair
        if resolve.how is ResolveHow.ON and resolve.on is not None:
            return tuple(
                value for name, value in zip(self.ending.by, by, strict=True) if not resolve.on.names_field(name)
            )
        return None

    def speaks(self, subject: Subject, asked: Container[Hashable] | None = None) -> Sequence[tuple[Hashable, Event]]:
        resolve = self.ending.resolve
        if resolve is not None and resolve.on is not None:
            read = by_values(self._compared)
            return [(read(subject, one), event_of(subject, one, Role.RESOLVE)) for one in resolve.on.fitting(subject)]
        if subject.task.miner_id is None or not (resolve is None or resolve.how is ResolveHow.ON_SUCCESS):
            return ()
        topic = repair_of(subject)
        if asked is not None and topic not in asked and subject.transitions[0].at == subject.task.created_at:
            return ()  # what it could repair happened before it was created: in a history in order, that has been told
        return [(topic, event_of(subject, one, Role.SUCCESS)) for one in subject.transitions if one.status == SUCCEED]

    @property
    def _compared(self) -> tuple[str, ...]:
        """The `by` fields that a `resolve: {on: match}` leaves to be the same."""
        on = None if self.ending.resolve is None else self.ending.resolve.on
        return self.ending.by if on is None else tuple(name for name in self.ending.by if not on.names_field(name))

    def waiters(self, subject: Subject) -> Scope:
        resolve = self.ending.resolve
        if resolve is None or resolve.on is None:
            return Scope(subject.farm.id, subject.task.miner_id)
        same_farm = {"farm", "farm_id"} & set(self.ending.by) and not resolve.on.names_field("farm")
        return Scope(subject.farm.id) if same_farm and not resolve.on.names_field("farm_id") else Scope()

    def spoken_before(self, event: Event, by: Sequence[str | None], past: Past) -> Iterable[Event]:
        resolve = self.resolve_of(event.status)
        topic = self.listens_for(event, by)
        if topic is None:
            return
        subjects: Iterable[Subject]
        if resolve.how is ResolveHow.ON_SUCCESS:
            first = past.first_success(event.farm_id, event.miner_id or "", event.name, event.earliest)
            subjects = [] if first is None else [first]
        else:
            on = resolve.on
            in_farm = "farm" in self.ending.by and on is not None and not on.names_field("farm")
            subjects = past.subjects(
                since=event.at,
                names=None if on is None else on.literals("task"),
                statuses=None if on is None else on.literals("status"),
                farm_id=event.farm_id if in_farm else None,
            )
        for subject in subjects:
            yield from (event for said, event in self.speaks(subject) if said == topic)

    def phrase(self) -> str:
        return "each one"


@dataclass(slots=True)
class EachSignal:
    """The standing events, oldest first, and when each would end by itself."""

    condition: Each
    events: dict[tuple[int, str], Event] = field(default_factory=dict)
    deadlines: list[tuple[Millis, int, str]] = field(default_factory=list)
    repaired: dict[Hashable, Millis] = field(default_factory=dict)
    arrived: list[Event] = field(default_factory=list)
    last: End = _UNENDED

    def take(self, event: Event) -> None:
        match event.role:
            case Role.SUCCESS:
                created = event.at if event.created_at is None else event.created_at
                self.repaired[event.repair] = max(created, self.repaired.get(event.repair, created))
                self._drop(
                    [failure for failure in self.events.values() if self._repaired(failure, event)],
                    End(EndReason.RECOVERED, f"a later {event.name} succeeded"),
                )
            case Role.RESOLVE:
                self._drop(
                    [standing for standing in self.events.values() if standing.at < event.at],
                    End(EndReason.RECOVERED, f"{event.name} {event.status}"),
                )
            case Role.LOST:
                self._drop(
                    [standing for standing in self.events.values() if standing.key == event.key],
                    End(EndReason.LOST, "the API no longer shows the task"),
                )
            case _:
                self._stand(event)

    def _stand(self, event: Event) -> None:
        # A success of a task created after the failure can precede the failure only where the failure's
        # time was merely observed.
        how = self.condition.resolve_of(event.status).how
        if how is ResolveHow.ON_SUCCESS and self.repaired.get(event.repair, event.earliest) > event.earliest:
            return
        self.events[event.key, event.status] = event
        self.arrived.append(event)
        deadline = self.condition.deadline(event)
        if deadline is not None:
            heapq.heappush(self.deadlines, (deadline, event.key, event.status))

    def _repaired(self, failure: Event, success: Event) -> bool:
        on_success = self.condition.resolve_of(failure.status).how is ResolveHow.ON_SUCCESS
        return on_success and repairs(success, failure)

    def _drop(self, gone: list[Event], end: End) -> None:
        for event in gone:
            del self.events[event.key, event.status]
            if event in self.arrived:
                self.arrived.remove(event)
        if gone:
            self.last = end

    def leap(self, events: Sequence[Event], position: int) -> int:  # noqa: ARG002 - any event makes it true
        return position

    def advance(self, to: Millis) -> None:
        while self.deadlines and self.deadlines[0][0] <= to:
            deadline, key, status = heapq.heappop(self.deadlines)
            event = self.events.pop((key, status), None)
            if event is not None:
                self.last = End(EndReason.EXPIRED, f"{duration_text(deadline - event.at)} passed")

    def next_edge(self) -> Millis | None:
        while self.deadlines and self.deadlines[0][1:] not in self.events:
            heapq.heappop(self.deadlines)
        return self.deadlines[0][0] if self.deadlines else None

    def holds(self) -> bool:
        return bool(self.events)

    def standing(self) -> Sequence[Event]:
        return list(self.events.values())

    def count(self) -> int:
        return len(self.events)

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return self.last

    def figures(self, at: Millis) -> str:  # noqa: ARG002 - part of a protocol
        if self.events:
            return f"{len(self.events)} not resolved yet"
        return f"none stands: {self.last.words}" if self.last.words else "none stands"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.events

    def copy(self) -> Self:
        return type(self)(
            self.condition, self.events.copy(), self.deadlines.copy(), self.repaired.copy(), [], self.last
        )
