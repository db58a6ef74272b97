"""Every shipped rule, put to the test: what makes it fire, and what does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watcher.alerts.troubles import Troubles
from watcher.cli.app import app
from watcher.model.miner import Farm, Miner
from watcher.model.subject import Place, Subject, TaskChange
from watcher.model.task import Task, Transition
from watcher.model.times import MINUTE, SECOND, Millis, from_datetime
from watcher.model.trouble import Trouble, TroubleKind
from watcher.rules.engine import Engine
from watcher.rules.load import load_rules
from watcher.rules.scope import Scope

PACK = Path(__file__).resolve().parents[2] / "rules"
RULES = load_rules(PACK).rules
NOW: Millis = from_datetime(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=9))


class Nothing:
    def subjects(self, **_: object) -> list[Subject]:
        return []

    def first_success(self, *_: object) -> None:
        return None

    def history(self, **_: object) -> list[tuple[Subject, Millis]]:
        return []

    def lacking(self) -> list[Subject]:
        return []

    def places(self) -> list[Place]:
        return []

    def of(self, scope: Scope) -> Millis | None:
        del scope
        return NOW


class Unwatched(Nothing):
    def of(self, scope: Scope) -> Millis | None:
        del scope
        return None


def task(
    key: int, name: str, status: str, *, miner: str | None = "m1", ago: int = 1, agent: str | None = "online"
) -> Subject:
    """A task that entered its status `ago` minutes ago; an open one has been so since."""
    at = NOW - ago * MINUTE
    times = {"created": at} if status == "created" else {"created": at - 1000, status: at}
    row = Task("f", f"t{key}", name, status, miner, "b", times, agent_status=agent)
    log = tuple(Transition(state, when, when) for state, when in times.items())
    facts = None if miner is None else Miner("f", miner, model="Antminer S19")
    return Subject(key, row, Farm("f", "Farm"), facts, log)


def many(count: int, name: str, status: str, *, ago: int = 1) -> list[Subject]:
    return [task(key, name, status, miner=f"m{key}", ago=ago) for key in range(1, count + 1)]


FIRMWARE, REBOOT, POWER, POOL = (
    "miner.firmware.update",
    "miner.system.reboot",
    "miner.power_mode.update",
    "miner.pool.update",
)
CASES: dict[str, tuple[list[Subject], list[Subject]]] = {
    "firmware-update-failed": ([task(1, FIRMWARE, "failed")], [task(1, FIRMWARE, "succeed")]),
    "firmware-rollout-failing": (many(10, FIRMWARE, "failed"), many(9, FIRMWARE, "failed")),
    "firmware-update-hanging": ([task(1, FIRMWARE, "pending", ago=121)], [task(1, FIRMWARE, "pending", ago=119)]),
    "reboot-timed-out": ([task(1, REBOOT, "timed_out")], [task(1, REBOOT, "cancelled")]),
    "reboot-loop": (
        [task(key, REBOOT, "succeed", ago=key * 20) for key in range(1, 5)],
        [task(key, REBOOT, "succeed", ago=key * 45) for key in range(1, 5)],
    ),
    "tasks-not-starting": (
        [task(1, POWER, "created", ago=16)],
        [task(1, "agent.scan.create", "created", ago=16), task(2, POWER, "queuing", ago=16, agent="offline")],
    ),
    "agent-offline": (
        [task(1, POWER, "created", ago=6, agent="offline")],
        [
            task(1, POWER, "created", ago=16),
            task(2, POWER, "created", ago=16, agent=None),  # nobody tells of an agent
            task(3, POWER, "queuing", ago=4, agent="offline"),
            task(4, POWER, "pending", ago=16, agent="offline"),
        ],
    ),
    "task-hanging": ([task(1, REBOOT, "pending", ago=31)], [task(1, FIRMWARE, "pending", ago=31)]),
    "pool-changed": ([task(1, POOL, "succeed")], [task(1, POOL, "failed")]),
    "pool-update-failed": ([task(1, "miner.pool.lock", "failed")], [task(1, POOL, "succeed")]),
    "power-mode-failed": ([task(1, POWER, "timed_out")], [task(1, REBOOT, "timed_out")]),
    "curtailment-failing": (many(20, POWER, "failed"), many(20, POWER, "failed", ago=16)),
    "minor-task-failed": ([task(1, "miner.light.update", "failed")], [task(1, REBOOT, "failed")]),
    "agent-update-failed": ([task(1, "agent.self.update", "failed", miner=None)], [task(1, FIRMWARE, "failed")]),
    "agent-scan-failed": ([task(1, "agent.scan.create", "timed_out", miner=None)], [task(1, REBOOT, "failed")]),
    "assets-deleted": ([task(1, "miner.asset.delete", "succeed")], [task(1, "miner.asset.update", "succeed")]),
    "inventory-update-failed": ([task(1, "miner.tags.update", "failed")], [task(1, "miner.tags.update", "succeed")]),
}


def firing(name: str, subjects: list[Subject]) -> int:
    rule = [rule for rule in RULES if rule.name == name]
    marks = Unwatched()
    engine = Engine(rule, Nothing(), marks)
    engine.take([TaskChange(None, subject) for subject in subjects])
    engine._watermarks = Nothing()
    return sum(verdict.open is not None for verdict in engine.settle(()))


TROUBLES: dict[str, tuple[TroubleKind, Millis]] = {
    "watcher-blind": (TroubleKind.BLIND, 0),
    "watcher-key-refused": (TroubleKind.AUTH, 30 * SECOND),
    "watcher-history-lost": (TroubleKind.GAP, 0),
    "watcher-behind": (TroubleKind.BEHIND, 10 * MINUTE),
    "watcher-channel-broken": (TroubleKind.CHANNEL, 0),
    "watcher-edit-refused": (TroubleKind.RULES, 0),
    "watcher-clock": (TroubleKind.CLOCK, 0),
}
"""Which trouble each fires for, and how long after it was first seen."""


def told_of(trouble: TroubleKind, *, after: Millis) -> list[str]:
    """The rules that fire for a trouble that has been there for so long."""
    judge = Troubles([rule for rule in RULES if rule.of_watcher])
    there = [Trouble(trouble, NOW, "something", "f", "ops")]
    changes = judge.judge(there, [], {"f": "Farm"}, NOW)
    changes += judge.judge(there, [], {"f": "Farm"}, NOW + after) if after else []
    return [change.episode.alert.rule for change in changes]


@pytest.mark.parametrize("name", CASES)
def test_it_fires_when_it_should_and_not_when_it_should_not(name: str) -> None:
    fires, stays_quiet = CASES[name]
    assert firing(name, fires) >= 1
    assert firing(name, stays_quiet) == 0


def test_an_agent_that_is_offline_is_one_alert_for_all_its_tasks() -> None:
    waiting = [task(key, POWER, "created", miner=f"m{key}", ago=20, agent="offline") for key in range(1, 501)]
    assert firing("agent-offline", waiting) == 1
    assert firing("tasks-not-starting", waiting) == 0


@pytest.mark.parametrize("name", TROUBLES)
def test_of_every_trouble_of_the_watch_one_rule_tells(name: str) -> None:
    kind, patience = TROUBLES[name]
    assert told_of(kind, after=patience) == [name]
    if patience:
        assert told_of(kind, after=patience - 1) == []


def test_no_shipped_rule_is_left_out() -> None:
    assert CASES.keys() | TROUBLES.keys() == {rule.name for rule in RULES}


def test_no_trouble_of_the_watch_is_left_out() -> None:
    assert {kind for kind, _ in TROUBLES.values()} == set(TroubleKind)


def test_every_shipped_rule_about_tasks_has_a_test_that_passes() -> None:
    result = CliRunner().invoke(app, ["rules", "test", str(PACK)])
    assert result.exit_code == 0, result.output
    assert "without a test" not in result.output
