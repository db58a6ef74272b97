"""From a condition's truth in event time to the stretches in which an alert fires: `for`, `keep_firing_for`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from watcher.model.alert import Origin
from watcher.model.times import Millis
from watcher.rules.conditions.condition import End, Signal
from watcher.rules.event import Event, Role


@dataclass(frozen=True, slots=True)
class Point:
    """How a stretch stood from a moment on: its count and total, how many of its tasks it had by then, and the time
    of its latest event."""

    at: Millis
    count: int
    total: int | None
    tasks: int
    last_at: Millis | None


@dataclass(slots=True)
class Stretch:
    """One stretch of firing, from its start to its end.

    Args:
        count: the alert's count at the moment judged; at the end, its largest.
        peak: the largest count while firing, and the total it was part of.
        tasks: keys of the tasks whose events made it up, in the order they arrived.
        trace: how it went, where that is wanted.
    """

    started_at: Millis
    origin: Origin
    count: int = 0
    total: int | None = None
    peak: tuple[int, int | None] = (0, None)
    first_at: Millis | None = None
    last_at: Millis | None = None
    tasks: dict[int, None] = field(default_factory=dict)
    ended_at: Millis | None = None
    end: End | None = None
    trace: list["Point"] | None = None

    def add(self, events: Iterable[Event], already: Millis | None = None) -> None:
        """Take in events that began to count; `already`: the moment that made them count, for `stuck`."""
        for event in events:
            if event.role is not Role.SEEN:
                self.tasks[event.key] = None
            self.first_at = event.at if self.first_at is None else min(self.first_at, event.at)
            self.last_at = event.at if self.last_at is None else max(self.last_at, event.at)
            self.origin = min(self.origin, _origin(event, already), key=_RANK.__getitem__)

    def measure(self, signal: Signal) -> None:
        self.count, self.total = signal.count(), signal.total()
        if self.count >= self.peak[0]:
            self.peak = (self.count, self.total)

    def mark(self, at: Millis) -> None:
        """Remember how it stands at a moment, if it has changed."""
        if self.trace is not None:
            point = Point(at, self.count, self.total, len(self.tasks), self.last_at)
            if not self.trace or replace(self.trace[-1], at=at) != point:
                self.trace.append(point)

    def copy(self) -> "Stretch":
        return Stretch(
            self.started_at, self.origin, self.count, self.total, self.peak,
            self.first_at, self.last_at, self.tasks.copy(), self.ended_at, self.end, self.trace,
        )  # fmt: skip


_RANK = {Origin.NEWS: 0, Origin.ALREADY: 1, Origin.BASELINE: 2}


def _origin(event: Event, counted_from: Millis | None) -> Origin:
    if event.before_edit:
        return Origin.BASELINE if counted_from is None or counted_from <= event.observed_at else Origin.NEWS
    if event.baseline is None:
        return Origin.NEWS
    if counted_from is None:
        return Origin.BASELINE
    # A task that had begun before the first contact but came to be stuck only after it is news.
    return Origin.ALREADY if counted_from <= event.baseline else Origin.NEWS


@dataclass(slots=True)
class Life:
    """The state of one alert: since when its condition holds, and the stretch it fires in.

    Args:
        hold: `for` (ms).
        keep: `keep_firing_for` (ms).
        by_time: the condition comes true by time passing rather than by an event (`stuck`).
        traced: see `Stretch.trace`.
        believes_from: what the condition says before this moment hangs on a part of the log that was not read.
    """

    hold: Millis
    keep: Millis
    by_time: bool = False
    since: Millis | None = None
    gone: Millis | None = None
    end: End | None = None
    firing: Stretch | None = None
    traced: bool = False
    believes_from: Millis | None = None

    def next_timer(self) -> Millis | None:
        if self.firing is None:
            return None if self.since is None else self.since + self.hold
        return None if self.gone is None else self.gone + self.keep

    def step(self, at: Millis, signal: Signal) -> Stretch | None:
        """Judge the condition at a moment after all of its changes; returns a stretch that ended there."""
        holds = signal.holds()
        if self.firing is None:
            if signal.arrived:
                signal.arrived = []
            if holds:
                self._wait(at, signal)
            else:
                self.since = None
            return None
        arrived, signal.arrived = signal.arrived, []
        self.firing.add(arrived, at if self.by_time else None)
        if holds:
            self.gone = self.end = None
            self.firing.measure(signal)
            self.firing.mark(at)
            return None
        if self.gone is None:
            self.gone, self.end = at, signal.end()
        if at < self.gone + self.keep:
            return None
        ended, self.firing = self.firing, None
        ended.ended_at, ended.end = at, self.end
        self.since = self.gone = self.end = None
        return ended

    def _wait(self, at: Millis, signal: Signal) -> None:
        if self.since is None:
            self.since = at
        if at >= self.since + self.hold:
            self.firing = Stretch(at, Origin.BASELINE, trace=[] if self.traced else None)
            self.firing.add(signal.standing(), self.since if self.by_time else None)
            self.firing.measure(signal)
            self.firing.mark(at)
            self.since = None

    def idle(self) -> bool:
        return self.firing is None and self.since is None

    def copy(self) -> "Life":
        firing = None if self.firing is None else self.firing.copy()
        return Life(
            self.hold, self.keep, self.by_time, self.since, self.gone, self.end, firing, self.traced, self.believes_from
        )
