"""When a message is tried again, and when it is given up. Pure."""

import math
from dataclasses import dataclass
from random import Random

from watcher.model.times import DAY, MINUTE, SECOND, Millis, duration_text
from watcher.notify.outcome import Outcome, Result

TRIED_FOR: Millis = DAY
_LONGEST_WAIT: Millis = 5 * MINUTE
_REPEAT_AFTER: Millis = 10 * SECOND
_SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class Retry:
    at: Millis


@dataclass(frozen=True, slots=True)
class Dead:
    """Given up.

    Args:
        owed: only for its age, and surely not delivered: should the service come back, its next message tells it.
    """

    reason: str
    owed: bool = False


def next_attempt(
    attempts: int,
    first_tried_at: Millis,
    now: Millis,
    outcome: Outcome,
    random: Random,
    *,
    may_repeat: bool = False,
) -> Retry | Dead:
    """What follows an attempt that did not send.

    The waits are 1, 2, 4 … s, at most 5 min, ±20 %; what the service asked for replaces them. A message is
    given up by its age, never by the number of tries: a service that was down all night gets it at dawn. But what
    may have been delivered is repeated once, and given up when that ends as uncertain too.

    Args:
        attempts: those made so far, this one included; from 1.
        first_tried_at: when the first of them began.
        now: when this one ended.
        outcome: of this one.
        random: spreads the waits, so that what failed together does not come back together.
        may_repeat: an earlier attempt may have delivered it.
    """
    uncertain = outcome.result is Result.UNCERTAIN
    if outcome.result is Result.PERMANENT:
        return Dead(outcome.reason)
    if uncertain and may_repeat:
        return Dead(f"perhaps delivered, and repeated once; at last: {outcome.reason}")
    if now - first_tried_at >= TRIED_FOR:
        owed = not (uncertain or may_repeat)
        return Dead(f"tried for {duration_text(TRIED_FOR)}; at last: {outcome.reason}", owed=owed)
    if outcome.retry_after is not None:
        return Retry(now + math.ceil(outcome.retry_after * SECOND))
    wait = _REPEAT_AFTER if uncertain else min(SECOND << min(attempts - 1, 32), _LONGEST_WAIT)
    return Retry(now + round(wait * random.uniform(1 - _SPREAD, 1 + _SPREAD)))
