"""When an alert flaps."""

from dataclasses import replace

import pytest

from watcher.alerts.flapping import Damping, Flapping, Flaps, stretches
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Severity
from watcher.model.times import HOUR, MINUTE, Millis

T = 1_000_000_000
DAMPING = Damping(4, HOUR)


def episode(number: int, start: Millis, end: Millis | None, reason: EndReason = EndReason.RECOVERED) -> Episode:
    alert = Alert("a", "r", Severity.WARNING, (), {"rule": "r"})
    begun = Episode(number, alert, start, Origin.NEWS, 1, None, start, start, (), start)
    return begun if end is None else replace(begun, ended_at=end, end_reason=reason, end_known_at=end)


# minutes of the changes, and the stretches (since, until) in which it flaps
ROWS: dict[str, tuple[list[int], list[tuple[int, int]]]] = {
    "three changes are none too many": ([0, 10, 20], []),
    "four are": ([0, 10, 20, 30], [(30, 90)]),
    "unless they are spread over more than the window": ([0, 30, 50, 61], []),
    "it flaps on while it changes, however seldom": ([0, 10, 20, 30, 80, 130], [(30, 190)]),
    "and is calm when it did not for as long as the window": ([0, 10, 20, 30, 90], [(30, 90)]),
    "then it may flap again": ([0, 10, 20, 30, 200, 201, 202, 203], [(30, 90), (203, 263)]),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table(row: str) -> None:
    changes, wanted = ROWS[row]
    found = stretches([(T + at * MINUTE, T + at * MINUTE) for at in changes], DAMPING)
    assert [((one.since - T) // MINUTE, (one.until - T) // MINUTE) for one in found] == wanted


def test_an_alert_flaps_from_the_change_that_is_one_too_many() -> None:
    flapping = Flapping(DAMPING)
    first = episode(1, T, T + 10 * MINUTE)
    second = episode(2, T + 20 * MINUTE, T + 30 * MINUTE)
    flapping.note(first, T + 10 * MINUTE)
    assert flapping.of(episode(2, T + 20 * MINUTE, None), T + 20 * MINUTE) is None
    flapping.note(second, T + 30 * MINUTE)
    known = T + 30 * MINUTE
    assert flapping.of(second, known) == Flaps(known, known, known + HOUR, 4, HOUR)
    assert flapping.of(second, known + HOUR) is None


def test_what_the_history_no_longer_holds_is_no_change() -> None:
    flapping = Flapping(DAMPING)
    flapping.note(episode(1, T, T + 10 * MINUTE), T)
    flapping.note(episode(1, T, T + 10 * MINUTE, EndReason.CORRECTED), T)
    assert flapping.of(episode(2, T + 20 * MINUTE, T + 30 * MINUTE), T + 30 * MINUTE) is None


def test_an_alert_that_is_long_calm_is_forgotten() -> None:
    flapping = Flapping(DAMPING)
    flapping.note(episode(1, T, T + 1), T)
    flapping.note(episode(2, T + 2, T + 3), T)
    other = replace(episode(3, T, T + 5 * HOUR), alert=replace(episode(3, T, None).alert, fingerprint="b"))
    flapping.note(other, T + 5 * HOUR)
    assert set(flapping._ended) == {"b"}


def test_without_damping_nothing_flaps() -> None:
    flapping = Flapping(None)
    for number in range(9):
        flapping.note(episode(number, T + number, T + number), T)
    assert flapping.of(episode(9, T + 9, None), T + 9) is None
