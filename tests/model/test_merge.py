"""How readings of one task become one row: laws, and the cases of the API's traps."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model.merge import FORESIGHT, merge, transitions_of
from watcher.model.miner import Miner
from watcher.model.task import FINAL_STATUSES, FULL, POOR, STATUSES, LogLine, Part, Task, Transition, is_final

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


def seen(row: Task, known: dict[str, Transition], **look: int | None) -> tuple[Transition, ...]:
    """What a first reading's own row shows."""
    said: Any = {"updated_at": row.updated_at, **look}
    return transitions_of(row, known, **said)


def consistent(row: Task) -> Task:
    """The row without the times of ends that it has not come to."""
    times = {status: at for status, at in row.times.items() if not is_final(status) or status == row.status}
    return replace(row, times=times)


CROWDED = st.sampled_from([1_000_000, 1_000_120, 1_000_500, 1_001_000, 1_001_250])
"""Several in one second: whole seconds and more precise ones of one event, and of two."""
CONSISTENT = st.builds(
    lambda row, times: consistent(replace(row, times=times)),
    ROWS,
    st.dictionaries(st.sampled_from(STATUSES), CROWDED, max_size=4),
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


@given(st.lists(CONSISTENT, min_size=2, max_size=4))
def test_readings_that_contradict_neither_themselves_nor_each_others_words_commute(rows: list[Task]) -> None:
    """To the letter, their status and its time included, though these may differ."""
    first, *others = (merged(list(order)) for order in permutations(rows))
    assert others == [first] * len(others)
    assert merged([*rows, *rows]) == first


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
    found = seen(row, {}, observed_at=now, last_open=None, baseline=None)
    reached = {status for status, at in row.times.items() if at <= now + FORESIGHT}
    assert {transition.status for transition in found} >= reached
    assert {transition.status for transition in found} <= reached | {row.status}
    assert [transition.at for transition in found] == sorted(transition.at for transition in found)


@given(ROWS, MOMENTS)
def test_diff_and_apply_are_inverse(row: Task, now: int) -> None:
    """What was logged, given back, brings nothing new: the log holds all that the row told."""
    first = seen(row, {}, observed_at=now, last_open=None, baseline=None)
    again = seen(row, {one.status: one for one in first}, observed_at=now + 5, last_open=now, baseline=None)
    assert set(again) == set(first)


def reboot(status: str, *, updated_at: int | None = None, **times: int) -> Task:
    return Task("f", "t", "miner.system.reboot", status, "m", times=times, updated_at=updated_at)


@pytest.mark.parametrize(
    ("known", "row", "status"),
    [
        # further along, whichever came first
        (reboot("created"), reboot("pending"), "pending"),
        (reboot("pending"), reboot("queuing"), "pending"),
        # one that nobody documented is on the way, and ends like any other
        (reboot("pending"), reboot("paused"), "paused"),
        (reboot("paused"), reboot("failed"), "failed"),
        # no end is taken back
        (reboot("failed"), reboot("pending", pending=30), "failed"),
        # of two ends the one with a time, of these the earlier
        (reboot("succeed"), reboot("failed", failed=30), "failed"),
        (reboot("succeed", succeed=9_000), reboot("failed", failed=30), "failed"),
        (reboot("failed", failed=30), reboot("succeed", succeed=9_000), "failed"),
        # and without times the first in the list
        (reboot("cancelled"), reboot("timed_out"), "timed_out"),
    ],
)
def test_which_of_two_statuses_stands(known: Task, row: Task, status: str) -> None:
    assert merge(known, row).status == status


def test_which_of_two_ends_stands_does_not_hang_on_when_a_more_precise_time_came() -> None:
    rows = [reboot("failed", failed=1_000), reboot("succeed", succeed=1_100), reboot("failed", failed=1_120)]
    assert {merged(list(order)).status for order in permutations(rows)} == {"failed"}


def test_of_two_times_the_earlier_second_stands_and_in_it_the_more_precise() -> None:
    known = reboot("failed", created=10_000, failed=70_000)
    assert merge(known, reboot("failed", created=11_500, failed=70_120)).times == {"created": 10_000, "failed": 70_120}


def test_a_time_of_a_status_that_nobody_documented_is_kept() -> None:
    assert merge(reboot("paused", paused=30), reboot("failed", failed=70)).times == {"paused": 30, "failed": 70}


def test_a_poorer_reading_takes_nothing_away() -> None:
    rich = replace(
        reboot("failed", created=10, failed=70),
        batch_id="b",
        actor="me",
        payload={"force": True},
        result={"error": "no answer"},
        logs=(LogLine("a"), LogLine("b")),
        miner=Miner("f", "m", ip="10.0.0.1", health=("hot",)),
    )
    poor = replace(reboot("failed"), logs=(LogLine("b"),), miner=Miner("f", "m"))
    assert merge(rich, poor) is rich
    assert merge(poor, rich) == rich


@pytest.mark.parametrize(("name", "old", "new"), [("result", {"done": 1}, {"done": 2}), ("miner_id", "m", "n")])
def test_a_different_word_is_believed_when_it_is_the_last(name: str, old: Any, new: Any) -> None:
    known = replace(reboot("pending"), **{name: old})
    assert getattr(merge(known, replace(known, **{name: new})), name) == new


def test_a_final_status_without_a_time_is_placed_where_it_was_observed() -> None:
    found = seen(reboot("failed", created=10), {}, observed_at=900, last_open=400, baseline=None)
    assert found[-1] == Transition("failed", 900, 900, observed=True, since=400)


def test_the_newer_shape_places_it_at_its_update() -> None:
    (created, failed) = seen(
        reboot("failed", created=10, updated_at=700), {}, observed_at=900, last_open=None, baseline=None
    )
    assert (created.at, failed.at, failed.observed, failed.since) == (10, 700, True, 10)


def test_the_true_time_corrects_an_observed_one_and_stays_what_it_was() -> None:
    known = {"failed": Transition("failed", 900, 900, observed=True, since=400, baseline=950)}
    (_, failed) = seen(
        reboot("failed", created=10, failed=777), known, observed_at=2_000, last_open=None, baseline=None
    )
    assert failed == Transition("failed", 777, 900, observed=False, since=None, baseline=950)


def test_what_lies_far_ahead_does_not_exist_yet() -> None:
    ahead = reboot("pending", created=10, pending=20, failed=20 + FORESIGHT + 1)
    found = seen(ahead, {}, observed_at=20, last_open=None, baseline=None)
    assert [transition.status for transition in found] == ["created", "pending"]


def test_at_the_first_contact_only_what_is_not_later_is_baseline() -> None:
    found = seen(
        reboot("failed", created=10, pending=500, failed=501), {}, observed_at=900, last_open=None, baseline=500
    )
    assert [transition.baseline for transition in found] == [500, 500, None]


def test_every_final_status_is_final() -> None:
    assert [status for status in STATUSES if is_final(status)] == list(FINAL_STATUSES)


def test_all_states_that_were_passed_between_two_looks_are_found_in_the_order_of_a_life() -> None:
    ended = reboot("succeed", succeed=20, pending=20, queuing=10, created=10)
    known = {"created": Transition("created", 10, 15)}
    found = seen(ended, known, observed_at=900, last_open=15, baseline=None)
    assert [(one.status, one.at, one.observed_at) for one in found] == [
        ("created", 10, 15),
        ("queuing", 10, 900),
        ("pending", 20, 900),
        ("succeed", 20, 900),
    ]


@pytest.mark.parametrize(
    ("task", "last_open", "at", "since"),
    [
        # nothing tells when: somewhere between the last reading that showed it open, else its creation, and now
        (reboot("failed"), None, 900, None),
        (reboot("failed", created=10), None, 900, 10),
        (reboot("failed", created=10), 400, 900, 400),
        # its update is the latest that it can be, of open states too
        (reboot("failed", created=10, updated_at=700), 400, 700, 400),
        (reboot("pending", created=10, updated_at=700), 400, 700, 400),
        (reboot("paused", created=10, updated_at=700), None, 700, 10),
        # an update before the last reading was of what that reading showed; one to come is none yet
        (reboot("failed", created=10, updated_at=300), 400, 900, 400),
        (reboot("failed", created=10, updated_at=901), 400, 900, 400),
        # a creation by a clock that goes ahead
        (reboot("failed", created=950), None, 900, 900),
    ],
)
def test_where_a_status_without_a_time_is_placed(task: Task, last_open: int | None, at: int, since: int | None) -> None:
    found = seen(task, {}, observed_at=900, last_open=last_open, baseline=None)
    (observed,) = [one for one in found if one.status == task.status]
    assert observed == Transition(task.status, at, 900, observed=True, since=since)


def test_an_observed_one_stays_while_nothing_better_came() -> None:
    pending = Transition("pending", 500, 500, observed=True, since=400)
    found = seen(reboot("failed", failed=800), {"pending": pending}, observed_at=900, last_open=500, baseline=None)
    assert found == (pending, Transition("failed", 800, 900))
    ahead = reboot("pending", pending=900 + FORESIGHT + 1)
    assert seen(ahead, {"pending": pending}, observed_at=900, last_open=500, baseline=None) == (pending,)


def test_a_known_time_stays_known_though_the_present_went_back() -> None:
    known = Transition("failed", 10_000_000, 10_000_000)
    (found,) = seen(
        reboot("failed", failed=10_000_120), {"failed": known}, observed_at=5, last_open=None, baseline=None
    )
    assert found == known._replace(at=10_000_120)


@pytest.mark.parametrize(
    ("task", "learnt"),
    [
        (reboot("failed", created=10, updated_at=500), 500),
        (reboot("failed", created=10, updated_at=501), None),
        (reboot("failed", created=500), 500),
        (reboot("failed", created=501), None),
        (reboot("failed"), None),
    ],
)
def test_an_observed_one_is_baseline_by_its_update_else_its_creation(task: Task, learnt: int | None) -> None:
    found = seen(task, {}, observed_at=900, last_open=None, baseline=500)
    assert {one.status: one.baseline for one in found}["failed"] == learnt


def test_an_older_readings_update_says_nothing_of_a_later_status() -> None:
    """2.1 told of the beginning in the newer shape; the end came through 2.4, which has no times at all."""
    merged = merge(reboot("pending", created=10, updated_at=20), reboot("cancelled"))
    assert merged.updated_at == 20
    found = transitions_of(merged, {}, updated_at=None, observed_at=900, last_open=20, baseline=None)
    assert found[-1] == Transition("cancelled", 900, 900, observed=True, since=20)


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        # two readings of one status: each tells what it has
        (replace(reboot("failed"), lacks=POOR), replace(reboot("failed"), lacks=FULL), FULL),
        (
            replace(reboot("failed"), lacks=POOR - {Part.LOGS}),
            replace(reboot("failed"), lacks=POOR - {Part.RESULT}),
            POOR - {Part.LOGS, Part.RESULT},
        ),
        # a full record of the beginning tells the payload of the end, not its logs
        (replace(reboot("pending"), lacks=FULL), replace(reboot("failed"), lacks=POOR), POOR - {Part.PAYLOAD}),
        # and all times up to it: with the end's own, none is missing
        (
            replace(reboot("pending"), lacks=FULL),
            replace(reboot("failed", failed=90), lacks=POOR),
            POOR - {Part.PAYLOAD, Part.TIMES},
        ),
        # before the beginning, not even those
        (
            replace(reboot("queuing"), lacks=FULL),
            replace(reboot("failed", failed=90), lacks=POOR),
            POOR - {Part.PAYLOAD},
        ),
        # a poor reading of the beginning takes nothing from the full one of the end
        (replace(reboot("pending"), lacks=POOR), replace(reboot("failed"), lacks=FULL), FULL),
    ],
)
def test_what_two_readings_leave_open(first: Task, then: Task, left: frozenset[Part]) -> None:
    assert merge(first, then).lacks == left
    assert merge(then, first).lacks == left


def test_an_end_told_in_whole_seconds_is_not_before_a_beginning_in_the_same_second() -> None:
    begun = Task("f", "t", "reboot", "pending", "m", times={"created": 1000, "pending": 16_001})
    ended = Task("f", "t", "reboot", "succeed", "m", times={"created": 1000, "pending": 16_000, "succeed": 16_000})

    def found(*readings: Task) -> list[tuple[str, int]]:
        task = readings[0]
        for reading in readings[1:]:
            task = merge(task, reading)
        transitions = transitions_of(task, {}, updated_at=None, observed_at=20_000, last_open=None, baseline=None)
        return [(one.status, one.at) for one in transitions]

    told = [("created", 1000), ("pending", 16_001), ("succeed", 16_001)]
    assert found(begun, ended) == found(ended, begun) == told
    exact = replace(ended, times={"succeed": 16_300})
    assert found(begun, ended, exact) == [*told[:2], ("succeed", 16_300)]
