"""What became of a message: each of its targets, and every attempt with the service's answer. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery; `detail`: the service's answer."""

    at: Millis
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message for one target. `state`: as of the outbox; of a folded one, `reason` is the digest's id."""

    target: str
    state: str
    attempts: Sequence[Attempt]
    next_at: Millis | None = None
    finished_at: Millis | None = None
    reason: str | None = None

    def as_of(self, at: Millis) -> "Parcel":
        """As it stood at a moment."""
        attempts = tuple(one for one in self.attempts if one.at <= at)
        if self.finished_at is not None and self.finished_at <= at:
            return replace(self, attempts=attempts)
        if self.finished_at is None and len(attempts) == len(self.attempts):
            return self
        return replace(self, state="queued", attempts=attempts, next_at=None, finished_at=None, reason=None)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that spoke of an alert on one channel. `say`: why it was sent."""

    id: str
    channel: str
    say: str
    at: Millis
    parcels: Sequence[Parcel] = ()

    def as_of(self, at: Millis) -> "Sent":
        return replace(self, parcels=tuple(one.as_of(at) for one in self.parcels))
