"""Which request is spent next, and when none is: pure, in virtual time."""

import copy
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise

import pytest

from watcher.model.batch import Batch
from watcher.model.task import Task
from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis
from watcher.watch.farm import FarmState, Followed, Strategy
from watcher.watch.plan import Allowance, Choice, Plan, Purpose, Rest, Wishes, choose, cycle, reread_every, search_every

NOW = 1_000 * HOUR
PLACES, WINDOW = 90, MINUTE
FREE = Allowance(PLACES, PLACES, WINDOW)


def farm(name: str = "f", miners: int = 0, **known: object) -> FarmState:
    """A farm read by batches whose list is fresh, unless said otherwise."""
    said: dict[str, object] = {"strategy": Strategy.SEARCH, "t0": NOW - DAY, "listed_at": NOW, "asked_at": NOW}
    found = FarmState(name, **(said | known))  # type: ignore[arg-type]
    found.turns.reset([(f"m{number:04d}", None, None) for number in range(miners)], [])
    return found


def plan(*farms: FarmState, wishes: Wishes | None = None) -> Plan:
    wished = wishes or Wishes(30 * SECOND, sweep=None)
    return Plan(wished, {one.id: one for one in farms}, agents_at=NOW, swept_at=NOW)


def batch(name: str, read_at: Millis | None = NOW, **known: object) -> Followed:
    said: dict[str, object] = {"created_at": NOW - MINUTE, "listed_at": NOW - MINUTE}
    return Followed(name, read_at=read_at, **(said | known))  # type: ignore[arg-type]


def row(name: str = "b", status: str = "pending", **counts: int | None) -> Batch:
    said = {"task_count": 3, "succeed_count": 0, "failed_count": 0} | counts
    return Batch("f", name, "miner.system.reboot", status, created_at=NOW - MINUTE, **said)  # type: ignore[arg-type]


def chosen(found: Choice | Rest) -> Choice:
    assert isinstance(found, Choice), found
    return found


# --- one decision


@pytest.mark.parametrize(
    ("known", "purpose"),
    [
        (lambda one: setattr(one, "asked_at", NOW - MINUTE), Purpose.SEARCH),
        (lambda one: one.batches.update(b=batch("b", trouble=True, moved=True)), Purpose.TROUBLE),
        (lambda one: one.batches.update(b=batch("b", read_at=None)), Purpose.NEW),
        (lambda one: one.batches.update(b=batch("b", moved=True)), Purpose.MOVED),
        (lambda one: (one.batches.update(b=batch("b", NOW - 9)), one.__setattr__("stuck_at", NOW - 5)), Purpose.STUCK),
        (lambda one: one.records.update(m=NOW), Purpose.RECORD),
        (lambda one: one.reasons.update(m=NOW), Purpose.REASON),
        (lambda one: one.batches.update(b=batch("b", NOW - MINUTE)), Purpose.REREAD),
        (lambda one: one.batches.update(b=batch("b", None, history=True)), Purpose.HISTORY),
    ],
)
def test_each_reason_to_ask_has_its_name(known: Callable[[FarmState], object], purpose: Purpose) -> None:
    one = farm()
    assert isinstance(choose(plan(one), FREE, NOW), Rest)
    known(one)
    assert chosen(choose(plan(one), FREE, NOW)).purpose is purpose


def test_purposes_go_in_their_order_and_the_newest_first_among_equals() -> None:
    one = farm(asked_at=NOW - HOUR)
    one.batches = {
        "old": batch("old", None, created_at=NOW - HOUR),
        "new": batch("new", None, created_at=NOW - SECOND),
        "worse": batch("worse", trouble=True),
        "moved": batch("moved", moved=True),
    }
    one.records = {"m": NOW}
    known = plan(one)
    order = []
    for _ in range(6):
        choice = chosen(choose(known, FREE, NOW))
        order.append(choice.target or choice.purpose.value)
        if choice.purpose is Purpose.SEARCH:
            one.asked_at = NOW
        elif choice.purpose is Purpose.RECORD:
            one.records.clear()
        else:
            one.reread(choice.target or "", NOW)
    assert order == ["search", "worse", "new", "old", "moved", "m"]


