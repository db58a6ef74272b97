"""Durations and rates as people write them."""

import pytest

from watcher.rules.quantities import Rate, parse_duration, parse_rate


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1s", 1000),
        ("90s", 90_000),
        ("15m", 900_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("1d2h3m4s", 93_784_000),
    ],
)
def test_durations_are_milliseconds(text: str, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    ("text", "rate"), [("1/s", Rate(1, 1000)), ("5/m", Rate(5, 60_000)), ("20/10m", Rate(20, 600_000))]
)
def test_rates_are_counts_per_milliseconds(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "s", "1", "1S", "1h 30m", "-1s", "1.5h", "٣s", "1h1h", "1s\n"])
def test_other_writings_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)
