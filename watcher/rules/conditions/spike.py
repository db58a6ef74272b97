"""`spike: {times: K, within: W, baseline: B, min: n}`: the count in (τ−W, τ] is at least n, and at least K times the
mean count per W over the B before it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import Field

from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import End, EndReason, Outline
from watcher.rules.conditions.watched import Watched, watch_of
from watcher.rules.event import Event, Role
from watcher.rules.match import Matcher
from watcher.rules.quantities import Duration, Times
from watcher.rules.resolve import Ending
from watcher.rules.validation import Part


class SpikeSpec(Part):
    times: Times
    within: Duration
    baseline: Duration
    least: Annotated[int, Field(ge=1, alias="min")] = 1


@dataclass(frozen=True, slots=True)
class Spike(Watched):
    match: Matcher
    spec: SpikeSpec
    by: tuple[str, ...]
    begin: Matcher

    @classmethod
    def build(cls, match: Matcher, spec: SpikeSpec, ending: Ending) -> Self:
        return cls(match, spec, ending.by, watch_of(match, ending.by))

    @property
    def memory(self) -> Millis:
        return self.spec.within + self.spec.baseline

    @property
    def warm_up(self) -> Millis:
        return self.memory

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        return Outline.of(self.match, name, statuses)

    def signal(self) -> "SpikeSignal":
        return SpikeSignal(self.spec)

    def phrase(self) -> str:
        spec = self.spec
        return (
            f"at least {spec.least} times within {duration_text(spec.within)}, "
            f"{float(spec.times):g} times the mean of the {duration_text(spec.baseline)} before"
        )


@dataclass(slots=True)
class SpikeSignal:
    """Args:
    begun_at: since when there is something to watch.
    recent: events of the window; `before`: of the baseline.
    """

    spec: SpikeSpec
    begun_at: Millis | None = None
    now: Millis = 0
    recent: deque[Event] = field(default_factory=deque)
    before: deque[Millis] = field(default_factory=deque)
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if self.begun_at is None:
            self.begun_at = event.at
        if event.role is Role.MATCH:
            self.recent.append(event)
            self.arrived.append(event)

    def leap(self, events: Sequence[Event], position: int) -> int:
        # So few that all of them together are not enough, whatever leaves the window meanwhile.
        end = max(position, min(len(events), position + self.spec.least - 1 - len(self.recent)))
        for event in events[position:end]:
            self.take(event)
        return end

    def advance(self, to: Millis) -> None:
        self.now = to
        spec = self.spec
        while self.recent and self.recent[0].at + spec.within <= to:
            self.before.append(self.recent.popleft().at)
        while self.before and self.before[0] + spec.within + spec.baseline <= to:
            self.before.popleft()

    def next_edge(self) -> Millis | None:
        spec = self.spec
        if len(self.recent) < spec.least:
            return None  # time only takes away from the window
        moments = [self.recent[0].at + spec.within]
        if self.before:
            moments.append(self.before[0] + spec.within + spec.baseline)
        if self.begun_at is not None and self._learnt_at > self.now:
            moments.append(self._learnt_at)
        return min(moments)

    @property
    def _learnt_at(self) -> Millis:
        return (self.begun_at or 0) + self.spec.within + self.spec.baseline

    def holds(self) -> bool:
        spec, count = self.spec, len(self.recent)
        if count < spec.least or self.begun_at is None or self._learnt_at > self.now:
            return False
        return count * spec.baseline * spec.times.denominator >= len(self.before) * spec.within * spec.times.numerator

    def standing(self) -> Sequence[Event]:
        return self.recent

    def count(self) -> int:
        return len(self.recent)

    def total(self) -> int | None:
        return None

    def end(self) -> End:
        return End(EndReason.QUIET, "no more than usual in the window")

    def figures(self, at: Millis) -> str:
        spec = self.spec
        if self.begun_at is None:
            return "the watch has not begun"
        if self._learnt_at > at:
            return f"still learning what is usual, for {duration_text(self._learnt_at - at)} more"
        usual = len(self.before) * spec.within / spec.baseline
        needed = max(float(spec.least), float(spec.times) * usual)
        within = duration_text(spec.within)
        return f"{len(self.recent)} within {within}, usual are {usual:.3g}, {needed:.3g} needed"

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.recent and not self.before

    def copy(self) -> Self:
        return type(self)(self.spec, self.begun_at, self.now, self.recent.copy(), self.before.copy())
