"""What every condition is: a specification that an operator writes, and the signal it becomes for one alert.

The engine drives signals in event time: it calls `advance` to every moment at which something may change and
`take` with every event of that moment, then asks whether the condition holds.
"""

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

from watcher.model.alert import EndReason
from watcher.model.subject import Place, Subject
from watcher.model.task import Transition
from watcher.model.times import Millis
from watcher.rules.event import Event, Role
from watcher.rules.match import Matcher
from watcher.rules.scope import Scope


@dataclass(frozen=True, slots=True)
class End:
    """How the last thing that kept a condition true went away; `words` for people."""

    reason: EndReason
    words: str


class Hit(NamedTuple):
    """An event for the alert of `subject`'s and `transition`'s `by` values.

    Args:
        moot: alone it can make nothing true, so that it needs no alert to be held for it.
    """

    event: Event
    transition: Transition
    moot: bool = False


class Outline(NamedTuple):
    """The hits of a kind of task, where they hang only on what the task itself is like.

    Args:
        match: what is left to ask of the task.
        roles: of the transitions by their places.
    """

    match: Matcher
    roles: tuple[tuple[int, Role], ...]

    @classmethod
    def of(cls, match: Matcher, name: str, statuses: Sequence[str]) -> Self | None:
        """Of what fits a match."""
        rest = match.narrowed(name, statuses)
        places = range(len(statuses)) if rest.places is None else rest.places
        return cls(rest, tuple((place, Role.MATCH) for place in places)) if rest.asks_only_of_task else None


class Signal(Protocol):
    """A condition over one alert's events, up to one moment."""

    arrived: list[Event]
    """Events that began to count since the caller last emptied it."""

    def take(self, event: Event) -> None:
        """Take an event of the moment last advanced to."""

    def leap(self, events: Sequence[Event], position: int) -> int:
        """Take events from this position on, for as long as it is plain that none of them can make it true, and no
        moment between them; returns the position of the first that was not taken. A replay's short cut, for a
        condition that is not true."""

    def advance(self, to: Millis) -> None:
        """Let go of what no longer counts at `to`, and count what begins to."""

    def next_edge(self) -> Millis | None:
        """The next moment at which the answer may change without a new event."""

    def holds(self) -> bool: ...

    def standing(self) -> Iterable[Event]:
        """The events that count at this moment, oldest first."""

    def count(self) -> int: ...

    def total(self) -> int | None:
        """What the count is a part of; None where there is no such thing."""

    def end(self) -> End:
        """Why the condition no longer holds."""

    def figures(self, at: Millis) -> str:
        """How it stands at the moment last advanced to, in words: what it has, and what it needs."""

    def warmed_up(self) -> None:
        """All that it must know of the past is known from now on; what it concluded before is not to be believed."""

    def idle(self) -> bool:
        """Nothing is held: forgetting this signal changes nothing."""

    def copy(self) -> Self: ...


class Past(Protocol):
    """The log, for what a condition must know of before it was asked."""

    def subjects(
        self,
        *,
        since: Millis | None,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        batch_id: str | None = None,
        with_open: bool = False,
    ) -> Iterable[Subject]:
        """Tasks with a transition after `since` (None: any), narrowed by literal values; `with_open`: or open."""

    def first_success(self, farm_id: str, miner_id: str, name: str, after: Millis) -> Subject | None:
        """The first success of a task of this name on a miner, of those created after a moment."""

    def history(
        self,
        *,
        until: Millis,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        batch_id: str | None = None,
        newest_first: bool = False,
    ) -> Iterable[tuple[Subject, Millis]]:
        """Every transition up to a moment, by time: its task, and its own time. Read no further than is asked for."""

    def lacking(self) -> Iterable[Subject]:
        """Every task whose full record was not read."""

    def places(self) -> Iterable[Place]:
        """Every farm, and every miner, of the inventory."""


