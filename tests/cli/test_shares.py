"""How a replay is shared among processes: everything is done once, and all have about as much to do."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.rules.test_reading import compiled
from watcher.cli.rules import sharing
from watcher.cli.rules.shares import Part, reads, shared
from watcher.nonce.history import HistoryFile
from watcher.replay.performance import by_time
from watcher.replay.subjects import subjects_of
from watcher.rules.load import load_rules
from watcher.rules.rule import Rule

HERE = [compiled({"name": f"here-{n}", "match": {"status": "failed"}}) for n in range(8)]
BEYOND = [compiled({"name": f"beyond-{n}", "match": {"status": "failed"}, "by": ["model"]}) for n in range(2)]
RESOLVED_ELSEWHERE = compiled(
    {"name": "on", "match": {"status": "failed"}, "resolve": {"on": {"farm": "north", "status": "succeed"}}}
)


def done(shares: list[tuple[Part, ...]], farms: list[str]) -> Counter[tuple[str, str]]:
    """How often each rule sees each farm."""
    found: Counter[tuple[str, str]] = Counter()
    for part in (part for share in shares for part in share):
        for farm in part.farms if part.farms is not None else farms:
            found.update((rule.name, farm) for rule in part.rules)
    return found


@pytest.mark.parametrize("tasks", [{}, {"a": 9}, {"a": 9, "b": 1}, {"a": 5, "b": 5, "c": 5}, {"a": 90, "b": 2, "c": 1}])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("rules", [HERE, [*HERE, *BEYOND], [*HERE[:2], *BEYOND], HERE[:1], BEYOND])
def test_every_rule_sees_every_farm_once(rules: list[Rule], number: int, tasks: dict[str, int]) -> None:
    farms = list(tasks) or ["?"]
    found = done(shared(rules, tasks, number), farms)
    assert found == Counter({(rule.name, farm): 1 for rule in rules for farm in farms})


def test_a_share_reads_only_the_farms_that_it_needs() -> None:
    assert [reads(share) for share in shared(HERE, {"a": 5, "b": 5}, 2)] == [frozenset("a"), frozenset("b")]
    assert None in [reads(share) for share in shared([*HERE, *BEYOND], {"a": 5, "b": 5}, 2)]


def test_what_looks_at_other_farms_is_not_kept_within_one() -> None:
    assert HERE[0].within_farm
    assert not BEYOND[0].within_farm
    assert not RESOLVED_ELSEWHERE.within_farm


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    written = {
        "rules": [
            {"name": "each", "match": {"status": "failed"}},
            {"name": "many", "match": {"status": "failed"}, "count": {"at_least": 3, "within": "1h"}},
            {"name": "beyond", "match": {"status": "failed"}, "count": {"at_least": 5, "within": "1h"}, "by": []},
            {"name": "silent", "match": {"status": "succeed"}, "absent": {"within": "2h"}},
        ]
    }
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(json.dumps(written))
    with (tmp_path / "history.jsonl").open("w") as rows:
        for number in range(400):
            moment = f"2026-03-01T{number // 60:02d}:{number % 60:02d}"
            status, key = ("failed", "failedAt") if number % 7 == 0 else ("succeed", "succeedAt")
            row: dict[str, Any] = {"farm": {"id": f"f{number % 3}", "name": f"Farm {number % 3}"}, "id": f"t{number}"}
            row |= {"name": "miner.system.reboot", "status": status, "miner": {"id": f"m{number % 11}"}}
            row |= {"createdAt": f"{moment}:00Z", key: f"{moment}:30Z"}
            rows.write(json.dumps(row) + "\n")
    file = HistoryFile(tmp_path / "history.jsonl")
    file.scan()
    rules = load_rules(tmp_path / "rules").rules

    def found(processes: int) -> list[tuple[Any, ...]]:
        history = sharing.History(
            lambda farms: subjects_of(file.tasks(farms)),
            [],
            file.count,
            file.until,
            traced=True,
            tasks=file.tasks_of_farms,
        )
        replayed = sharing.replay(rules, history, lambda _: None, processes=processes)
        assert replayed.farms == {f"f{number}": f"Farm {number}" for number in range(3)}
        return [
            (one.key, one.stretch.started_at, one.stretch.ended_at, one.stretch.peak, one.stretch.trace)
            for one in by_time(replayed.firings)
        ]

    alone = found(1)
    assert len(alone) > 50
    assert found(3) == alone
