"""Durations and rates as the configuration and the rules write them: `1h30m`, `20/10m`."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis
from watcher.rules.wording import quoted

_PART = re.compile(r"([0-9]{1,9})([dhms])")
_WHOLE = re.compile(r"(?:[0-9]{1,9}[dhms])+")
_RATE = re.compile(r"([0-9]{1,9})/(.+)")
_UNITS: dict[str, Millis] = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
_EXAMPLES = "90s, 15m, 6h, 7d or 1h30m"
_LONGEST = 100 * 365 * DAY


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `per` milliseconds."""

    count: int
    per: Millis


def parse_duration(value: object) -> Millis:
    """The length of `90s`, `15m`, `6h`, `7d` or `1h30m`, at least a second.

    Raises:
        ValueError: with a sentence for the operator.
    """
    length = parse_duration_or_zero(value)
    if length < SECOND:
        raise ValueError("a duration here is at least 1s")
    return length


def parse_duration_or_zero(value: object) -> Millis:
    """As `parse_duration`, but `0s` is one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"durations carry a unit: {_EXAMPLES}")
    if not isinstance(value, str):
        raise ValueError(f"expected a duration such as {_EXAMPLES}")
    if not _WHOLE.fullmatch(value):
        raise ValueError(f"{quoted(value)} is no duration: write it like {_EXAMPLES}")
    units = [unit for _, unit in _PART.findall(value)]
    if units != sorted(set(units), key="dhms".index):
        raise ValueError(f"{quoted(value)} is no duration: each unit once, the larger first, like 1h30m")
    length = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if length > _LONGEST:
        raise ValueError(f"{quoted(value)} is longer than 100 years")
    return length


def parse_rate(value: object) -> Rate:
    """The rate `N/s`, `N/m`, `N/h`, `N/d` or `N/DURATION`.

    Raises:
        ValueError: with a sentence for the operator.
    """
    examples = "1/s, 20/m or 20/10m"
    split = _RATE.fullmatch(value) if isinstance(value, str) else None
    if split is None:
        raise ValueError(f"expected a rate such as {examples}")
    count, per = split.groups()
    if int(count) == 0:
        raise ValueError("a rate here is at least one")
    return Rate(int(count), _UNITS[per] if per in _UNITS else parse_duration(per))


_DURATION_SCHEMA = {"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"}

Duration = Annotated[Millis, PlainValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
DurationOrZero = Annotated[Millis, PlainValidator(parse_duration_or_zero), WithJsonSchema(_DURATION_SCHEMA)]
_RATE_SCHEMA = {"type": "string", "pattern": "^[0-9]+/[0-9dhms]+$"}

RateText = Annotated[Rate, PlainValidator(parse_rate), WithJsonSchema(_RATE_SCHEMA)]