@dataclass(frozen=True, slots=True)
class NoPast:
    """For where everything is told in the order of time."""

    known: Sequence[Place] = ()

    def subjects(self, **_: object) -> Iterable[Subject]:
        return ()

    def first_success(self, *_: object) -> Subject | None:
        return None

    def history(self, **_: object) -> Iterable[tuple[Subject, Millis]]:
        return ()

    def lacking(self) -> Iterable[Subject]:
        return ()

    def places(self) -> Iterable[Place]:
        return self.known


class Condition(Protocol):
    """One condition of one rule, compiled."""

    @property
    def match(self) -> Matcher: ...

    @property
    def memory(self) -> Millis | None:
        """How far before a moment events can matter to it (ms); None: for ever."""

    @property
    def by_time(self) -> bool:
        """It comes true by time passing, not by an event: nothing beyond the watermark can show it."""

    @property
    def gated(self) -> bool:
        """Only what is completely known can make it true: nothing beyond the watermark counts."""

    @property
    def warm_up(self) -> Millis:
        """How long after the beginning of a part of the log it may find true what is not (ms)."""

    @property
    def of_open_tasks(self) -> bool:
        """Open tasks matter to it, however long ago they moved."""

    @property
    def needs_beginning(self) -> bool:
        """It must know since when there is something to watch, however long ago that was."""

    @property
    def remembers_last(self) -> bool:
        """Its last event matters, however long ago that was."""

    @property
    def listens(self) -> bool:
        """Its alerts wait for transitions that are no events of theirs."""

    @property
    def seeded(self) -> bool:
        """A farm or a miner of the inventory has its alert without any transition."""

    @property
    def within_batch(self) -> bool:
        """Everything that can end it shows in the batch that it is about."""

    @property
    def within_farm(self) -> bool:
        """Where alerts are told apart by farms, it looks at nothing beyond its own."""

    @property
    def curious(self) -> bool:
        """It may need a task's full record, where a batch's reading is too poor."""

    def doubt(self, subject: Subject) -> Millis | None:
        """The earliest moment of a task's history of which it can't tell yet; None where it knows all."""

    def names(self) -> frozenset[str] | None:
        """The only task names that matter to it, where they are named one by one."""

    def statuses(self) -> frozenset[str] | None:
        """The only statuses that do, likewise."""

    def concerns(self, name: str, statuses: Iterable[str]) -> bool:
        """Whether a task of this name that was in these statuses may have events: a quick no, for the index."""

    def begins(self, name: str) -> bool:
        """Whether a task of this name may show that there is something to watch: likewise."""

    def heeds(self, name: str, statuses: Iterable[str]) -> bool:
        """Whether its alerts may wait for what such a task speaks of: likewise."""

    def hits(self, subject: Subject) -> list[Hit]:
        """Every event that the task's transitions are to the alert they belong to."""

    def beginnings(self, subject: Subject) -> Sequence[Hit]:
        """The first transition that shows that there is something to watch, matched or not; of each status, where
        that tells alerts apart. What matches is left out: it shows it by itself."""

    def signal(self) -> Signal: ...

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        """The condition whose `hits` are asked only of tasks of this name that were in just these statuses."""

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        """What is known of `hits` by this alone; None where they must be asked. A lost task has its own."""

    def seed(self, place: Place) -> Event | None:
        """The beginning of the watch of a farm's or miner's alert; None where it has none by itself."""

    def listens_for(self, event: Event, by: Sequence[str | None]) -> Hashable:
        """The topic whose later events this event's alert must take; None for none."""

    def speaks(self, subject: Subject, asked: Container[Hashable] | None = None) -> Sequence[tuple[Hashable, Event]]:
        """The topics that the task's transitions are of interest to, and what they are there.

        Args:
            asked: in a history read in order, the topics that some event listened for so far: where only an earlier
                one could listen, the others are left out.
        """

    def waiters(self, subject: Subject) -> Scope:
        """The part of the log in which all are that may have waited for what a task speaks of."""

    def spoken_before(self, event: Event, by: Sequence[str | None], past: Past) -> Iterable[Event]:
        """What the log already knows of the topic this event's alert listens for."""

    def phrase(self) -> str:
        """The condition in words, for messages and `explain`."""

    def parts(self) -> Sequence[tuple[str, Matcher]]:
        """What a transition is asked, each with its name: what fits one of them is evidence."""


