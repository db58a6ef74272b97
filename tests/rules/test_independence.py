"""What fires does not depend on when anybody looked: any order of arrival, any cadence, late and corrected knowledge,
restarts in between give the episodes of one pass in order.

`EXAMPLES=10000 python -m pytest tests/rules/test_independence.py` runs as many examples.
"""

import os
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.history import Book
from tests.rules.reading import CONDITIONS, HISTORY, MINUTE, START, random_rows, random_rule
from tests.rules.test_reading import compiled, found_by, subject_of
from watcher.model.subject import Subject
from watcher.model.task import Transition, is_final

EXAMPLES = int(os.environ.get("EXAMPLES", "600"))
RULES = 4
UNTIL = START + HISTORY + 60 * MINUTE
FIRED: Counter[str] = Counter()
RUNS: Counter[str] = Counter()


def only_observed(one: Subject, last_look: int, look: int) -> Subject:
    """As 2.4 would tell it: that it has ended, not when."""
    end = one.transitions[-1]
    if not is_final(end.status) or end.at <= last_look:
        return one
    seen = Transition(end.status, look, look, observed=True, since=max(last_look, one.task.times["created"]))
    before = tuple(sorted(one.transitions[:-1], key=lambda t: t.at))
    return replace(one, transitions=(*before, seen))


def delivered(random: Random, book: Book, rows: list[dict[str, Any]]) -> None:
    """Looks at random moments, each showing what it will; at the end everything is known."""
    late = {row["key"] for row in rows if random.random() < 0.25}
    vague = {row["key"] for row in rows if random.random() < 0.2}
    last_look = START - 60 * MINUTE
    moments = sorted(random.sample(range(HISTORY // MINUTE + 50), random.randrange(1, 8)))
    for moment in [START + at * MINUTE + random.choice((0, 30_000)) for at in moments]:
        shown = []
        for row in random.sample(rows, len(rows)):
            if row["key"] in late and random.random() < 0.7:
                RUNS["late"] += 1
                continue
            one = subject_of(row, moment)
            if one is None:
                continue
            known = book.history.known.get(one.key)
            ended_before = known is not None and is_final(known.task.status)
            if row["key"] in vague and not ended_before:
                seen = only_observed(one, last_look, moment)
                RUNS["observed"] += seen is not one
                one = seen
            elif row["key"] in vague and known is not None and random.random() < 0.5:
                one = known
            shown.append(one)
        for part in random.sample([shown[::2], shown[1::2]], 2):
            book.learn(part)
        book.judge(moment)
        last_look = moment
        if random.random() < 0.25:
            book.restart()
            RUNS["restarted"] += 1
    book.learn([one for row in rows if (one := subject_of(row, UNTIL)) is not None])
    book.judge(UNTIL)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**40))
def test_the_episodes_are_those_of_one_pass(seed: int) -> None:
    random = Random(seed)
    rows = random_rows(random)
    rules = {rule["name"]: rule for rule in (random_rule(random, number) for number in range(RULES))}
    ready = {name: compiled(rule) for name, rule in rules.items()}
    whole = Book(list(ready.values()))
    whole.learn([one for row in rows if (one := subject_of(row, UNTIL)) is not None])
    whole.judge(UNTIL)
    piecemeal = Book(list(ready.values()))
    before = RUNS.copy()
    delivered(random, piecemeal, rows)
    wanted = {one[:4] for one in found_by(whole, ready)}
    found = {one[:4] for one in found_by(piecemeal, ready)}
    assert found == wanted, {name: rules[name] for name in {one[0] for one in found ^ wanted}}
    RUNS["runs"] += 1
    RUNS["disturbed"] += before != RUNS
    for rule_name, *_ in wanted:
        FIRED[next((kind for kind in CONDITIONS if kind in rules[rule_name]), "each")] += 1


@pytest.fixture(scope="module", autouse=True)
def _cases() -> Any:
    """The run counts its cases: it fails where it left something out."""
    yield
    if RUNS["runs"] < EXAMPLES / 2:
        return  # one example was asked for, to look at a failure
    assert RUNS["disturbed"] >= 0.3 * RUNS["runs"]
    assert FIRED.keys() == set(CONDITIONS)
    assert min(FIRED.values()) >= 200, FIRED
