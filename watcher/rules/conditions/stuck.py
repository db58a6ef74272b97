"""`stuck: {longer_than: D}`: a task entered a matched open status at t, had not left it by τ, and τ − t ≥ D."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from watcher.model.subject import Subject
from watcher.model.task import Part as TaskPart
from watcher.model.task import Transition, is_final
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import End, EndReason, Hit, Silent
from watcher.rules.event import Event, Role, event_of
from watcher.rules.match import Matcher
from watcher.rules.quantities import Duration
from watcher.rules.validation import Part

_UNSURE = 4
"""The moment of entering must be known to this part of the time that a task may stay."""
_MOVED_ON = End(EndReason.RECOVERED, "the task moved on")


class StuckSpec(Part):
    longer_than: Duration


@dataclass(frozen=True, slots=True)
class Stuck(Silent):
    """The match says which tasks and which open statuses; without a status, all of them.

    Args:
        by_status: alerts are told apart by the status, so that one status is left for the next.
        tells_moot: its hits hold the moot ones too.
    """

    match: Matcher
    spec: StuckSpec
    by_status: bool = False
    tells_moot: bool = True

    @property
    def memory(self) -> Millis:
        return self.spec.longer_than

    @property
    def curious(self) -> bool:
        return True

    def doubt(self, subject: Subject) -> Millis | None:
        # A status that was passed between two readings can't have lasted long; one that was entered long before
        # the reading that showed it may have.
        unsure = self.match.doubt(subject, passages=False)
        entered = [
            transition.earliest
            for transition in subject.transitions
            if transition.observed
            and TaskPart.TIMES in subject.task.lacks
            and transition.at - transition.earliest > self.spec.longer_than // _UNSURE
            and self._watched(subject, transition)
        ]
        return min([*entered, *([] if unsure is None else [unsure])], default=None)

    def _watched(self, subject: Subject, transition: Transition) -> bool:
        return not is_final(transition.status) and bool(self.match(subject, transition))

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        return replace(self, match=self.match.narrowed(name, statuses), tells_moot=False)

    def hits(self, subject: Subject) -> list[Hit]:
        hits: list[Hit] = []
        entered: Transition | None = None
        fitting = self.match.fitting(subject)
        for transition in subject.transitions if fitting else ():
            watched = not is_final(transition.status) and transition in fitting
            if entered is not None and (self.by_status or not watched):
                # The alert is the one of the values it had when it entered. Where the moment of leaving was only
                # observed, it is sure to have stayed until the reading before, and no longer.
                left = max(entered.at, transition.earliest)
                moot = left - entered.at < self.spec.longer_than
                if self.tells_moot or not moot:
                    leave = event_of(subject, transition._replace(at=left), Role.LEAVE)
                    hits += [self._enter(subject, entered, moot), Hit(leave, entered, moot)]
                entered = None
            if watched and entered is None:
                entered = transition
        if entered is not None:
            hits.append(self._enter(subject, entered, False))
            if subject.lost_at is not None:
                lost = Transition(entered.status, subject.lost_at, subject.lost_at, baseline=entered.baseline)
                hits.append(Hit(event_of(subject, lost, Role.LOST), entered))
        return hits

    @staticmethod
    def _enter(subject: Subject, entered: Transition, moot: bool) -> Hit:
        return Hit(event_of(subject, entered, Role.ENTER), entered, moot)

    @property
    def by_time(self) -> bool:
        return True

    @property
    def gated(self) -> bool:
        return True

    @property
    def of_open_tasks(self) -> bool:
        return True

    def statuses(self) -> frozenset[str] | None:
        return None

    def signal(self) -> "StuckSignal":
        return StuckSignal(self.spec)

    def phrase(self) -> str:
        return f"stuck for longer than {duration_text(self.spec.longer_than)}"


@dataclass(slots=True)
class StuckSignal:
    spec: StuckSpec
    waiting: list[tuple[Millis, int, Event]] = field(default_factory=list)
    stuck: dict[int, Event] = field(default_factory=dict)
    arrived: list[Event] = field(default_factory=list)
    last: End = _MOVED_ON

    def take(self, event: Event) -> None:
        if event.role is Role.ENTER:
            heapq.heappush(self.waiting, (event.at + self.spec.longer_than, event.key, event))
            return
        # A task that leaves at the very moment it would be stuck has left by then: not stuck.
        self.waiting = [entry for entry in self.waiting if entry[1] != event.key]
        heapq.heapify(self.waiting)
        if self.stuck.pop(event.key, None) is not None:
            self.arrived = [stuck for stuck in self.arrived if stuck.key != event.key]
            if event.role is Role.LOST:
                self.last = End(EndReason.LOST, "the API no longer shows the task")
            else:
                self.last = End(EndReason.RECOVERED, f"the task moved on to {event.status}")

    def leap(self, events: Sequence[Event], position: int) -> int:  # noqa: ARG002 - time makes it true
        return position

    def advance(self, to: Millis) -> None:
        while self.waiting and self.waiting[0][0] <= to:
            _, key, event = heapq.heappop(self.waiting)
            self.stuck[key] = event
            self.arrived.append(event)

    def next_edge(self) -> Millis | None:
        return self.waiting[0][0] if self.waiting else None

    def holds(self) -> bool:
        return bool(self.stuck)

    def standing(self) -> Sequence[Event]:
        return list(self.stuck.values())

    def count(self) -> int:
        return len(self.stuck)

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return self.last

    def figures(self, at: Millis) -> str:
        longest = duration_text(self.spec.longer_than)
        if self.stuck:
            first = min(event.at for event in self.stuck.values())
            return f"{len(self.stuck)} stuck for {longest}, the longest for {duration_text(at - first)}"
        if self.waiting:
            begun = self.waiting[0][0] - self.spec.longer_than
            return f"the longest has stayed for {duration_text(at - begun)}, {longest} needed"
        return f"none stays: {self.last.words}" if self.last is not _MOVED_ON else "none stays there"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.waiting and not self.stuck

    def copy(self) -> Self:
        return type(self)(self.spec, self.waiting.copy(), self.stuck.copy(), [], self.last)