class Silent:
    """The part of a condition that listens for nothing beside its own events."""

    match: Matcher

    @property
    def by_time(self) -> bool:
        return False

    @property
    def gated(self) -> bool:
        return False

    @property
    def warm_up(self) -> Millis:
        return 0

    @property
    def of_open_tasks(self) -> bool:
        return False

    @property
    def needs_beginning(self) -> bool:
        return False

    @property
    def remembers_last(self) -> bool:
        return False

    @property
    def listens(self) -> bool:
        return False

    @property
    def seeded(self) -> bool:
        return False

    @property
    def within_batch(self) -> bool:
        return True

    @property
    def within_farm(self) -> bool:
        return True

    @property
    def curious(self) -> bool:
        return self.match.curious()

    def doubt(self, subject: Subject) -> Millis | None:
        return self.match.doubt(subject)

    def names(self) -> frozenset[str] | None:
        return self.match.literals("task")

    def statuses(self) -> frozenset[str] | None:
        return self.match.literals("status")

    def concerns(self, name: str, statuses: Iterable[str]) -> bool:
        return self.match.fits("task", name) and any(self.match.fits("status", status) for status in statuses)

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        return replace(self, match=self.match.narrowed(name, statuses))  # type: ignore[type-var]  # all are dataclasses

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:  # noqa: ARG002 - part of a protocol
        return None

    def begins(self, name: str) -> bool:  # noqa: ARG002 - part of a protocol
        return False

    def heeds(self, name: str, statuses: Iterable[str]) -> bool:  # noqa: ARG002 - part of a protocol
        return False

    def beginnings(self, subject: Subject) -> Sequence[Hit]:  # noqa: ARG002 - part of a protocol
        return ()

    def seed(self, place: Place) -> Event | None:  # noqa: ARG002 - part of a protocol
        return None

    def listens_for(self, event: Event, by: Sequence[str | None]) -> Hashable:  # noqa: ARG002 - part of a protocol
        return None

    def speaks(self, subject: Subject, asked: Container[Hashable] | None = None) -> Sequence[tuple[Hashable, Event]]:  # noqa: ARG002 - part of a protocol
        return ()

    def waiters(self, subject: Subject) -> Scope:  # noqa: ARG002 - part of a protocol
        return Scope()

    def spoken_before(self, event: Event, by: Sequence[str | None], past: Past) -> Iterable[Event]:  # noqa: ARG002 - part of a protocol
        return ()

    def parts(self) -> Sequence[tuple[str, Matcher]]:
        return (("match", self.match),)


class Composite(Silent):
    """A condition with matches beside the rule's own: only transitions that fit one of `narrowest` matter."""

    @property
    def matches(self) -> Sequence[Matcher]:
        raise NotImplementedError

    @property
    def narrowest(self) -> Sequence[Matcher]:
        raise NotImplementedError

    @property
    def curious(self) -> bool:
        return any(match.curious() for match in self.matches)

    def doubt(self, subject: Subject) -> Millis | None:
        return min((at for match in self.matches if (at := match.doubt(subject)) is not None), default=None)

    def names(self) -> frozenset[str] | None:
        return _united(match.literals("task") for match in self.narrowest)

    def statuses(self) -> frozenset[str] | None:
        return _united(match.literals("status") for match in self.narrowest)

    def concerns(self, name: str, statuses: Iterable[str]) -> bool:
        known = tuple(statuses)
        return any(
            match.fits("task", name) and any(match.fits("status", status) for status in known)
            for match in self.narrowest
        )


def _united(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    union: frozenset[str] = frozenset()
    for one in sets:
        if one is None:
            return None
        union |= one
    return union


__all__ = ["Composite", "Condition", "End", "EndReason", "Hit", "NoPast", "Outline", "Past", "Role", "Signal", "Silent"]