def test_a_decision_changes_nothing_and_is_the_same_twice() -> None:
    one = farm(miners=3, asked_at=NOW - HOUR)
    one.batches = {"b": batch("b", None), "c": batch("c", moved=True)}
    known = plan(one)
    before = copy.deepcopy(known)
    assert choose(known, FREE, NOW) == choose(known, FREE, NOW)
    assert known == before


def test_nothing_is_asked_before_its_time_or_inside_a_wait() -> None:
    one = farm()
    known = plan(one)
    assert choose(known, FREE, NOW) == Rest(NOW + 30 * SECOND)
    known.resume_at = NOW + HOUR
    assert choose(known, FREE, NOW + MINUTE) == Rest(NOW + HOUR)
    known.resume_at = 0
    one.resume_at = NOW + 2 * MINUTE
    assert choose(known, FREE, NOW + MINUTE) == Rest(NOW + 2 * MINUTE)
    one.resume_at = 0
    one.batches["b"] = batch("b", None, resume_at=NOW + 10)
    one.records["m"], one.held["m"] = NOW, NOW + 9
    assert choose(known, FREE, NOW) == Rest(NOW + 9)


def test_a_farm_without_anything_to_ask_rests_for_good() -> None:
    assert choose(Plan(Wishes(SECOND)), FREE, NOW) == Rest(None)


def test_searches_are_stretched_to_half_the_budget_unless_they_do_not_count() -> None:
    farms = [farm(f"f{number}") for number in range(100)]
    wishes = Wishes(10 * SECOND)
    assert search_every(plan(*farms, wishes=wishes), FREE) == 133_333
    assert search_every(plan(*farms, wishes=Wishes(10 * SECOND, searches_count=False)), FREE) == 10 * SECOND
    assert search_every(plan(farms[0], wishes=wishes), FREE) == 10 * SECOND


def test_open_batches_are_read_at_least_every_minute_and_no_oftener_than_the_budget_bears() -> None:
    one = farm()
    assert reread_every(plan(one, wishes=Wishes(10 * MINUTE)), FREE) == MINUTE
    one.batches = {f"b{number}": batch(f"b{number}") for number in range(540)}
    assert reread_every(plan(one), FREE) == 10 * MINUTE
    assert cycle(plan(one), one, FREE) == 10 * MINUTE


# --- many decisions


class Farmland:
    """Spends what the plan chooses, in virtual time, within a sliding window of the budget."""

    def __init__(self, known: Plan, places: int = PLACES) -> None:
        self.known, self.places = known, places
        self.now = NOW
        self.spent: deque[Millis] = deque()
        self.log: list[tuple[Millis, Choice]] = []

    def run(self, length: Millis, then: Callable[[Choice, Millis], None] = lambda _c, _n: None) -> None:
        end = self.now + length
        while self.now < end:
            while self.spent and self.spent[0] <= self.now - WINDOW:
                self.spent.popleft()
            free = self.places - len(self.spent)
            found = choose(self.known, Allowance(self.places, free, WINDOW), self.now)
            if isinstance(found, Rest):
                self.now = end if found.until is None else max(found.until, self.now + 10)
                continue
            if free <= 0:
                self.now = self.spent[0] + WINDOW
                continue
            self.known.sent(found, self.now)
            self.spent.append(self.now)
            self.log.append((self.now, found))
            self.take(found)
            then(found, self.now)
            self.now += 150

    def take(self, choice: Choice) -> None:
        one = self.known.farms.get(choice.farm_id or "")
        if one is None:
            return
        if choice.purpose is Purpose.SEARCH:
            one.asked_at = one.listed_at = self.now
        elif choice.target in one.batches:
            one.reread(choice.target, self.now)
            if one.batches[choice.target].history:
                del one.batches[choice.target]
        else:
            one.records.pop(choice.target or "", None)
            one.reasons.pop(choice.target or "", None)
            has_open = choice.target in one.turns.open
            one.turns.looked(choice.target or "", self.now, has_open=has_open, active_at=None)

    def times(self, purpose: Purpose, farm_id: str = "f") -> list[Millis]:
        return [at for at, choice in self.log if choice.purpose is purpose and choice.farm_id == farm_id]

    def busiest(self) -> int:
        moments = [at for at, _ in self.log]
        return max(sum(start <= at < start + WINDOW for at in moments) for start in moments)


