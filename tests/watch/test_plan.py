"""The order of looks: urgent ones first, nobody forgotten."""

from collections import Counter

from watcher.model.times import HOUR, MINUTE, SECOND
from watcher.rules.tracker import Scope
from watcher.watch.plan import Plan, Purpose
from watcher.watch.watermarks import Watermarks

NOW = 1_000 * HOUR


def test_a_miner_that_was_never_looked_at_comes_first() -> None:
    plan = Plan(30 * SECOND)
    plan.reset("f", [("old", NOW - HOUR, None), ("new", None, None)], [])
    choice = plan.choose(NOW)
    assert choice is not None
    assert choice.place == ("f", "new")


def test_open_tasks_take_most_looks_and_every_miner_has_its_turn() -> None:
    plan = Plan(30 * SECOND)
    miners = [f"m{number:03d}" for number in range(200)]
    plan.reset("f", [(miner, NOW, None) for miner in miners], miners[:50])
    looked: Counter[str] = Counter()
    purposes: Counter[Purpose] = Counter()
    now = NOW + MINUTE
    for _ in range(1200):
        now += SECOND * 2 // 3
        choice = plan.choose(now)
        if choice is None:
            continue
        looked[choice.place[1]] += 1
        purposes[choice.purpose] += 1
        plan.looked(choice.place, now, has_open=choice.place[1] in miners[:50], active_at=None)
    assert set(looked) == set(miners)
    assert min(looked[miner] for miner in miners[:50]) > 2 * max(looked[miner] for miner in miners[50:])
    assert purposes[Purpose.SWEEP] > 200


def test_no_miner_is_looked_at_more_often_than_wanted() -> None:
    plan = Plan(30 * SECOND)
    plan.reset("f", [("m", NOW, NOW)], ["m"])
    assert plan.choose(NOW + 29 * SECOND) is None
    assert plan.choose(NOW + 30 * SECOND) is not None


def test_a_miner_that_fails_waits_behind_the_others() -> None:
    plan = Plan(30 * SECOND)
    plan.reset("f", [("a", None, None), ("b", None, None)], [])
    first = plan.choose(NOW)
    assert first is not None
    plan.skip(first.place)
    second = plan.choose(NOW)
    assert second is not None
    assert second.place != first.place


def test_a_farms_watermark_is_its_oldest_miners_and_never_goes_back() -> None:
    marks = Watermarks()
    marks.reset("f", [("a", None), ("b", None)])
    assert marks.of(Scope("f")) is None
    marks.looked("f", "a", 50)
    assert marks.of(Scope("f")) is None
    assert marks.looked("f", "b", 40)
    assert marks.of(Scope("f")) == 40
    assert not marks.looked("f", "b", 30)
    assert marks.of(Scope("f", "b")) == 40
    marks.looked("f", "b", 90)
    assert marks.of(Scope("f")) == marks.of(Scope()) == 50
