"""Times and durations. Everywhere below the edges a time is whole milliseconds since 1970 UTC, so that no
naive or local time can exist and comparisons are exact (`rules.md` compares times in whole milliseconds)."""

from datetime import UTC, datetime, timedelta

Millis = int
"""A moment (ms since the epoch, UTC) or a length of time (ms); the name says which."""

SECOND: Millis = 1000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


def from_datetime(moment: datetime) -> Millis:
    """The whole milliseconds of an aware time; what is below a millisecond is cut off.

    Raises:
        TypeError: the time has no offset.
    """
    since = moment - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds // 1000


def to_datetime(moment: Millis) -> datetime:
    return _EPOCH + moment * _MILLISECOND


def iso(moment: Millis) -> str:
    """ISO 8601 in UTC, with milliseconds: `2026-11-23T19:09:03.120Z`."""
    return to_datetime(moment).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def duration_text(length: Millis) -> str:
    """A length of time as the rule files write it, in at most two units: `1h30m`, `45s`, `7d`."""
    if length < SECOND:
        return "0s"
    parts: list[str] = []
    for size, unit in _UNITS:
        if length >= size and len(parts) < 2:
            parts.append(f"{length // size}{unit}")
            length %= size
        elif parts:
            break
    return "".join(parts)
