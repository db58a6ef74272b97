"""Rules: transitions a second through fifty of them, and the same beside ElastAlert 2's own rule classes."""

import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.elastalert import Work, in_order, installed, work_of
from tests.bench.fifty import write_rules
from tests.bench.million import write_history
from watcher.model.subject import Subject
from watcher.model.task import Transition
from watcher.model.times import Millis
from watcher.nonce.history import HistoryFile
from watcher.replay.subjects import subjects_of
from watcher.rules.conditions.absent import Absent
from watcher.rules.conditions.new import New
from watcher.rules.conditions.sequence import Steps
from watcher.rules.load import load_rules
from watcher.rules.one_pass import Firing, OnePass
from watcher.rules.rule import Rule

TASKS = 50_000
FLATLINE_BY_MINER = "miner-silent"
"""Its class looks at every miner at every query: most of what all its rules cost together."""
Row = tuple[str, str, str]


def history(tasks: int) -> tuple[list[Rule], list[Subject], Millis]:
    """The rules, the tasks in the order of time, and the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rules(folder)
        write_history(folder / "history.jsonl", tasks)
        file = HistoryFile(folder / "history.jsonl")
        file.scan()
        return list(load_rules(folder).rules), list(subjects_of(file.tasks())), file.until


def seconds(rules: Sequence[Rule], subjects: Sequence[Subject], until: Millis) -> tuple[float, list[Firing]]:
    """Of CPU, for one pass over the history."""
    gc.collect()
    began = time.process_time()
    engine = OnePass(rules, until)
    for subject in subjects:
        engine.feed(subject)
    found = engine.finish()
    return time.process_time() - began, found


def _counts(rule: Rule, subject: Subject, transition: Transition) -> bool:
    """Whether a transition speaks for a rule's alert; what `absent` and `new` watch is mostly as it should be."""
    match rule.condition:
        case Absent() | New():
            return False
        case Steps(match=match, steps=steps):
            return bool(match(subject, transition)) and any(step(subject, transition) for step in steps)
        case condition:
            return bool(condition.match(subject, transition))


def measure() -> Iterator[Row]:
    try:
        yield from _measured()
    finally:
        gc.unfreeze()


def _measured() -> Iterator[Row]:
    rules, subjects, until = history(TASKS)
    happened = in_order(subjects)
    share = sum(any(_counts(rule, *one[1:]) for rule in rules) for one in happened) / len(happened)
    gc.collect()
    gc.freeze()  # the history is neither side's garbage
    took, found = seconds(rules, subjects, until)
    assert len(rules) == 50
    assert share >= 0.1, share
    assert len(found) >= 1000, len(found)
    yield (
        f"Rules: 50 of all eight conditions, {TASKS:,} tasks",
        f"{len(happened) / took:,.0f} transitions/s; {share:.0%} of them match, {len(found):,} episodes",
        "≥ 10 % match, ≥ 1,000 episodes",
    )
    if not installed():
        yield "  beside ElastAlert 2's own rule classes", "not measured (pip install '.[bench]')", "≥ 5 ×"
        return
    theirs = {rule.name: work for rule in rules if (work := work_of(rule, happened, until)) is not None}
    for title, names in (
        (f"  the {len(theirs)} not stuck or sequence, beside ElastAlert 2's", set(theirs)),
        ("  the same without its flatline by miner", set(theirs) - {FLATLINE_BY_MINER}),
    ):
        ours, _ = seconds([rule for rule in rules if rule.name in names], subjects, until)
        its = sum(theirs[name].seconds for name in names)
        against = f"{len(happened) / ours:,.0f} against {len(happened) / its:,.0f} transitions/s"
        yield title, f"{its / ours:.1f} × ({against}, CPU of evaluation)", "≥ 5 ×"
    yield "  its classes, each alone", _rates(list(theirs.values())), ""


def _rates(works: Sequence[Work]) -> str:
    """Events a second, class by class."""
    found = []
    for kind in sorted({work.kind for work in works}):
        own = [work for work in works if work.kind == kind]
        rate = sum(work.events for work in own) / sum(work.seconds for work in own)
        found.append(f"{kind.removesuffix('Rule').lower()} {rate:,.0f}")
    return ", ".join(found) + " events/s"
