"""What came of one attempt to hand a message to a service."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What the caller may do next."""

    SENT = "sent"
    PASSING = "passing"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result with its reason.

    Args:
        result: `passing`: surely not delivered, worth another try; `permanent`: no try will ever help;
            `uncertain`: perhaps delivered, so that another try may repeat it.
        reason: short, for the operator, without any secret: "Telegram answered 401 Unauthorized".
        retry_after: the seconds that the service asked to wait; None where it did not.
    """

    result: Result
    reason: str
    retry_after: float | None = None
