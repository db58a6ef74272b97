from random import Random

from hypothesis import given
from hypothesis import strategies as st

from watcher.model.times import DAY, HOUR, MINUTE, SECOND
from watcher.notify.outcome import Outcome, Result
from watcher.notify.retry import Dead, Retry, next_attempt

NOW = 1_700_000_000_000
UNSENT = st.sampled_from([Result.PASSING, Result.UNCERTAIN])
SEEDS = st.integers(0, 2**32)


def wait(attempts: int, seed: int = 1, retry_after: float | None = None) -> int:
    outcome = Outcome(Result.PASSING, "down", retry_after)
    verdict = next_attempt(attempts, NOW - HOUR, NOW, outcome, Random(seed))
    assert isinstance(verdict, Retry)
    return verdict.at - NOW


@given(st.integers(1, 10_000), SEEDS)
def test_the_wait_doubles_up_to_five_minutes_give_or_take_a_fifth(attempts: int, seed: int) -> None:
    expected = min(2.0 ** min(attempts - 1, 20) * SECOND, 5 * MINUTE)
    assert 0.8 * expected - 1 <= wait(attempts, seed) <= 1.2 * expected + 1


def test_those_that_failed_together_do_not_come_back_together() -> None:
    assert len({wait(5, seed) for seed in range(50)}) > 40


@given(st.integers(1, 100), SEEDS, st.floats(0, 3600))
def test_nothing_is_tried_within_retry_after(attempts: int, seed: int, seconds: float) -> None:
    assert seconds * SECOND <= wait(attempts, seed, seconds) <= seconds * SECOND + 1


@given(UNSENT, st.integers(1, 100_000), st.integers(0, 2 * DAY))
def test_age_gives_up_and_the_number_of_tries_never_does(result: Result, attempts: int, age: int) -> None:
    verdict = next_attempt(attempts, NOW - age, NOW, Outcome(result, "down"), Random(1))
    assert isinstance(verdict, Dead) is (age >= DAY)


@given(st.integers(1, 100), st.integers(0, DAY))
def test_a_permanent_fault_gives_up_at_once(attempts: int, age: int) -> None:
    outcome = Outcome(Result.PERMANENT, "Telegram answered 401 Unauthorized", 5.0)
    assert next_attempt(attempts, NOW - age, NOW, outcome, Random(1)) == Dead(outcome.reason)


def test_what_may_be_there_already_is_repeated_once() -> None:
    lost = Outcome(Result.UNCERTAIN, "JSON did not answer in time")
    assert isinstance(next_attempt(1, NOW, NOW, lost, Random(1)), Retry)
    given_up = next_attempt(2, NOW, NOW, lost, Random(1), may_repeat=True)
    assert given_up == Dead("perhaps delivered, and repeated once; at last: JSON did not answer in time")


def test_a_repeat_that_surely_failed_is_tried_on() -> None:
    down = Outcome(Result.PASSING, "down")
    assert isinstance(next_attempt(2, NOW, NOW, down, Random(1), may_repeat=True), Retry)


def test_what_was_given_up_only_for_its_age_is_owed() -> None:
    down = Outcome(Result.PASSING, "down")
    assert next_attempt(9, NOW - DAY, NOW, down, Random(1)) == Dead("tried for 1d; at last: down", owed=True)
    again = next_attempt(9, NOW - DAY, NOW, down, Random(1), may_repeat=True)
    assert isinstance(again, Dead)
    assert not again.owed
