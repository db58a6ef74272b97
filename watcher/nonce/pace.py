"""How long to leave the API alone after it failed. Pure."""

from dataclasses import dataclass
from random import Random

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled

REFUSED = 300.0
SHORTEST, LONGEST = 1.0, 60.0
LONGEST_OBEYED = 3600.0
"""The longest Retry-After that is believed."""

_SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of the API's health.

    Args:
        failures: how many came in a row.
        resume_at: nothing is to be asked before; seconds of the monotonic clock.
    """

    failures: int = 0
    resume_at: float = float("-inf")

    def after(self, outcome: ApiError | None, now: float, random: Random) -> "Pace":
        """The pace after a request ended; None for one that was answered.

        What ends during a wait was sent before it: a success then proves nothing, and failures that came
        together count as one. A wait is never shortened.
        """
        waiting = now < self.resume_at
        if outcome is None or isinstance(outcome, ApiRejected):
            return self if waiting else Pace()
        failures = self.failures if waiting else self.failures + 1
        return Pace(failures, max(self.resume_at, now + _wait(outcome, failures, random)))


def _wait(outcome: ApiError, failures: int, random: Random) -> float:
    match outcome:
        case ApiThrottled(retry_after=float() | int() as asked):
            return min(max(asked, SHORTEST), LONGEST_OBEYED)
        case ApiRefused():
            return REFUSED
        case _:
            wait = min(SHORTEST * 2.0 ** min(failures - 1, 16), LONGEST)
            return wait * random.uniform(1 - _SPREAD, 1 + _SPREAD)
