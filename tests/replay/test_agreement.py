"""The three ways to run rules agree: `rules backtest` on a file, `rules test`, and the live desk on a store."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.rules.history import NEVER, Mark
from tests.rules.reading import (
    CONDITIONS,
    HISTORY,
    MINUTE,
    MODELS,
    START,
    Found,
    Row,
    by_of,
    condition_of,
    episodes,
    random_rows,
    random_rule,
)
from tests.rules.test_reading import compiled, tuples
from watcher.alerts.board import Board, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.routes import Route, Timers
from watcher.cli.app import app
from watcher.logs import configure
from watcher.model.alert import EndReason
from watcher.model.miner import Farm, Miner
from watcher.model.task import Task
from watcher.model.times import duration_text, iso
from watcher.nonce.history import HistoryRow
from watcher.nonce.translate import task as translated
from watcher.replay.rule_test import Theatre, run_test
from watcher.rules.load import load_rules
from watcher.rules.scope import Scope
from watcher.rules.written_test import TestPart
from watcher.store.database import open_database
from watcher.store.store import Store
from watcher.watch.desk import Desk, Policy
from watcher.watch.ingest import Look, ingest

HISTORIES = 60
LIVE = 200
LIVE_RULES = 6
FIRED: Counter[str] = Counter()
RULES = 30
FARM_IDS = {"north": "f-1", "south": "f-2"}
MEMBERS = {
    "created": "createdAt",
    "queuing": "queuingAt",
    "pending": "pendingAt",
    "succeed": "succeedAt",
    "failed": "failedAt",
    "timed_out": "timedOutAt",
    "cancelled": "cancelledAt",
}


def documented(row: Row, random: Random) -> dict[str, Any]:
    """A task as List Miner Tasks tells it, with its farm; what is absent is null or left out."""
    times = {name: row["times"].get(status) for status, name in MEMBERS.items()}
    said = {
        "farm": {"id": FARM_IDS[row["farm"]], "name": row["farm"]},
        "id": row["id"],
        "batchId": row["batch"],
        "name": row["task"],
        "status": list(row["times"])[-1],
        **{name: None if at is None else iso(at) for name, at in times.items()},
        "payload": row["payload"],
        "result": None if row["error"] is None else {"message": row["error"]},
        "logs": [{"timestamp": iso(START), "level": "info", "message": line} for line in row["log"]],
        "created_by": row["actor"],
        "miner": None
        if row["miner"] is None
        else {"id": row["miner"], "health_status": row["health"], "metadata": {"model": row["model"]}},
    }
    return said if random.random() < 0.5 else {name: value for name, value in said.items() if value is not None}


def backtest(folder: Path, rows: list[dict[str, Any]], rules: list[dict[str, Any]], until: int) -> list[dict[str, Any]]:
    """What the command prints."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "a.yaml").write_text(json.dumps({"rules": rules}))
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--rules", folder / "rules", "--history", folder / "history.jsonl", "--until", iso(until), "--json"]
    result = CliRunner().invoke(app, ["rules", "backtest", *map(str, options)])
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def shown(one: Found, rule: dict[str, Any]) -> dict[str, Any]:
    labels = dict(zip(by_of(rule), one.by, strict=True))
    if labels.get("farm_id") is not None:
        labels["farm_id"] = FARM_IDS[str(labels["farm_id"])]
    return {
        "rule": one.rule,
        "labels": labels,
        "started_at": iso(one.started_at),
        "ended_at": None if one.ended_at is None else iso(one.ended_at),
        "count": one.count,
        "total": one.total,
    }


