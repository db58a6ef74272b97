"""Durations, rates and percentages as the configuration and the rules write them: `1h30m`, `20/10m`, `12.5%`."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis
from watcher.rules.wording import quoted

_PART = re.compile(r"([0-9]{1,9})([dhms])")
_WHOLE = re.compile(r"(?:[0-9]{1,9}[dhms])+")
_RATE = re.compile(r"([0-9]{1,9})/(.+)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_MOST_TIMES = 1_000_000
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


def parse_percent(value: object) -> Fraction:
    """The part of one that `20%` or `12.5%` is; more than nothing, at most all.

    Raises:
        ValueError: with a sentence for the operator.
    """
    split = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if split is None:
        raise ValueError("expected a percentage such as 20% or 12.5%")
    part = Fraction(split.group(1)) / 100
    if not 0 < part <= 1:
        raise ValueError("a percentage here is more than 0% and at most 100%")
    return part


def parse_confidence(value: object) -> Fraction:
    """As `parse_percent`, but less than all: nothing is ever sure."""
    part = parse_percent(value)
    if part == 1:
        raise ValueError("a confidence is less than 100%: 95% is usual")
    return part


def parse_times(value: object) -> Fraction:
    """How many times as much: a number above nothing.

    Raises:
        ValueError: with a sentence for the operator.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number such as 3 or 2.5, without quotes")
    if not (math.isfinite(value) and 0 < value <= _MOST_TIMES):
        raise ValueError(f"must be more than 0 and at most {_MOST_TIMES}")
    return Fraction(repr(value))


_UNITS_IN_ORDER = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?"
DURATION_PATTERN = f"(?=.*[1-9]){_UNITS_IN_ORDER}"
"""What `parse_duration` takes, as a regular expression for editors; that it may be too long is not part of it."""


def _written(pattern: str, examples: str) -> WithJsonSchema:
    """What an editor checks, and what it says (`patternErrorMessage`, for those that know it)."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "patternErrorMessage": f"write {examples}"})


Duration = Annotated[Millis, PlainValidator(parse_duration), _written(DURATION_PATTERN, _EXAMPLES)]
DurationOrZero = Annotated[
    Millis, PlainValidator(parse_duration_or_zero), _written(f"(?=[0-9]){_UNITS_IN_ORDER}", f"0s, {_EXAMPLES}")
]
_RATE_SCHEMA = {"type": "string", "pattern": "^[0-9]+/[0-9dhms]+$"}

RateText = Annotated[Rate, PlainValidator(parse_rate), WithJsonSchema(_RATE_SCHEMA)]

_BELOW_ALL = "0?[0-9]{1,2}(\\.[0-9]{1,6})?"
_AS_TEXT = PlainSerializer(str, return_type=str)
Percent = Annotated[
    Fraction,
    PlainValidator(parse_percent),
    _AS_TEXT,
    _written(f"(?=.*[1-9])({_BELOW_ALL}|100(\\.0{{1,6}})?)%", "20% or 12.5%, at most 100%"),
]
Confidence = Annotated[
    Fraction, PlainValidator(parse_confidence), _AS_TEXT, _written(f"(?=.*[1-9]){_BELOW_ALL}%", "95%, less than 100%")
]
Times = Annotated[
    Fraction, PlainValidator(parse_times), _AS_TEXT, WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
