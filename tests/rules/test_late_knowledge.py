"""Late and poor knowledge, one story at a time: what the search of `test_independence` has found once."""

from dataclasses import replace
from typing import Any

from tests.rules.history import Book
from tests.rules.test_reading import compiled
from watcher.model.alert import EndReason
from watcher.model.miner import Farm
from watcher.model.subject import Subject
from watcher.model.task import FULL, POOR, STATUSES, Task, Transition
from watcher.model.times import MINUTE


def task(key: int, *, lacks: Any = FULL, observed: bool = False, **minutes: float) -> Subject:
    """A task that entered its statuses at these minutes; of an observed one the last is only known to be over then."""
    times = {status: int(at * MINUTE) for status, at in minutes.items()}
    transitions = [Transition(status, at, at) for status, at in times.items()]
    if observed:
        last = transitions[-1]
        transitions[-1] = last._replace(observed=True, since=0)
        del times[last.status]
    status = max(minutes, key=STATUSES.index)
    row = Task("f", f"t{key}", "reboot", status, f"m{key}", None, times, lacks=lacks)
    return Subject(key, row, Farm("f", "f"), None, tuple(transitions))


def book(**said: Any) -> Book:
    return Book([compiled({"name": "r", "by": [], **said})])


def told(found: Book) -> list[tuple[float, float | None]]:
    return sorted(
        (one.started_at / MINUTE, None if one.ended_at is None else one.ended_at / MINUTE) for one in found.found()
    )


BRIEF = {"match": {"status": "failed"}, "resolve": {"after": "2m"}}


def test_a_correction_beyond_what_was_judged_hides_nothing_that_lies_between() -> None:
    found = book(**BRIEF)
    found.learn([task(1, created=5, failed=30, observed=True)])
    found.learn([task(1, created=5, failed=29), task(2, created=8, failed=10)])
    found.judge(100 * MINUTE)
    assert told(found) == [(10, 12), (29, 31)]


def test_a_doubt_about_a_status_ends_with_the_record_that_does_not_have_it() -> None:
    found = book(match={"status": "queuing"}, count={"at_least": 1, "within": "5m"})
    found.learn([task(1, created=0, failed=11, lacks=POOR)])
    found.judge(20 * MINUTE)
    found.learn([task(1, created=0, failed=11), task(2, created=39, queuing=40)])
    found.judge(100 * MINUTE)
    assert told(found) == [(40, 45)]


def test_what_an_old_doubt_keeps_open_is_known_after_a_restart() -> None:
    found = book(match={"status": "queuing"}, count={"at_least": 1, "within": "5m"})
    found.learn([task(1, created=0, failed=1, lacks=POOR), task(2, created=39, queuing=40)])
    found.judge(100 * MINUTE)
    assert told(found) == [(40, None)]
    found.restart()
    assert told(found) == [(40, None)]
    found.learn([task(1, created=0, failed=1)])
    found.judge(100 * MINUTE)
    assert told(found) == [(40, 45)]


def test_a_restart_doubts_only_what_its_rules_are_about() -> None:
    found = book(match={}, ratio={"at_least": "20%", "within": "5m", "of": {"status": "cancelled"}})
    found.learn([task(1, created=0, succeed=1, lacks=POOR)])
    found.judge(20 * MINUTE)
    found.restart()
    found.learn([task(1, created=0, succeed=1), task(2, created=39, cancelled=40)])
    found.judge(100 * MINUTE)
    assert told(found) == [(40, 45)]


def test_a_new_doubt_takes_back_nothing_that_was_judged() -> None:
    found = book(match={"status": "failed", "error": "!odd"}, ratio={"at_least": "50%", "within": "10m"})
    found.learn([task(1, created=38, failed=40)])
    found.judge(60 * MINUTE)
    assert told(found) == [(40, 50)]
    found.learn([task(2, created=30, failed=32, lacks=POOR), task(3, created=20, succeed=33)])
    found.judge(70 * MINUTE)
    assert (40, 50) in told(found)
    found.learn([task(2, created=30, failed=32)])
    found.judge(80 * MINUTE)
    assert told(found) == [(32, 50)]
    assert [one.id for one in found.found()] == [1]
    assert all(one.end_reason is not EndReason.CORRECTED for one in found.episodes.values())


def test_an_alert_apart_by_an_error_that_was_not_read_yet_waits_for_it() -> None:
    found = book(match={"status": "failed"}, count={"at_least": 2, "within": "5m"}, by=["error"])
    found.learn([task(1, created=0, failed=10, lacks=POOR), task(2, created=0, failed=11, lacks=POOR)])
    found.judge(20 * MINUTE)
    assert told(found) == []
    read = [task(1, created=0, failed=10), task(2, created=0, failed=11)]
    found.learn([replace(one, task=replace(one.task, error=f"odd {one.key}")) for one in read])
    found.judge(100 * MINUTE)
    assert list(found.episodes.values()) == []


def test_what_ended_at_the_very_moment_of_a_doubt_has_been_told() -> None:
    found = book(match={"status": "!queuing"}, ratio={"at_least": "50%", "within": "10m"})
    found.judge(60 * MINUTE)
    found.learn([task(1, created=20, failed=27), task(2, created=37 + 1 / 60_000, cancelled=45, lacks=POOR)])
    found.judge(60 * MINUTE)
    found.learn([task(2, created=37 + 1 / 60_000, cancelled=45), task(3, created=83, timed_out=84)])
    found.judge(100 * MINUTE)
    assert told(found) == [(27, 37), (45, 55), (84, 94)]


def test_a_row_that_comes_to_be_known_corrects_what_was_only_observed() -> None:
    found = book(match={"status": "succeed"}, count={"at_least": 2, "within": "1m"})
    found.learn([task(1, created=0, succeed=45, observed=True), task(2, created=0, succeed=45, observed=True)])
    found.judge(45 * MINUTE)
    assert told(found) == [(45, None)]
    found.learn([task(1, created=0, succeed=5), task(2, created=0, succeed=40)])
    found.judge(100 * MINUTE)
    assert told(found) == []
    assert [one.end_reason for one in found.episodes.values()] == [EndReason.CORRECTED]
