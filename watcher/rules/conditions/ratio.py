"""`ratio: {at_least: P%, within: W, min_total: n, of: {match}?, confidence: C%?, distinct: miner?}`: of the transitions
in (τ−W, τ] that fit `of`, at least n, the part that fits the match too is at least P."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from statistics import NormalDist
from typing import Annotated, Literal, Self

from pydantic import Field

from watcher.model.subject import Subject
from watcher.model.task import FINAL_STATUSES
from watcher.model.times import Millis, duration_text
from watcher.rules.conditions.condition import Composite, End, EndReason, Hit, Outline
from watcher.rules.event import Event, Role, event_of
from watcher.rules.match import Matcher, compile_match
from watcher.rules.match_part import MatchPart
from watcher.rules.quantities import Confidence, Duration, Percent
from watcher.rules.validation import Part


class RatioSpec(Part):
    at_least: Percent
    within: Duration
    min_total: Annotated[int, Field(ge=1)] = 1
    of: MatchPart | None = None
    confidence: Confidence | None = None
    distinct: Literal["miner"] | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much is enough, ready to be reckoned with.

    Args:
        part: as numerator and denominator.
        least: how many there must be.
        quantile: of the normal distribution at (1 + C)/2; None where no confidence is asked for.
    """

    part: tuple[int, int]
    least: int
    quantile: float | None

    @classmethod
    def of(cls, spec: RatioSpec) -> Self:
        quantile = None if spec.confidence is None else NormalDist().inv_cdf(float(1 + spec.confidence) / 2)
        return cls((spec.at_least.numerator, spec.at_least.denominator), max(spec.min_total, 1), quantile)

    def reached(self, count: int, total: int) -> bool:
        """Whether `count` of `total` is enough; with a confidence, as sure as that."""
        numerator, denominator = self.part
        if total < self.least or count * denominator < total * numerator:
            return False  # nobody is sure of more than the part itself
        return self.quantile is None or _sure(self.quantile, count, total) >= numerator / denominator

    def sure(self, count: int, total: int) -> float | None:
        """The part that `count` of `total` is at least, as sure as is asked for."""
        return None if self.quantile is None else max(0.0, _sure(self.quantile, count, total))


def _sure(z: float, count: int, total: int) -> float:
    """The lower end of the two-sided Wilson score interval (Wilson 1927, J. Am. Stat. Assoc. 22): with p = count/total
    and z the quantile of the normal distribution at (1 + C)/2,
    (p + z²/2n − z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    """
    part = count / total
    middle = part + z * z / (2 * total)
    width = z * math.sqrt(part * (1 - part) / total + z * z / (4 * total * total))
    return (middle - width) / (1 + z * z / total)


@dataclass(frozen=True, slots=True)
class Ratio(Composite):
    """Args:
    of: what the ratio is taken of; by default what the match says, with every final status.
    """

    match: Matcher
    spec: RatioSpec
    of: Matcher
    threshold: Threshold

    @classmethod
    def build(cls, match: Matcher, spec: RatioSpec) -> Self:
        return cls(match, spec, _finals(match) if spec.of is None else spec.of.compiled(), Threshold.of(spec))

    @property
    def matches(self) -> tuple[Matcher, ...]:
        return self.match, self.of

    @property
    def narrowest(self) -> tuple[Matcher, ...]:
        return (self.of,)

    def narrowed(self, name: str, statuses: Sequence[str]) -> Self:
        return replace(self, match=self.match.narrowed(name, statuses), of=self.of.narrowed(name, statuses))

    def outline(self, name: str, statuses: Sequence[str]) -> Outline | None:
        counted = Outline.of(self.of, name, statuses)
        matching = Outline.of(self.match, name, statuses)
        if counted is None or matching is None or counted.match.source != matching.match.source:
            return None
        roles = tuple(one if one in matching.roles else (one[0], Role.OF) for one in counted.roles)
        return Outline(counted.match, roles)

    def parts(self) -> tuple[tuple[str, Matcher], ...]:
        return ("match", self.match), ("of", self.of)

    @property
    def memory(self) -> Millis:
        return self.spec.within

    @property
    def warm_up(self) -> Millis:
        return self.spec.within

    @property
    def gated(self) -> bool:
        return True

    def hits(self, subject: Subject) -> list[Hit]:
        counted = self.of.fitting(subject)
        matching = self.match.fitting(subject) if counted else ()
        return [Hit(event_of(subject, one, Role.MATCH if one in matching else Role.OF), one) for one in counted]

    def signal(self) -> "RatioSignal | DistinctRatioSignal":
        kind = RatioSignal if self.spec.distinct is None else DistinctRatioSignal
        return kind(self.spec, self.threshold)

    def phrase(self) -> str:
        spec = self.spec
        what = "miners" if spec.distinct else "times"
        sure = "" if spec.confidence is None else f", {_text(spec.confidence)} sure"
        least = "" if spec.min_total == 1 else f" of at least {spec.min_total} {what}"
        return f"at least {_text(spec.at_least)}{least} within {duration_text(spec.within)}{sure}"