def gaps(moments: list[Millis]) -> list[Millis]:
    return [late - early for early, late in pairwise(moments)]


def test_a_burst_of_batches_neither_breaks_the_budget_nor_makes_the_search_late() -> None:
    one = farm(miners=10_000)
    one.batches = {f"b{number:03d}": batch(f"b{number:03d}", None, created_at=NOW - number) for number in range(500)}
    one.records = {f"m{number:04d}": NOW for number in range(200)}
    land = Farmland(plan(one, wishes=Wishes(10 * SECOND)))
    land.run(30 * MINUTE)
    assert land.busiest() <= PLACES
    assert max(gaps(land.times(Purpose.SEARCH))) <= 12 * SECOND
    assert all(found.read_at is not None for found in one.batches.values())
    assert not one.records
    assert land.times(Purpose.SWEEP)
    assert any(choice.purpose is Purpose.AGENTS for _, choice in land.log)


def test_trouble_in_the_middle_of_a_burst_is_read_within_seconds() -> None:
    one = farm()
    one.batches = {f"b{number:03d}": batch(f"b{number:03d}", None) for number in range(500)}
    land = Farmland(plan(one, wishes=Wishes(10 * SECOND)))
    land.run(2 * MINUTE)
    one.batches["bad"] = batch("bad", land.now, trouble=True, moved=True)
    struck = land.now
    land.run(MINUTE)
    (read_at,) = [at for at, choice in land.log if choice.target == "bad"][:1]
    assert read_at - struck <= 15 * SECOND


def test_no_farm_batch_or_miner_starves() -> None:
    """One farm in a storm that never ends, a quiet one, and one that is read miner by miner."""
    storm, quiet, single = farm("storm"), farm("quiet"), farm("single", 50, strategy=Strategy.MINERS)
    storm.batches = {f"b{number:03d}": batch(f"b{number:03d}") for number in range(300)}
    quiet.batches = {"calm": batch("calm")}
    single.turns.open.update(dict.fromkeys(list(single.turns)[:10]))

    def stir(_choice: Choice, _now: Millis) -> None:
        for found in list(storm.batches.values())[:40]:
            found.moved = found.trouble = True

    land = Farmland(plan(storm, quiet, single))
    land.run(HOUR, stir)
    asked = Counter(choice.target for _, choice in land.log)
    assert land.busiest() <= PLACES
    assert all(asked[name] for name in (*storm.batches, *quiet.batches, *single.turns))
    calm = [at for at, choice in land.log if choice.target == "calm"]
    assert max(gaps(calm)) < 20 * MINUTE
    assert max(gaps(land.times(Purpose.SEARCH, "quiet"))) < 35 * SECOND
    opened = [asked[miner] for miner in single.turns.open]
    others = [asked[miner] for miner in single.turns if miner not in single.turns.open]
    assert min(opened) > max(others)


def test_the_sweep_takes_its_share_and_comes_to_every_miner() -> None:
    one = farm(miners=60)
    land = Farmland(plan(one, wishes=Wishes(30 * SECOND, sweep=12 * SECOND)))
    land.run(30 * MINUTE)
    swept = Counter(choice.target for _, choice in land.log if choice.purpose is Purpose.SWEEP)
    assert swept.keys() == set(one.turns)
    assert 140 <= swept.total() <= 150
    assert max(swept.values()) - min(swept.values()) <= 1


