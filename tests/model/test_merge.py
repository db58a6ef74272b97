"""How readings of one task become one row: laws, and the cases of the API's traps."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from watcher.model.merge import FORESIGHT, merge, transitions_of
from watcher.model.task import FINAL_STATUSES, STATUSES, LogLine, Task, Transition, is_final

MOMENTS = st.integers(1_000_000, 1_000_000 + 20_000)
ROWS = st.builds(
    Task,
    farm_id=st.just("f"),
    id=st.just("t"),
    name=st.just("miner.system.reboot"),
    status=st.sampled_from((*STATUSES, "paused")),
    miner_id=st.sampled_from([None, "m"]),
    batch_id=st.sampled_from([None, "b"]),
    times=st.dictionaries(st.sampled_from(STATUSES), MOMENTS, max_size=4),
    updated_at=st.none() | MOMENTS,
    error=st.sampled_from([None, "no answer"]),
    logs=st.lists(st.sampled_from([LogLine("a"), LogLine("b")]), max_size=2).map(tuple),
)


def merged(rows: list[Task]) -> Task:
    known: Task | None = None
    for row in rows:
        known = merge(known, row)
    assert known is not None
    return known


@given(ROWS)
def test_the_same_reading_again_changes_nothing(row: Task) -> None:
    known = merge(None, row)
    assert merge(known, row) is known


@given(st.lists(ROWS, min_size=2, max_size=4))
def test_the_order_of_readings_does_not_matter(rows: list[Task]) -> None:
    results = [merged(list(order)) for order in permutations(rows)]
    for result in results:
        assert result.times == results[0].times
        assert result.logs == results[0].logs
        assert is_final(result.status) == is_final(results[0].status)
        known = [name for name in ("miner_id", "batch_id", "error") if getattr(result, name) is not None]
        assert known == [name for name in ("miner_id", "batch_id", "error") if getattr(results[0], name) is not None]


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_a_final_task_never_reopens_and_nothing_known_is_lost(rows: list[Task]) -> None:
    known = merge(None, rows[0])
    for row in rows[1:]:
        after = merge(known, row)
        assert not is_final(known.status) or is_final(after.status)
        assert known.times.keys() <= after.times.keys()
        assert known.error is None or after.error is not None
        assert len(after.logs) >= len(known.logs)
        known = after


@given(ROWS, MOMENTS)
def test_every_time_of_a_row_becomes_a_transition_and_only_these_and_the_current_one(row: Task, now: int) -> None:
    found = transitions_of(row, {}, observed_at=now, last_open=None, baseline=None)
    reached = {status for status, at in row.times.items() if at <= now + FORESIGHT}
    assert {transition.status for transition in found} >= reached
    assert {transition.status for transition in found} <= reached | {row.status}
    assert [transition.at for transition in found] == sorted(transition.at for transition in found)


@given(ROWS, MOMENTS)
def test_diff_and_apply_are_inverse(row: Task, now: int) -> None:
    """What was logged, given back, brings nothing new: the log holds all that the row told."""
    first = transitions_of(row, {}, observed_at=now, last_open=None, baseline=None)
    again = transitions_of(row, {one.status: one for one in first}, observed_at=now + 5, last_open=now, baseline=None)
    assert set(again) == set(first)


def reboot(status: str, *, updated_at: int | None = None, **times: int) -> Task:
    return Task("f", "t", "miner.system.reboot", status, "m", times=times, updated_at=updated_at)


def test_a_final_status_without_a_time_is_placed_where_it_was_observed() -> None:
    found = transitions_of(reboot("failed", created=10), {}, observed_at=900, last_open=400, baseline=None)
    assert found[-1] == Transition("failed", 900, 900, observed=True, since=400)


def test_the_newer_shape_places_it_at_its_update() -> None:
    (created, failed) = transitions_of(
        reboot("failed", created=10, updated_at=700), {}, observed_at=900, last_open=None, baseline=None
    )
    assert (created.at, failed.at, failed.observed, failed.since) == (10, 700, True, 10)


def test_the_true_time_corrects_an_observed_one_and_stays_what_it_was() -> None:
    known = {"failed": Transition("failed", 900, 900, observed=True, since=400, baseline=950)}
    (_, failed) = transitions_of(
        reboot("failed", created=10, failed=777), known, observed_at=2_000, last_open=None, baseline=None
    )
    assert failed == Transition("failed", 777, 900, observed=False, since=None, baseline=950)


def test_what_lies_far_ahead_does_not_exist_yet() -> None:
    ahead = reboot("pending", created=10, pending=20, failed=20 + FORESIGHT + 1)
    found = transitions_of(ahead, {}, observed_at=20, last_open=None, baseline=None)
    assert [transition.status for transition in found] == ["created", "pending"]


def test_at_the_first_contact_only_what_is_not_later_is_baseline() -> None:
    found = transitions_of(
        reboot("failed", created=10, pending=500, failed=501), {}, observed_at=900, last_open=None, baseline=500
    )
    assert [transition.baseline for transition in found] == [500, 500, None]


def test_every_final_status_is_final() -> None:
    assert [status for status in STATUSES if is_final(status)] == list(FINAL_STATUSES)
