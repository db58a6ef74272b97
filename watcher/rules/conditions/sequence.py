"""`sequence: {steps: [match, …], within: W, without: match?}`: the steps happened in order inside W, with no `without`
between. True from the last step until the first leaves the window."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from pydantic import Field

from watcher.model.subject import Subject
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import Composite, End, EndReason, Hit
from watcher.rules.event import Event, Role, event_of
from watcher.rules.match import Matcher
from watcher.rules.match_part import MatchPart
from watcher.rules.quantities import Duration
from watcher.rules.validation import Part


class SequenceSpec(Part):
    steps: Annotated[tuple[MatchPart, ...], Field(min_length=2, max_length=10)]
    within: Duration
    without: MatchPart | None = None


@dataclass(frozen=True, slots=True)
class Steps(Composite):
    """Args:
    match: what every step must fit too.
    """

    match: Matcher
    spec: SequenceSpec
    steps: tuple[Matcher, ...]
    without: Matcher | None

    @classmethod
    def build(cls, match: Matcher, spec: SequenceSpec) -> Self:
        without = None if spec.without is None else spec.without.compiled()
        return cls(match, spec, tuple(step.compiled() for step in spec.steps), without)

    @property
    def matches(self) -> tuple[Matcher, ...]:
        return (self.match, *self.narrowest)

    @property
    def narrowest(self) -> tuple[Matcher, ...]:
        return self.steps if self.without is None else (*self.steps, self.without)

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        return replace(
            self,
            match=self.match.narrowed(name, statuses),
            steps=tuple(step.narrowed(name, statuses) for step in self.steps),
            without=None if self.without is None else self.without.narrowed(name, statuses),
        )

    def parts(self) -> tuple[tuple[str, Matcher], ...]:
        steps = tuple((f"step {place}", step) for place, step in enumerate(self.steps, 1))
        also = () if self.without is None else (("without", self.without),)
        return (*((("match", self.match),) if self.match.clauses or self.match.where else ()), *steps, *also)

    @property
    def memory(self) -> Millis:
        return self.spec.within

    @property
    def gated(self) -> bool:
        return self.without is not None

    @property
    def warm_up(self) -> Millis:
        return self.spec.within if self.gated else 0

    def hits(self, subject: Subject) -> list[Hit]:
        hits: list[Hit] = []
        if self.without is not None:
            hits += [Hit(event_of(subject, one, Role.WITHOUT), one) for one in self.without.fitting(subject)]
        taken = [step.fitting(subject) for step in self.steps]
        if not any(taken):
            return hits
        for transition in self.match.fitting(subject):
            places = tuple(place for place, found in enumerate(taken) if transition in found)
            if places:
                hits.append(Hit(event_of(subject, transition, Role.MATCH, steps=places), transition))
        return hits

    def signal(self) -> "SequenceSignal":
        return SequenceSignal(self.spec, [None] * len(self.steps))

    def phrase(self) -> str:
        return f"{len(self.steps)} steps in order within {duration_text(self.spec.within)}"


@dataclass(slots=True)
class SequenceSignal:
    """Of all sequences that end with an event, the one that began last lasts longest and spans the least: only that one
    is remembered.

    Args:
        begun: for each step, the latest beginning of a sequence up to it, complete before this moment.
        fresh: step and beginning of those of this very moment.
        broken_at: the last `without`, before this moment; `breaking`: one of this very moment.
        lasts: up to when a complete one is in the window.
    """

    spec: SequenceSpec
    begun: list[Millis | None]
    fresh: list[tuple[int, Millis]] = field(default_factory=list)
    broken_at: Millis | None = None
    breaking: bool = False
    lasts: Millis = 0
    now: Millis = 0
    window: deque[Event] = field(default_factory=deque)
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.role is Role.WITHOUT:
            self.breaking = True
            return
        self.window.append(event)
        self.arrived.append(event)
        for step in event.steps:
            begun_at = event.at if step == 0 else self.begun[step - 1]
            if begun_at is None or begun_at + self.spec.within <= event.at:
                continue
            self.fresh.append((step, begun_at))
            broken = self.broken_at is not None and self.broken_at > begun_at
            if step == len(self.begun) - 1 and not broken:
                self.lasts = max(self.lasts, begun_at + self.spec.within)

    def leap(self, events: Sequence[Event], position: int) -> int:
        if self.window or self.fresh or self.breaking:
            return position
        while position < len(events) and events[position].role is Role.WITHOUT:
            position += 1  # there is nothing to break
        return position

    def advance(self, to: Millis) -> None:
        if to > self.now:
            for step, begun_at in self.fresh:
                self.begun[step] = max(begun_at, self.begun[step] or begun_at)
            self.fresh.clear()
            if self.breaking:
                self.broken_at, self.breaking = self.now, False
            self.now = to
        while self.window and self.window[0].at + self.spec.within <= to:
            self.window.popleft()

    def next_edge(self) -> Millis | None:
        return self.lasts if self.holds() else None

    def holds(self) -> bool:
        return self.lasts > self.now

    def standing(self) -> Sequence[Event]:
        return self.window

    def count(self) -> int:
        return len(self.window)

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return End(EndReason.QUIET, "the first step left the window")

    def figures(self, at: Millis) -> str:
        steps, within = len(self.begun), duration_text(self.spec.within)
        if self.holds():
            return f"all {steps} steps within {within}"
        begun = {**dict(enumerate(self.begun)), **dict(self.fresh)}
        reached = [step for step, since in begun.items() if since is not None and since + self.spec.within > at]
        if not reached:
            return f"step 1 of {steps} has not come within {within}"
        done = max(reached) + 1
        if done == steps:
            return f"all {steps} steps within {within}, but what must not lie between them did"
        return f"{done} of {steps} steps in order within {within}"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.window

    def copy(self) -> Self:
        return type(self)(
            self.spec,
            self.begun.copy(),
            self.fresh.copy(),
            self.broken_at,
            self.breaking,
            self.lasts,
            self.now,
            self.window.copy(),
        )
