from hypothesis import given
from hypothesis import strategies as st

from watcher.model.times import DAY, HOUR, SECOND, Millis
from watcher.nonce.present import SAFETY, TOLERANCE, Present, Verdict

NOON: Millis = 1_700_000_000_000
"""The API's true time when the monotonic clock shows 0. Our own clock is an hour ahead of it."""
WALL = NOON + HOUR
JITTER = st.integers(-6 * SECOND, 6 * SECOND)


def looked(*looks: tuple[float, Millis], watermark: Millis = 0) -> tuple[Present, list[Verdict]]:
    """Looks as (monotonic seconds, what the `Date` is off by)."""
    present = Present.start(WALL, 0.0, watermark)
    verdicts = []
    for monotonic, off in looks:
        date = NOON + round(monotonic * SECOND) + SAFETY + off
        present, verdict = present.seen(date, WALL, monotonic)
        verdicts.append(verdict)
    return present, verdicts


def test_before_the_first_look_our_own_clock_has_to_do() -> None:
    assert Present.start(WALL, 5.0).now(6.0) == WALL + 1000
    assert Present.start(WALL, 5.0, WALL + HOUR).now(5.0) == WALL + HOUR


def test_the_first_look_is_believed_two_seconds_safe_and_carried_on_by_the_monotonic_clock() -> None:
    present, verdicts = looked((10.0, 0))
    assert verdicts == [Verdict.TAKEN]
    assert present.at == NOON + 10_000
    assert present.now(70.5) == NOON + 70_500


def test_the_first_look_is_never_below_the_stored_watermark() -> None:
    present, verdicts = looked((10.0, 0), watermark=NOON + HOUR)
    assert verdicts == [Verdict.TAKEN]
    assert present.at == present.now(10.0) == NOON + HOUR


def test_without_a_date_our_clock_tells_the_time() -> None:
    present, verdict = Present.start(WALL, 0.0).seen(None, WALL + 3000, 2.0)
    assert verdict is Verdict.TAKEN
    assert present.at == WALL + 3000


def test_a_little_more_or_less_is_taken() -> None:
    present, verdicts = looked((0.0, 0), (30.0, 5000), (60.0, 0), (90.0, -5000))
    assert verdicts == [Verdict.TAKEN] * 4
    assert present.now(90.0) == present.now(95.0) == NOON + 90_000
    assert present.now(96.0) == NOON + 91_000


def test_the_last_look_never_goes_back_without_a_step() -> None:
    present, _ = looked((0.0, 0), (1.0, -3000))
    assert present.at == NOON


def test_a_step_is_held_until_a_second_look_agrees() -> None:
    present, verdicts = looked((0.0, 0), (30.0, HOUR))
    assert verdicts[-1] is Verdict.HELD
    assert present.now(30.0) == present.at == NOON + 30_000
    present, verdicts = looked((0.0, 0), (30.0, HOUR), (60.0, HOUR + 4000))
    assert verdicts[-1] is Verdict.STEPPED
    assert present.at == NOON + 60_000 + HOUR + 4000


def test_a_single_wrong_date_is_forgotten() -> None:
    present, verdicts = looked((0.0, 0), (30.0, HOUR), (60.0, 0), (90.0, HOUR))
    assert verdicts[1:] == [Verdict.HELD, Verdict.TAKEN, Verdict.HELD]
    assert present.now(90.0) == NOON + 90_000


def test_an_answer_from_a_cache_does_not_move_what_is_known_while_the_clock_goes_on() -> None:
    present, verdicts = looked((0.0, 0), (600.0, -600_000))
    assert verdicts[-1] is Verdict.HELD
    assert present.at == NOON
    assert present.now(600.0) == NOON + 600_000


def test_a_server_set_back_for_good_is_followed_at_the_second_look() -> None:
    present, verdicts = looked((0.0, 0), (30.0, -HOUR), (60.0, -HOUR))
    assert verdicts[-1] is Verdict.STEPPED
    assert present.now(60.0) == present.at == NOON + 60_000 - HOUR


def test_our_clock_may_step_as_it_likes_while_the_api_tells_the_time() -> None:
    present, _ = looked((0.0, 0))
    for wall in (0, WALL + 24 * HOUR):
        after, verdict = present.seen(NOON + 30_000 + SAFETY, wall, 30.0)
        assert verdict is Verdict.TAKEN
        assert after.now(30.0) == NOON + 30_000


@given(st.integers(0, 2 * NOON), st.lists(st.tuples(st.floats(0, 600), st.none() | st.integers(-DAY, DAY) | JITTER)))
def test_the_present_is_never_below_the_watermark_and_goes_back_only_by_a_confirmed_step(
    watermark: Millis, looks: list[tuple[float, Millis | None]]
) -> None:
    present, monotonic, floor = Present.start(WALL, 0.0, watermark), 0.0, watermark
    for passed, off in looks:
        monotonic += passed
        before, date = present.now(monotonic), None if off is None else NOON + round(monotonic * SECOND) + off
        first, held = not present.read, present.held
        present, verdict = present.seen(date, WALL, monotonic)
        if verdict is Verdict.STEPPED:
            assert held is not None
            floor = 0
        assert floor <= present.at <= present.now(monotonic)
        assert first or verdict is Verdict.STEPPED or before <= present.now(monotonic) <= before + TOLERANCE