def test_a_miner_that_fails_waits_behind_the_others() -> None:
    one = farm(miners=2, strategy=Strategy.MINERS)
    known = plan(one)
    first = chosen(choose(known, FREE, NOW)).target or ""
    one.turns.skip(first)
    one.held[first] = NOW + MINUTE
    assert chosen(choose(known, FREE, NOW)).target != first


def test_a_quiet_hour_costs_a_list_every_thirty_seconds_and_twelve_looks_at_agents() -> None:
    one = farm(miners=10_000)
    known = plan(one)
    land = Farmland(known)
    land.run(HOUR)
    purposes = Counter(choice.purpose for _, choice in land.log)
    assert purposes.keys() == {Purpose.SEARCH, Purpose.AGENTS}
    assert purposes.total() <= 132


# --- what is known of a farm


def tasks(*statuses: str) -> list[Task]:
    return [Task("f", f"t{number}", "miner.system.reboot", status) for number, status in enumerate(statuses)]


def test_a_list_that_says_no_more_than_the_last_reading_asks_for_none() -> None:
    one = farm()
    one.batches["b"] = batch("b", None, row=row())
    one.read("b", tasks("failed", "timed_out", "pending"), row(), NOW)
    for same in (row(failed_count=1), row(failed_count=2), row(failed_count=2, succeed_count=0)):
        one.listed([same], NOW, lambda _: False)
        assert not one.batches["b"].moved, same
    one.listed([row(failed_count=2, succeed_count=1)], NOW, lambda _: False)
    assert one.batches["b"].moved
    assert not one.batches["b"].trouble
    one.listed([row(failed_count=3, succeed_count=1)], NOW, lambda _: False)
    assert one.batches["b"].trouble


def test_a_batch_that_is_over_is_left_until_a_list_says_more_of_it() -> None:
    one = farm()
    one.batches["b"] = batch("b", None, row=row())
    assert not one.read("b", tasks("succeed", "succeed", "failed"), row(status="failed"), NOW)
    assert not one.batches
    assert one.listed([row(status="failed", succeed_count=2, failed_count=1)], NOW, lambda _: True) == []
    (again,) = one.listed([row(status="pending", task_count=4, succeed_count=2, failed_count=1)], NOW, lambda _: True)
    assert again.id in one.batches


def test_one_that_shows_fewer_tasks_than_it_counts_is_read_again_for_an_hour() -> None:
    one = farm()
    one.batches["b"] = batch("b", None, row=row())
    assert one.read("b", tasks("succeed", "succeed"), row(), NOW)
    assert not one.read("b", tasks("succeed", "succeed"), row(), NOW + HOUR)


def test_a_batch_that_never_ends_does_not_pin_the_window() -> None:
    one = farm(listed_at=NOW)
    one.batches["eternal"] = batch("eternal", created_at=NOW - 3 * DAY)
    assert one.window(NOW) == NOW - 5 * MINUTE
    one.batches["fresh"] = batch("fresh", created_at=NOW - 50 * MINUTE)
    assert one.window(NOW) == NOW - 50 * MINUTE
    assert farm(listed_at=None).window(NOW) == NOW - 7 * DAY


def test_a_farm_is_known_as_far_as_its_last_list_and_each_batch_that_is_followed() -> None:
    one = farm()
    assert one.known_to() == NOW
    one.batches["old"] = batch("old", NOW - HOUR)
    assert one.known_to() == NOW - HOUR
    one.batches["unread"] = batch("unread", None, created_at=NOW - 2 * HOUR)
    assert one.known_to() == NOW - 2 * HOUR - 1
    one.batches["past"] = batch("past", None, created_at=NOW - DAY, history=True)
    assert one.known_to() == NOW - 2 * HOUR - 1
    assert farm(listed_at=None).known_to() is None


def test_what_was_over_before_the_first_contact_is_history() -> None:
    one = FarmState("f", Strategy.SEARCH)
    one.listed([row("done", status="succeed"), row("going")], NOW, lambda _: False)
    assert {name: found.history for name, found in one.batches.items()} == {"done": True, "going": False}
