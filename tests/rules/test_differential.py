"""The engine against an independent, brute-force reading of the rule language; and against itself, however the
history was delivered. The reading below works from the definitions alone: it asks of every moment what is true."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from watcher.alerts.episodes import Reading, reconcile
from watcher.alerts.identity import alert_of, fingerprint
from watcher.model.alert import Episode
from watcher.model.miner import Farm, Miner
from watcher.model.subject import Subject, TaskChange
from watcher.model.task import OPEN_STATUSES, Task, Transition
from watcher.model.times import Millis
from watcher.rules.engine import Engine
from watcher.rules.rule import Rule
from watcher.rules.schema import RulePart
from watcher.rules.tracker import Scope

FARM = Farm("f1", "Farm One")


def subject(
    key: int, name: str, miner: str | None, times: dict[str, Millis], *, batch: str | None = None, model: str = "S19"
) -> Subject:
    """A task with these states, all of them known."""
    status = max(times, key=lambda state: (times[state], state not in OPEN_STATUSES))
    task = Task(FARM.id, f"t{key}", name, status, miner, batch, times)
    transitions = tuple(sorted((Transition(s, at, at) for s, at in times.items()), key=lambda one: one.at))
    facts = None if miner is None else Miner(FARM.id, miner, model=model)
    return Subject(key, task, FARM, facts, transitions)


@dataclass
class History:
    """The log, as a list."""

    known: dict[int, Subject] = field(default_factory=dict)

    def add(self, one: Subject) -> None:
        self.known[one.key] = one

    def subjects(
        self,
        *,
        since: Millis | None,
        names: frozenset[str] | None = None,
        statuses: frozenset[str] | None = None,
        farm_id: str | None = None,
        miner_id: str | None = None,
        batch_id: str | None = None,
        with_open: bool = False,
    ) -> Iterable[Subject]:
        for one in list(self.known.values()):
            moved = any(
                (since is None or t.at > since) and (statuses is None or t.status in statuses) for t in one.transitions
            )
            if (
                (moved or (with_open and one.task.status in OPEN_STATUSES))
                and (names is None or one.task.name in names)
                and farm_id in (None, one.farm.id)
                and miner_id in (None, one.task.miner_id)
                and batch_id in (None, one.task.batch_id)
            ):
                yield one

    def first_success(self, farm_id: str, miner_id: str, name: str, after: Millis) -> Subject | None:
        found = [
            one
            for one in self.known.values()
            if (one.farm.id, one.task.miner_id, one.task.name) == (farm_id, miner_id, name)
            and one.task.status == "succeed"
            and (one.task.created_at if one.task.created_at is not None else one.task.times["succeed"]) > after
        ]
        return min(found, key=lambda one: one.task.times["succeed"], default=None)


@dataclass
class Mark:
    """One watermark for everything."""

    at: Millis | None = None

    def of(self, scope: Scope) -> Millis | None:
        del scope
        return self.at


SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
END = 10_000 * HOUR
HISTORIES = 220
Found = tuple[str, int, int | None, str | None]
"""Of an episode: its alert, start, end and end reason."""

SPECS: list[dict[str, Any]] = [
    {"match": {"status": ("failed", "timed_out")}},
    {"match": {"task": "a", "status": "failed"}, "by": ("farm",)},
    {"match": {"status": "failed"}, "for": 4 * MINUTE, "keep_firing_for": 3 * MINUTE, "by": ("miner",)},
    {"match": {"status": "succeed"}, "by": ("farm", "task")},
    {"match": {"status": "failed"}, "resolve": {"after": 7 * MINUTE}, "by": ("task",)},
    {"match": {"status": "failed"}, "resolve": {"on": {"status": "succeed"}}, "by": ("farm", "task")},
    {"match": {"status": "failed"}, "resolve": "never", "by": ("miner",)},
    {"match": {"status": ("failed", "timed_out")}, "expire": 9 * MINUTE, "by": ("farm",)},
    {"match": {"status": "failed"}, "count": {"at_least": 2, "within": 5 * MINUTE}},
    {"match": {"status": ("failed", "succeed")}, "count": {"at_least": 3, "within": 6 * MINUTE, "distinct": "miner"}},
    {"match": {"status": "failed"}, "count": {"at_least": 2, "within": 9 * MINUTE}, "for": 2 * MINUTE, "by": ("task",)},
    {"match": {"status": "failed"}, "count": {"at_least": 1, "within": 3 * MINUTE}, "keep_firing_for": 5 * MINUTE},
    {"match": {}, "stuck": {"longer_than": 6 * MINUTE}},
    {"match": {"status": "pending"}, "stuck": {"longer_than": 4 * MINUTE}, "by": ("farm",)},
    {"match": {"status": ("created", "queuing")}, "stuck": {"longer_than": 5 * MINUTE}, "for": MINUTE, "by": ("task",)},
]


def text(length: int) -> str:
    return f"{length // SECOND}s"


def rule_of(number: int, spec: dict[str, Any]) -> Rule:
    said = dict(spec)
    for key in ("for", "keep_firing_for", "expire"):
        if key in said:
            said[key] = text(said[key])
    for key, inner in (("count", "within"), ("stuck", "longer_than")):
        if key in said:
            said[key] = {**said[key], inner: text(said[key][inner])}
    if isinstance(said.get("resolve"), dict) and "after" in said["resolve"]:
        said["resolve"] = {"after": text(said["resolve"]["after"])}
    return RulePart.model_validate({"name": f"rule-{number}", **said}).compiled()


# --- a random history


def random_history(random: Random) -> list[Subject]:
    """Tasks of two names on three miners, on a grid of minutes so that borders are met exactly."""
    found = []
    for key in range(1, random.randrange(3, 22)):
        at = random.randrange(0, 60) * MINUTE
        times = {"created": at}
        for state in ("queuing", "pending"):
            if random.random() < 0.7:
                at += random.randrange(0, 7) * MINUTE
                times[state] = at
        if random.random() < 0.8:
            times[random.choice(("succeed", "failed", "failed", "timed_out"))] = at + random.randrange(0, 9) * MINUTE
        miner = random.choice(("m1", "m2", "m3", None)) if random.random() < 0.95 else None
        found.append(subject(key, random.choice("ab"), miner, times))
    return found


# --- the brute-force reading


def fits(match: Any, one: Subject, status: str) -> bool:
    values = {"status": status, "task": one.task.name}
    return all(values[name] in (wanted if isinstance(wanted, tuple) else (wanted,)) for name, wanted in match.items())


def value(name: str, one: Subject) -> str | None:
    return {"farm": one.farm.id, "task": one.task.name, "miner": one.task.miner_id}[name]


def brute(number: int, spec: dict[str, Any], history: list[Subject]) -> set[Found]:
    kind = "count" if "count" in spec else "stuck" if "stuck" in spec else "each"
    by = spec.get("by", ("farm",) if kind == "count" else ("farm", "task", "miner"))
    keys = {tuple(value(name, one) for name in by) for one in history}
    found: set[Found] = set()
    for key in keys:
        mine = [one for one in history if tuple(value(name, one) for name in by) == key]
        spans = {"each": each_spans, "count": count_spans, "stuck": stuck_spans}[kind](spec, mine, history, by)
        found |= {(fingerprint(f"rule-{number}", key), *episode) for episode in alarms(spans, spec)}
    return found


def each_spans(
    spec: dict[str, Any], mine: list[Subject], history: list[Subject], by: tuple[str, ...]
) -> list[tuple[int, int | None, str | None]]:
    spans = []
    for one in mine:
        for transition in one.transitions:
            if fits(spec["match"], one, transition.status):
                end, why = each_end(spec, one, transition.status, transition.at, history, by)
                spans.append((transition.at, end, why))
    return spans


def each_end(
    spec: dict[str, Any], one: Subject, status: str, at: int, history: list[Subject], by: tuple[str, ...]
) -> tuple[int | None, str | None]:
    resolve: Any = spec.get("resolve")
    if resolve is None:
        resolve = "on_success" if status in ("failed", "timed_out") else {"after": HOUR}
    if resolve == "never":
        return None, None
    if isinstance(resolve, dict) and "after" in resolve:
        return at + resolve["after"], "expired"
    expire = at + spec.get("expire", 7 * 24 * HOUR)
    ends = [
        t.at
        for other in history
        for t in other.transitions
        if (
            other.task.miner_id is not None
            and (other.task.miner_id, other.task.name) == (one.task.miner_id, one.task.name)
            and t.status == "succeed"
            and other.task.times["created"] > at
            if resolve == "on_success"
            else fits(resolve["on"], other, t.status)
            and t.at > at
            and all(value(name, other) == value(name, one) for name in by)
        )
    ]
    repaired = min(ends, default=None)
    return (repaired, "recovered") if repaired is not None and repaired < expire else (expire, "expired")


def count_spans(
    spec: dict[str, Any], mine: list[Subject], _: list[Subject], __: tuple[str, ...]
) -> list[tuple[int, int | None, str | None]]:
    within, least = spec["count"]["within"], spec["count"]["at_least"]
    distinct = "distinct" in spec["count"]
    events = [
        (t.at, one.task.miner_id)
        for one in mine
        for t in one.transitions
        if fits(spec["match"], one, t.status) and not (distinct and one.task.miner_id is None)
    ]
    moments = sorted({at for at, _ in events} | {at + within for at, _ in events})
    spans: list[tuple[int, int | None, str | None]] = []
    since = None
    for moment in moments:
        inside = [miner for at, miner in events if moment - within < at <= moment]
        true = (len(set(inside)) if distinct else len(inside)) >= least
        if true and since is None:
            since = moment
        if not true and since is not None:
            spans.append((since, moment, "quiet"))
            since = None
    return spans


def stuck_spans(
    spec: dict[str, Any], mine: list[Subject], _: list[Subject], __: tuple[str, ...]
) -> list[tuple[int, int | None, str | None]]:
    spans: list[tuple[int, int | None, str | None]] = []
    longer = spec["stuck"]["longer_than"]
    for one in mine:
        entered = None
        for t in one.transitions:
            watched = t.status in ("created", "queuing", "pending") and fits(spec["match"], one, t.status)
            if watched and entered is None:
                entered = t.at
            if not watched and entered is not None:
                if t.at > entered + longer:
                    spans.append((entered + longer, t.at, "recovered"))
                entered = None
        if entered is not None:
            spans.append((entered + longer, None, None))
    return spans


def alarms(
    spans: list[tuple[int, int | None, str | None]], spec: dict[str, Any]
) -> list[tuple[int, int | None, str | None]]:
    """The union of the spans, then `for` and `keep_firing_for`. Of ends at one moment, the reasons are left open."""
    union: list[tuple[int, int | None, str | None]] = []
    for start, end, why in sorted(spans, key=lambda span: (span[0], END if span[1] is None else span[1])):
        if end is not None and end <= start:
            continue
        if union and (union[-1][1] is None or start <= union[-1][1]):
            before = union[-1]
            if before[1] is not None and (end is None or end >= before[1]):
                union[-1] = (before[0], end, why)
        else:
            union.append((start, end, why))
    hold, keep = spec.get("for", 0), spec.get("keep_firing_for", 0)
    found: list[tuple[int, int | None, str | None]] = []
    for start, end, why in union:
        if found and found[-1][1] is not None and start <= found[-1][1]:
            found[-1] = (found[-1][0], None if end is None else end + keep, why)
        elif end is None or start + hold < end:
            found.append((start + hold, None if end is None else end + keep, why))
    return found


# --- the engine, fed in one pass or piece by piece


class Book:
    """The episodes as a store would hold them."""

    def __init__(self, rules: list[Rule]) -> None:
        self.history = History()
        self.mark = Mark()
        self.engine = Engine(rules, self.history, self.mark)
        self.episodes: dict[int, Episode] = {}

    def take(self, changes: list[TaskChange]) -> None:
        for change in changes:
            self.history.add(change.after)
        self.engine.take(changes)

    def judge(self, watermark: int) -> None:
        self.mark.at = watermark
        moved = {tracker.scope for tracker in self.engine._trackers.all()}
        for verdict in self.engine.settle(moved):
            rule = self.engine.rules[verdict.key[0]]
            alert = alert_of(rule, verdict.key[1], {FARM.id: FARM.name})
            stored = [
                episode
                for episode in self.episodes.values()
                if episode.alert.fingerprint == alert.fingerprint
                and (
                    episode.ended_at is None
                    or (verdict.judged_from is not None and episode.ended_at >= verdict.judged_from)
                )
            ]
            stored.sort(key=lambda episode: (episode.started_at, episode.id))
            for change in reconcile(alert, stored, verdict, Reading(watermark)):
                number = change.episode.id or len(self.episodes) + 1
                self.episodes[number] = replace(change.episode, id=number)

    def found(self) -> set[Found]:
        return {
            (
                episode.alert.fingerprint,
                episode.started_at,
                episode.ended_at,
                None if episode.end_reason is None else episode.end_reason.value,
            )
            for episode in self.episodes.values()
            if episode.end_reason is None or episode.end_reason.value != "corrected"
        }


def one_pass(rules: list[Rule], history: list[Subject]) -> set[Found]:
    book = Book(rules)
    book.take([TaskChange(None, one) for one in history])
    book.judge(END)
    return book.found()


def known_at(one: Subject, moment: int) -> Subject | None:
    """A task as a look at a moment shows it."""
    transitions = tuple(t for t in one.transitions if t.at <= moment)
    if not transitions:
        return None
    times = {t.status: t.at for t in transitions}
    return replace(one, task=replace(one.task, status=transitions[-1].status, times=times), transitions=transitions)


def without_tied_reasons(found: set[Found]) -> set[tuple[str, int, int | None]]:
    return {(alert, start, end) for alert, start, end, _ in found}


FIRED: Counter[int] = Counter()


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_engine_reads_the_language_as_it_is_defined(seed: int) -> None:
    history = random_history(Random(seed))
    for number, spec in enumerate(SPECS):
        wanted = brute(number, spec, history)
        found = one_pass([rule_of(number, spec)], history)
        FIRED[number] += len(wanted)
        assert without_tied_reasons(found) == without_tied_reasons(wanted), spec


def test_every_rule_of_the_comparison_fired_often() -> None:
    assert len(FIRED) == len(SPECS)
    assert min(FIRED.values()) >= 20, FIRED


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_fires_does_not_depend_on_when_it_was_looked_at(seed: int) -> None:
    """Any cadence, some tasks told late, restarts in between: the same episodes as in one pass."""
    random = Random(1_000 + seed)
    history = random_history(random)
    rules = [rule_of(number, spec) for number, spec in enumerate(SPECS)]
    wanted = one_pass(rules, history)
    book = Book(rules)
    late = {one.key for one in history if random.random() < 0.3}
    moments = sorted(random.sample(range(80), random.randrange(2, 9)))
    for moment in [at * MINUTE + random.randrange(2) * 30 * SECOND for at in moments]:
        shown = [one for one in history if one.key not in late or random.random() < 0.3]
        learn(book, [seen for one in shown if (seen := known_at(one, moment)) is not None])
        book.judge(moment)
        if random.random() < 0.3:
            book.engine.rebuild()
    learn(book, history)
    book.judge(END)
    assert without_tied_reasons(book.found()) == without_tied_reasons(wanted)


def learn(book: Book, shown: list[Subject]) -> None:
    book.take(
        [TaskChange(book.history.known.get(one.key), one) for one in shown if book.history.known.get(one.key) != one]
    )
