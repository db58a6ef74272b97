from random import Random

import pytest

from watcher.errors import ApiError, ApiRefused, ApiRejected, ApiThrottled, ApiUnavailable
from watcher.nonce.pace import Pace

DOWN = ApiUnavailable("down")


class Middle(Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def after(*outcomes: ApiError | None) -> float:
    """The wait after outcomes each of which came when the wait before was over."""
    pace, now = Pace(), 1000.0
    for outcome in outcomes:
        now = max(now, pace.resume_at)
        pace = pace.after(outcome, now, Middle())
    return max(0.0, pace.resume_at - now)


@pytest.mark.parametrize(
    ("outcomes", "wait"),
    [
        ((None,), 0),
        ((DOWN,), 1),
        ((DOWN, DOWN), 2),
        ((DOWN, DOWN, DOWN), 4),
        ((DOWN,) * 100, 60),  # at most a minute
        ((DOWN, DOWN, None, DOWN), 1),  # an answer ends the count
        ((DOWN, DOWN, ApiRejected("no such miner", 404), DOWN), 1),  # so does a rejection: the API is there
        ((ApiThrottled("slow down", 30),), 30),
        ((ApiThrottled("slow down", 0),), 1),  # never at once
        ((ApiThrottled("slow down", 86400),), 3600),  # believed up to an hour
        ((ApiThrottled("slow down", float("inf")),), 3600),
        ((ApiThrottled("slow down", None),) * 3, 4),
        ((ApiRefused("wrong key", 401),), 300),
        ((ApiRefused("not yours", 403),) * 5, 300),
    ],
)
def test_how_long_the_api_is_left_alone(outcomes: tuple[ApiError | None, ...], wait: float) -> None:
    assert after(*outcomes) == wait


def test_failures_that_come_together_count_as_one() -> None:
    pace = Pace()
    for late in range(20):
        pace = pace.after(DOWN, 1000 + late / 100, Middle())
    assert pace.failures == 1


def test_a_success_that_was_already_under_way_does_not_end_a_wait() -> None:
    pace = Pace().after(ApiThrottled("slow down", 30), 1000.0, Middle())
    assert pace.after(None, 1001.0, Middle()) == pace


def test_a_wait_is_never_shortened() -> None:
    pace = Pace().after(ApiThrottled("slow down", 30), 1000.0, Middle())
    assert pace.after(ApiThrottled("slow down", 2), 1001.0, Middle()).resume_at == 1030


def test_the_waits_are_spread_by_a_fifth() -> None:
    random = Random(1)
    waits = [Pace().after(DOWN, 0.0, random).resume_at for _ in range(200)]
    assert 0.8 <= min(waits) < 0.85
    assert 1.15 < max(waits) <= 1.2
