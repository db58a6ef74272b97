"""The engine against an independent reading of the language: every condition, with random rules and histories."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.rules.history import NEVER, Book
from tests.rules.reading import CONDITIONS, HISTORY, MINUTE, START, Found, Row, episodes, random_rows, random_rule
from watcher.model.miner import Farm, Miner
from watcher.model.subject import Subject
from watcher.model.task import OPEN_STATUSES, STATUSES, Task, Transition
from watcher.rules.one_pass import OnePass, in_order
from watcher.rules.rule import Rule
from watcher.rules.schema import RulePart

HISTORIES = 200
RULES = 30
FIRED: Counter[str] = Counter()


def subject_of(row: Row, until: int) -> Subject | None:
    """A row as the log has it at a moment."""
    times = {status: at for status, at in row["times"].items() if at <= until}
    if not times:
        return None
    status = max(times, key=lambda one: (times[one], one not in OPEN_STATUSES, STATUSES.index(one)))
    task = Task(
        row["farm"], row["id"], row["task"], status, row["miner"], row["batch"], times,
        actor=row["actor"], error=row["error"], payload=row["payload"],
    )  # fmt: skip
    ordered = sorted(times.items(), key=lambda pair: (pair[1], STATUSES.index(pair[0])))
    miner = None if row["miner"] is None else Miner(row["farm"], row["miner"], model=row["model"])
    transitions = tuple(Transition(status, at, at) for status, at in ordered)
    return Subject(row["key"], task, Farm(row["farm"], row["farm"]), miner, transitions)


def tuples(value: Any) -> Any:
    """As the documents are read: lists are tuples."""
    if isinstance(value, dict):
        return {key: tuples(one) for key, one in value.items()}
    return tuple(tuples(one) for one in value) if isinstance(value, list | tuple) else value


def compiled(rule: dict[str, Any]) -> Rule:
    return RulePart.model_validate(tuples(rule)).compiled()


def found_by(book: Book, rules: dict[str, Rule]) -> list[Found]:
    found = []
    for episode in book.found():
        labels = episode.alert.labels
        by = tuple(labels.get(name) for name in rules[episode.alert.rule].by)
        found.append(Found(episode.alert.rule, by, episode.started_at, episode.ended_at, episode.count, episode.total))
    return found


def key(one: Found) -> tuple[Any, ...]:
    return one.rule, tuple(value or "" for value in one.by), one.started_at


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_engine_agrees_with_an_independent_reading(seed: int) -> None:
    random = Random(seed)
    rows = random_rows(random)
    said = [random_rule(random, number) for number in range(RULES)]
    until = START + random.randrange(HISTORY // MINUTE + 40) * MINUTE + random.choice((0, 30_000))
    rules = {rule["name"]: compiled(rule) for rule in said}
    book = Book(list(rules.values()))
    book.learn([shown for row in rows if (shown := subject_of(row, until)) is not None])
    book.judge(until)
    ours = {(key(one), one.ended_at): one for one in found_by(book, rules)}
    for rule in said:
        wanted = episodes(rule, rows, until)
        kind = next((name for name in CONDITIONS if name in rule), "each")
        FIRED[kind] += len(wanted)
        mine = sorted((one for one in ours.values() if one.rule == rule["name"]), key=key)
        assert [one[:4] for one in mine] == [one[:4] for one in sorted(wanted, key=key)], rule
        for ended, other in zip(mine, sorted(wanted, key=key), strict=True):
            if ended.ended_at is not None:
                assert (ended.count, ended.total) == (other.count, other.total), (rule, ended, other)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_one_pass_in_order_finds_the_same(seed: int) -> None:
    """What tests and replays of rules run on."""
    random = Random(seed)
    rows = random_rows(random)
    said = [random_rule(random, number) for number in range(RULES)]
    until = START + random.randrange(HISTORY // MINUTE + 40) * MINUTE + random.choice((0, 30_000))
    rules = {rule["name"]: compiled(rule) for rule in said}
    book = Book(list(rules.values()))
    shown = [one for row in rows if (one := subject_of(row, NEVER)) is not None]
    book.learn([one for row in rows if (one := subject_of(row, until)) is not None])
    book.judge(until)
    one_pass = OnePass(list(rules.values()), until)
    for one in in_order(shown):
        one_pass.feed(one)
    found = {
        (firing.key[0], firing.key[1], stretch.started_at, stretch.ended_at, *stretch.peak)
        for firing in one_pass.finish()
        for stretch in [firing.stretch]
    }
    live = {(one.rule, one.by, one.started_at, one.ended_at) for one in found_by(book, rules)}
    assert {one[:4] for one in found} == live
    ended = {tuple(one) for one in found_by(book, rules) if one.ended_at is not None}
    assert {one for one in found if one[3] is not None} == ended


def test_every_condition_fired_often() -> None:
    assert FIRED.keys() == set(CONDITIONS)
    assert min(FIRED.values()) >= 200, FIRED