def _finals(match: Matcher) -> Matcher:
    final = compile_match({"status": FINAL_STATUSES})
    plain = match.without("status")
    return Matcher({**plain.source, **final.source}, {**final.clauses, **plain.clauses}, plain.where)


def _text(part: Fraction) -> str:
    return f"{float(100 * part):g}%"


def _figures(spec: RatioSpec, threshold: Threshold, count: int, total: int) -> str:
    what = " miners" if spec.distinct else ""
    if not total:
        return f"nothing to take a part of within {duration_text(spec.within)}"
    part = f"{count} of {total}{what} = {100 * count / total:.3g}%"
    if spec.confidence is not None:
        part += f", {100 * (threshold.sure(count, total) or 0):.3g}% are {_text(spec.confidence)} sure"
    least = "" if spec.min_total == 1 else f" of at least {spec.min_total}{what}"
    return f"{part} within {duration_text(spec.within)}, {_text(spec.at_least)}{least} needed"


@dataclass(slots=True)
class RatioSignal:
    """Every transition counts."""

    spec: RatioSpec
    threshold: Threshold
    window: deque[Event] = field(default_factory=deque)
    matching: deque[Event] = field(default_factory=deque)
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.window.append(event)
        if event.role is Role.MATCH:
            self.matching.append(event)
            self.arrived.append(event)

    def leap(self, events: Sequence[Event], position: int) -> int:
        # While nothing matches, or there are too few even with all that leaves the window meanwhile.
        end = min(len(events), position + self.spec.min_total - 1 - len(self.window))
        place = position
        while place < len(events) and (place < end or (not self.matching and events[place].role is not Role.MATCH)):
            self.take(events[place])
            place += 1
        return place

    def advance(self, to: Millis) -> None:
        within = self.spec.within
        while self.window and self.window[0].at + within <= to:
            self.window.popleft()
        while self.matching and self.matching[0].at + within <= to:
            self.matching.popleft()

    def next_edge(self) -> Millis | None:
        # What leaves can turn the answer either way, but not while nothing matches.
        return self.window[0].at + self.spec.within if self.matching else None

    def holds(self) -> bool:
        return self.threshold.reached(len(self.matching), len(self.window))

    def standing(self) -> Sequence[Event]:
        return self.matching

    def count(self) -> int:
        return len(self.matching)

    def total(self) -> int | None:
        return len(self.window)

    def end(self) -> End:
        return _ended(self.spec, len(self.window))

    def figures(self, at: Millis) -> str:  # noqa: ARG002 - part of a protocol
        return _figures(self.spec, self.threshold, len(self.matching), len(self.window))

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.window

    def copy(self) -> Self:
        return type(self)(self.spec, self.threshold, self.window.copy(), self.matching.copy())


@dataclass(slots=True)
class DistinctRatioSignal:
    """Each miner counts once, by its latest transition in the window."""

    spec: RatioSpec
    threshold: Threshold
    window: deque[Event] = field(default_factory=deque)
    latest: dict[str, Event] = field(default_factory=dict)
    matching: int = 0
    arrived: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.miner_id is None:
            return
        self._forget(self.latest.get(event.miner_id))
        self.window.append(event)
        self.latest[event.miner_id] = event
        if event.role is Role.MATCH:
            self.matching += 1
            self.arrived.append(event)

    def _forget(self, event: Event | None) -> None:
        if event is not None and event.role is Role.MATCH:
            self.matching -= 1

    def leap(self, events: Sequence[Event], position: int) -> int:
        # While nothing matches, or there are too few even with all that leaves the window meanwhile.
        end = min(len(events), position + self.spec.min_total - 1 - len(self.window))
        place = position
        while place < len(events) and (place < end or (not self.matching and events[place].role is not Role.MATCH)):
            self.take(events[place])
            place += 1
        return place

    def advance(self, to: Millis) -> None:
        while self.window and self.window[0].at + self.spec.within <= to:
            gone = self.window.popleft()
            miner = gone.miner_id or ""
            if self.latest.get(miner) is gone:
                self._forget(gone)
                del self.latest[miner]

    def next_edge(self) -> Millis | None:
        return self.window[0].at + self.spec.within if self.matching else None

    def holds(self) -> bool:
        return self.threshold.reached(self.matching, len(self.latest))

    def standing(self) -> Iterable[Event]:
        return [event for event in self.window if self.latest.get(event.miner_id or "") is event and _counts(event)]

    def count(self) -> int:
        return self.matching

    def total(self) -> int | None:
        return len(self.latest)

    def end(self) -> End:
        return _ended(self.spec, len(self.latest))

    def figures(self, at: Millis) -> str:  # noqa: ARG002 - part of a protocol
        return _figures(self.spec, self.threshold, self.matching, len(self.latest))

    def warmed_up(self) -> None:
        pass

    def idle(self) -> bool:
        return not self.window

    def copy(self) -> Self:
        return type(self)(self.spec, self.threshold, self.window.copy(), self.latest.copy(), self.matching)


def _counts(event: Event) -> bool:
    return event.role is Role.MATCH


def _ended(spec: RatioSpec, total: int) -> End:
    few = total < spec.min_total
    return End(EndReason.QUIET, "too few in the window" if few else f"less than {_text(spec.at_least)} in the window")
