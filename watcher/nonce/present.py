"""The API's present: what time it is for the API, told by its replies' `Date` and carried on by the monotonic
clock. A host or server whose clock is off or jumps changes nothing. Pure; all clocks are arguments."""

from dataclasses import dataclass, replace
from enum import StrEnum

from watcher.model.times import SECOND, Millis

SAFETY: Millis = 2 * SECOND
"""A `Date` is cut to the second and the reply was made a little later."""

TOLERANCE: Millis = 5 * SECOND


class Verdict(StrEnum):
    """What was made of a look's time."""

    TAKEN = "taken"
    HELD = "held"
    """a step that no second look has confirmed yet: the clock goes on as before"""
    STEPPED = "stepped"
    """a second look confirmed the step: taken, and worth a `clock` trouble"""


@dataclass(frozen=True, slots=True)
class Present:
    """The API's time as the looks so far have told it.

    Args:
        at: up to when the last look can tell; goes back only with `STEPPED`.
        ahead: how far the API's time is ahead of the monotonic clock.
        read: a look has told the time; until then it is our own clock's.
        held: what `ahead` would be after the step that waits for a second look.
        reached: how far `now` had come at the last look: it rather waits than goes back.
    """

    at: Millis
    ahead: Millis
    read: bool = False
    held: Millis | None = None
    reached: Millis = 0

    @classmethod
    def start(cls, wall: Millis, monotonic: float, watermark: Millis = 0) -> "Present":
        """The present of a process that has not looked yet, never below the stored watermark."""
        return cls(watermark, max(wall, watermark) - _millis(monotonic))

    def now(self, monotonic: float) -> Millis:
        return max(self.reached, self.ahead + _millis(monotonic))

    def seen(self, date: Millis | None, wall: Millis, monotonic: float) -> "tuple[Present, Verdict]":
        """The present after a look. The first of a process is believed, but for the stored watermark.

        Args:
            date: its first reply's `Date`; None where it had none, and our clock has to do.
            wall: our clock when that reply came.
            monotonic: the same moment, in seconds.
        """
        told = wall if date is None else date - SAFETY
        ahead = told - _millis(monotonic)
        if not self.read:
            at = max(told, self.at)
            return Present(at, at - _millis(monotonic), read=True), Verdict.TAKEN
        if abs(ahead - self.ahead) <= TOLERANCE:
            return Present(max(told, self.at), ahead, read=True, reached=self.now(monotonic)), Verdict.TAKEN
        if self.held is not None and abs(ahead - self.held) <= TOLERANCE:
            return Present(told, ahead, read=True), Verdict.STEPPED
        at = max(self.at, min(told, self.now(monotonic)))
        return replace(self, at=at, held=ahead), Verdict.HELD


def _millis(seconds: float) -> Millis:
    return int(seconds * SECOND)
