"""`count: {at_least: N, within: W, distinct: miner?}`: at least N matching events in (τ−W, τ]."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import Field

from watcher.model.subject import Subject
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import End, EndReason, Hit, Outline, Silent
from watcher.rules.event import Event, Role, event_of
from watcher.rules.match import Matcher
from watcher.rules.quantities import Duration
from watcher.rules.validation import Part


class CountSpec(Part):
    at_least: Annotated[int, Field(ge=1)]
    within: Duration
    distinct: Literal["miner"] | None = None


@dataclass(frozen=True, slots=True)
class Count(Silent):
    match: Matcher
    spec: CountSpec

    @property
    def memory(self) -> Millis:
        return self.spec.within

    def hits(self, subject: Subject) -> list[Hit]:
        return [
            Hit(event_of(subject, transition, Role.MATCH), transition) for transition in self.match.fitting(subject)
        ]

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        return Outline.of(self.match, name, statuses)

    def signal(self) -> "CountSignal":
        return CountSignal(self.spec)

    def phrase(self) -> str:
        what = "miners" if self.spec.distinct else "times"
        return f"at least {self.spec.at_least} {what} within {duration_text(self.spec.within)}"


@dataclass(slots=True)
class CountSignal:
    spec: CountSpec
    window: deque[Event] = field(default_factory=deque)
    miners: Counter[str] = field(default_factory=Counter)
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if self.spec.distinct and event.miner_id is None:
            return  # with `distinct: miner`, transitions without a miner do not count
        self.window.append(event)
        self.arrived.append(event)
        if event.miner_id is not None:
            self.miners[event.miner_id] += 1

    def leap(self, events: Sequence[Event], position: int) -> int:
        # So few that all of them together are not enough, whatever leaves the window meanwhile.
        end = max(position, min(len(events), position + self.spec.at_least - 1 - len(self.window)))
        for event in events[position:end]:
            self.take(event)
        return end

    def advance(self, to: Millis) -> None:
        window, miners, within = self.window, self.miners, self.spec.within
        while window and window[0].at + within <= to:
            gone = window.popleft()
            if gone.miner_id is not None:
                miners[gone.miner_id] -= 1
                if not miners[gone.miner_id]:
                    del miners[gone.miner_id]

    def next_edge(self) -> Millis | None:
        # Leaving events can only turn a true condition false.
        return self.window[0].at + self.spec.within if self.window and self.holds() else None

    def holds(self) -> bool:
        return self.count() >= self.spec.at_least

    def standing(self) -> Sequence[Event]:
        return self.window

    def count(self) -> int:
        return len(self.miners) if self.spec.distinct else len(self.window)

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return End(EndReason.QUIET, "fewer than " + str(self.spec.at_least) + " in the window")

    def figures(self, at: Millis) -> str:  # noqa: ARG002 - part of a protocol
        spec, what = self.spec, " miners" if self.spec.distinct else ""
        return f"{self.count()}{what} within {duration_text(spec.within)}, {spec.at_least} needed"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.window

    def copy(self) -> Self:
        return type(self)(self.spec, self.window.copy(), self.miners.copy())
