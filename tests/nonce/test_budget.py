import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watcher.nonce.budget import MARGIN, Allowance, Budget

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


# --- what a 429 teaches


def out(budget: Budget, count: int, now: float) -> None:
    for _ in range(count):
        budget.spend(now)
        budget.settle(now)


@pytest.mark.parametrize(
    ("configured", "requests", "limit"),
    [
        (90, 70, 56),
        (90, 90, 72),
        (90, 1, 45),  # another program uses the key too: our own count says little, so never below half at once
        (90, 0, 45),
        (2, 2, 1.6),
        (0.5, 1, 0.5),  # never above what is configured
        (1.2, 1, 1),
    ],
)
def test_a_429_makes_the_limit_four_fifths_of_what_was_out_but_at_least_half_of_what_it_was(
    configured: float, requests: int, limit: float
) -> None:
    budget = Budget(configured)
    out(budget, requests, 100.0)
    budget.throttled(110.0)
    assert budget.limit(110.0) == pytest.approx(limit)
    assert budget.allowance(110.0).places == max(1, int(limit))


def test_requests_in_flight_and_of_an_earlier_process_were_out_too_and_older_ones_were_not() -> None:
    budget = Budget(12, spent=[10.0, 95.0, 96.0])
    for _ in range(8):
        budget.spend(100.0)
    budget.throttled(100.0)
    assert budget.limit(100.0) == 8.0


def test_429s_that_come_together_teach_the_same_and_none_ever_raises_the_limit() -> None:
    budget = Budget(60)
    out(budget, 50, 100.0)
    for now in (100.0, 101.0, 102.0):
        budget.throttled(now)
        assert budget.limit(now) == 40
    out(budget, 0, 200.0)
    budget.throttled(200.0)
    assert budget.limit(200.0) == 20


def test_every_ten_minutes_without_a_429_give_a_twentieth_back_until_nothing_is_learnt() -> None:
    budget = Budget(100)
    out(budget, 100, 0.0)
    budget.throttled(0.0)
    assert [budget.limit(now) for now in (599.9, 600.0, 1799.9, 1800.0)] == [80, 85, 90, 95]
    assert budget.learnt(2399.9) == 95
    assert budget.learnt(2400.0) is None
    assert budget.limit(1e9) == 100


def test_another_429_begins_the_unlearning_anew_from_the_limit_of_then() -> None:
    budget = Budget(100)
    out(budget, 50, 0.0)
    budget.throttled(0.0)
    out(budget, 45, 650.0)
    budget.throttled(650.0)
    assert [budget.limit(now) for now in (650.0, 1200.0, 1250.0)] == [36, 36, 41]


@pytest.mark.parametrize(
    ("learnt", "limit"),
    [(None, 90), (40.5, 40.5), (90.0, 90), (500.0, 90), (0.2, 1), (-3.0, 1), (float("nan"), 1)],
)
def test_what_an_earlier_process_had_learnt_holds_and_is_unlearnt_from_now_on(learnt: float, limit: float) -> None:
    budget = Budget(90, learnt=learnt, since=5000.0)
    assert budget.limit(5599.0) == limit
    assert budget.limit(5600.0) == min(90, limit + 4.5)


def test_a_lowered_limit_holds_for_what_is_out_already() -> None:
    budget = Budget(10)
    for now in range(10):
        out(budget, 1, float(now))
    budget.throttled(10.0)
    assert budget.wait(10.0) == 2 + 60 + MARGIN - 10  # three places have to come back until one of eight is free


@given(st.floats(0.1, 500), st.lists(st.tuples(st.floats(0, 5000), st.integers(0, 20), st.booleans()), max_size=20))
def test_the_limit_stays_between_one_and_the_configured(
    configured: float, story: list[tuple[float, int, bool]]
) -> None:
    budget, now = Budget(configured), 0.0
    for passes, requests, throttled in story:
        now += passes
        out(budget, min(requests, budget.remaining(now)), now)
        before = budget.limit(now)
        if throttled:
            budget.throttled(now)
            assert budget.limit(now) <= before
        assert min(1.0, configured) <= budget.limit(now) <= configured
        assert budget.learnt(now) in (None, budget.limit(now))
        allowance = budget.allowance(now)
        assert allowance.places >= 1
        assert 0 <= allowance.free <= allowance.places
        assert (allowance.free > 0) == (budget.wait(now) == 0)


def test_the_allowance_counts_the_free_places_and_tells_the_whole_window() -> None:
    budget = Budget(3)
    out(budget, 1, 0.0)
    budget.spend(0.0)
    assert budget.allowance(0.0) == Allowance(3, 1, 60 + MARGIN)
    assert Budget(0.25).allowance(0.0) == Allowance(1, 1, 240 + MARGIN)