def text(episode: dict[str, Any]) -> str:
    return json.dumps(episode, sort_keys=True)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_command_tells_what_an_independent_reading_finds(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    rows = random_rows(random)
    rules = [random_rule(random, number) for number in range(RULES)]
    until = START + random.randrange(HISTORY // MINUTE + 40) * MINUTE + random.choice((0, 30_000, 1))
    lines = [documented(row, random) for row in random.sample(rows, len(rows))]
    twice = [line for line in lines if random.random() < 0.1]
    found = backtest(tmp_path, [*lines, *twice], rules, until)
    for rule in rules:
        wanted = [shown(one, rule) for one in episodes(rule, rows, until)]
        ours = [one for one in found if one["rule"] == rule["name"]]
        assert sorted(map(text, ours)) == sorted(map(text, wanted)), rule
    assert found == sorted(found, key=lambda one: (one["started_at"], one["rule"]))


# --- rules test


def given_rows(rows: list[Row]) -> Iterator[dict[str, Any]]:
    """The history as a test tells it, a row for each state that a task enters."""
    for row in rows:
        facts = {name: row[name] for name in ("task", "farm", "miner", "batch", "actor", "model", "error", "payload")}
        facts |= {name: row[name] for name in ("log", "health") if row[name]}
        said = {name: value for name, value in facts.items() if value is not None}
        for status, at in row["times"].items():
            yield {**said, "id": row["id"], "status": status, "at": duration_text(at - START)}


def tellable(row: Row) -> bool:
    """A test tells whole seconds, from its beginning on, and each task from its creation on."""
    times = row["times"]
    apart = all(at >= START and at % 1000 == 0 for at in times.values())
    return apart and "created" in times and all(len(_parts(at)) <= 2 for at in times.values())


def _parts(at: int) -> str:
    """The units that a time needs; `duration_text` writes two."""
    hours, rest = divmod((at - START) // 1000, 3600)
    return "h" * (hours > 0) + "m" * (rest >= 60) + "s" * (rest % 60 > 0)


def firing(found: list[Found], rules: dict[str, dict[str, Any]], at: int) -> list[dict[str, Any]]:
    standing = [one for one in found if one.started_at <= at and (one.ended_at is None or at < one.ended_at)]
    labels = [(one.rule, dict(zip(by_of(rules[one.rule]), one.by, strict=True))) for one in standing]
    said = [{"rule": rule, **{k: v for k, v in by.items() if v is not None}} for rule, by in labels]
    return sorted(said, key=len, reverse=True)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_test_beside_the_rules_expects_what_the_reading_finds(seed: int) -> None:
    random = Random(seed)
    rows = [row for row in random_rows(random) if tellable(row)]
    if not rows:
        return
    rules = {rule["name"]: rule for rule in (random_rule(random, number) for number in range(RULES))}
    moments = sorted(random.sample(range(1, HISTORY // MINUTE + 90), 12))
    until = max([START + moments[-1] * MINUTE, *(at for row in rows for at in row["times"].values())])
    told = [{**row, "farm_id": row["farm"]} for row in rows]
    found = [one for rule in rules.values() for one in episodes(rule, told, until)]
    said = {
        "name": "agrees",
        "given": list(given_rows(rows)),
        "expect": [{"at": f"{at}m", "firing": firing(found, rules, START + at * MINUTE)} for at in moments],
    }
    theatre = Theatre({name: compiled(rule) for name, rule in rules.items()}, [ROUTE], [Voice("ops")], str)
    differences = run_test(TestPart.model_validate(tuples(said)), theatre, list(rules))
    assert not differences, [(rules, one) for one in differences]


# --- live


ROUTE = Route({}, ("ops",), ("rule", "farm"), Timers())


class Live:
    """The desk on a store, shown the history look by look."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.mark, self.folder = store, Mark(), folder
        self.last: dict[tuple[str, str | None], int] = {}
        with store.atomic():
            store.fleet.write_farms([Farm(farm_id, name) for name, farm_id in FARM_IDS.items()], [], START)
            # The inventory is there, but its first look is of no weight: a file of rows has none.
            for farm_id in FARM_IDS.values():
                store.fleet.set_t0(farm_id, NEVER)
                store.fleet.write_miners([Miner(farm_id, miner) for miner in MODELS], NEVER)
        self.restart(START)

    def restart(self, now: int) -> None:
        rules = load_rules(self.folder).rules
        by_name = {rule.name: rule for rule in rules}
        board = Board([ROUTE], by_name, {"ops": Voice("ops")})
        composer = Composer(by_name, self.store.past, UTC)
        self.desk = Desk(self.store, Policy(rules, {"ops": ["t"]}), board, composer, self.mark)  # type: ignore[arg-type]
        with self.store.atomic():
            self.desk.restore(now)

    def look(self, tasks: list[Task], now: int) -> None:
        """One look at each miner whose tasks these are; tasks without one are shown by their batches."""
        for place in sorted({(task.farm_id, task.miner_id) for task in tasks}, key=str):
            shown = tuple(task for task in tasks if (task.farm_id, task.miner_id) == place)
            batch = None if place[1] else ""
            last = self.last.get(place)
            with self.store.atomic():
                changes = ingest(self.store, Look(*place, batch, shown, now, last, None)).changes
                self.desk.take(changes)
                self.desk.judge([], now)
            self.last[place] = now

    def judge(self, now: int) -> None:
        self.mark.at = now
        with self.store.atomic():
            self.desk.judge([Scope(), *map(Scope, FARM_IDS.values())], now)
            self.desk.judge_all(now)

    def found(self) -> Iterator[dict[str, Any]]:
        for one in self.store.episodes.since(0):
            if one.end_reason is not EndReason.CORRECTED:
                labels = {name: value for name, value in one.alert.labels.items() if name not in ("rule", "severity")}
                end = None if one.ended_at is None else iso(one.ended_at)
                yield {"rule": one.alert.rule, "labels": labels, "started_at": iso(one.started_at), "ended_at": end}


def at_moment(row: Row, now: int, random: Random) -> Task | None:
    """What the API would tell of a task at a moment."""
    times = {status: at for status, at in row["times"].items() if at <= now}
    if not times:
        return None
    said = HistoryRow.model_validate_json(json.dumps(documented({**row, "times": times}, random)))
    task = translated(said, said.farm.id, "")
    return task if task.miner_id else replace(task, miner_id=None)


@pytest.mark.parametrize("seed", range(LIVE))
def test_the_live_desk_finds_what_the_command_does(tmp_path: Path, seed: int) -> None:
    configure("critical", "console")
    random = Random(seed)
    rows = random_rows(random)
    rules = [random_rule(random, number) for number in range(LIVE_RULES)]
    # Which of a miner's transitions of one millisecond is its latest, nothing says: a store numbers tasks as they come.
    rules = [rule for rule in rules if "distinct" not in rule.get("ratio", {})]
    until = START + HISTORY + 60 * MINUTE
    found = backtest(tmp_path, [documented(row, random) for row in rows], rules, until)
    with closing(Store(open_database(tmp_path / "state.db"))) as store:
        live = Live(store, tmp_path / "rules")
        for minute in sorted(random.sample(range(HISTORY // MINUTE + 50), random.randrange(1, 6))):
            now = START + minute * MINUTE + random.choice((0, 1, 30_000))
            known = [task for row in random.sample(rows, len(rows)) if (task := at_moment(row, now, random))]
            live.look([task for task in known if random.random() < 0.8], now)
            live.judge(now)
            if random.random() < 0.3:
                live.restart(now)
        live.look([task for row in rows if (task := at_moment(row, until, random))], until)
        live.judge(until)
        wanted = [{name: value for name, value in one.items() if name not in ("count", "total")} for one in found]
        assert sorted(map(text, live.found())) == sorted(map(text, wanted)), rules
    kinds = {rule["name"]: condition_of(rule) for rule in rules}
    FIRED.update(kinds[one["rule"]] for one in found)


def test_every_condition_fired_live() -> None:
    assert FIRED.keys() == set(CONDITIONS)
    assert min(FIRED.values()) >= 50, FIRED
