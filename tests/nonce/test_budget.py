from hypothesis import example, given
from hypothesis import strategies as st

from watcher.nonce.budget import MARGIN, Budget

GAPS = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 15), st.floats(0, 1)), max_size=60)
"""For each request: how long its asker dawdles, how long it takes, when in between the server counts it."""


@given(st.integers(1, 7), GAPS, st.sampled_from([0.0, 12345.678]))
@example(1, [(0.0, 15.0, 1.0), (0.0, 15.0, 0.0)], 0.0)
def test_no_sixty_seconds_hold_more_than_the_limit_whenever_the_server_counts(
    limit: int, requests: list[tuple[float, float, float]], now: float
) -> None:
    budget = Budget(limit)
    in_flight: list[float] = []
    arrivals: list[float] = []
    for dawdle, takes, counted in requests:
        now += dawdle
        while True:
            for end in sorted(end for end in in_flight if end <= now):
                budget.settle(end)
                in_flight.remove(end)
            wait = budget.wait(now)
            if wait == 0:
                break
            now += min([wait, *(end - now for end in in_flight)])
        budget.spend(now)
        in_flight.append(now + takes)
        arrivals.append(now + takes * counted)
    arrivals.sort()
    for first in arrivals:
        assert sum(first <= other < first + 60 for other in arrivals) <= limit


def test_a_place_comes_back_a_minute_and_a_margin_after_the_reply() -> None:
    budget = Budget(1)
    budget.spend(100.0)
    budget.settle(103.0)
    assert budget.wait(103.0) == 60 + MARGIN
    assert budget.wait(163.9) > 0
    assert budget.wait(103 + 60 + MARGIN) == 0


def test_a_request_in_flight_keeps_its_place_however_long_it_takes() -> None:
    budget = Budget(1)
    budget.spend(100.0)
    assert budget.wait(1000.0) > 0


def test_what_an_earlier_process_spent_counts() -> None:
    budget = Budget(2, spent=[50.0, 70.0, 70.0])
    assert budget.remaining(80.0) == 0
    assert budget.wait(80.0) == 70 + 60 + MARGIN - 80
    assert budget.remaining(131.0) == 2


def test_less_than_one_a_minute_is_one_in_a_longer_window() -> None:
    budget = Budget(0.5)
    budget.spend(0.0)
    budget.settle(0.0)
    assert budget.wait(0.0) == 120 + MARGIN


def test_a_fraction_above_one_is_rounded_down_lest_a_minute_hold_more() -> None:
    assert Budget(1.9).remaining(0.0) == 1
