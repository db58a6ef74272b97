"""The daemon as a process, in virtual minutes, on a farm whose tasks are read batch by batch."""

from datetime import timedelta
from pathlib import Path

from tests.bench.scaled import RULES, Run, daemon
from watcher.sim import Outcome, Sim, SimClock, Switches

SCALE = 100
FIRMWARE = "miner.firmware.update"
REBOOT = "miner.system.reboot"
PACK = Path(__file__).resolve().parents[2] / "rules"


def begin(*, farms: int = 1, miners: int = 300, **switches: object) -> Sim:
    return Sim(farms=farms, miners=miners, seed=4, clock=SimClock(scale=SCALE), switches=Switches(**switches))  # type: ignore[arg-type]


def watched(run: Run) -> None:
    """Until the first contact is over."""
    while not any(one.path.endswith("/tasks/search") and one.status == 200 for one in run.sim.requests):
        pass_minutes(run, 0.2)
    pass_minutes(run, 0.2)


def pass_minutes(run: Run, minutes: float) -> None:
    run.until(run.sim.clock.now() + timedelta(minutes=minutes))


def titles(run: Run) -> list[str]:
    return [one.text.split("\n")[0] for one in run.told]


def ids(sim: Sim, first: int, count: int) -> list[str]:
    return [miner.id for miner in sim.miners()[first : first + count]]


BLIND = """\
  - {name: blind, summary: Blind, severity: critical, match: {watcher: blind}}
  - {name: hanging, match: {status: pending}, stuck: {longer_than: 12m}}
"""


def test_ten_minutes_without_the_api_are_one_blind_alert_and_nothing_is_lost() -> None:
    sim = begin()
    bad = ids(sim, 0, 20)
    outcomes = {one: Outcome("failed", "no answer", runs=200 + 25 * place) for place, one in enumerate(bad)}
    outcomes |= {one: Outcome(runs=400) for one in ids(sim, 20, 80)}
    with daemon(sim, rules=RULES + BLIND, every="10s", poll=", sweep: 0") as run:
        watched(run)
        batch = sim.create_batch(next(iter(sim.farms)), FIRMWARE, ids(sim, 0, 100), outcomes=outcomes)
        pass_minutes(run, 2)
        sim.fail_next(100_000, "reset")
        pass_minutes(run, 10)
        assert [one for one in titles(run) if "Blind" in one] == ["Critical: Blind"]
        sim.faults.clear()
        pass_minutes(run, 3)
    said = "\n".join(one.text for one in run.told)
    assert [one for one in titles(run) if "Blind" in one] == ["Critical: Blind", "Resolved: Blind"]
    assert all(one in said for one in bad)
    assert "hanging" not in said
    ends = {task.miner_id: task.final[1] for task in batch.tasks if task.final is not None}
    for one in bad:
        assert ends[one].strftime("%Y-%m-%dT%H:%M:%S") in run.logged


RECORDS = """rules:
  - {name: slow, match: {task: miner.firmware.update, status: succeed, duration: "> 5m"}}
  - {name: overheated, match: {task: miner.system.reboot, log: "/overheat/"}}
  - {name: sleeping, match: {task: miner.power_mode.update, status: succeed}, where: payload.mode == "sleep"}
"""


def test_what_a_batch_does_not_tell_is_fetched_and_no_match_is_missed() -> None:
    sim = begin(batch_rows="poorest")
    farm_id = next(iter(sim.farms))
    slow = ids(sim, 0, 7)
    with daemon(sim, rules=RECORDS, every="10s", poll=", sweep: 0") as run:
        watched(run)
        now = sim.clock.now()
        outcomes = {one: Outcome(runs=400) for one in slow} | {one: Outcome(runs=90) for one in ids(sim, 7, 30)}
        sim.create_batch(farm_id, FIRMWARE, [*outcomes], outcomes=outcomes)
        hot = sim.miners()[40:46]
        for miner in hot:
            at = now + timedelta(seconds=30)
            times = {"created": now, "pending": now + timedelta(seconds=9), "succeed": at}
            sim.add_raw(miner, REBOOT, times, logs=[(at, "info", "board 2 overheats, going on")])
        for miner in sim.miners()[50:60]:
            mode = "sleep" if miner.id < "8" else "low"
            sim.create_batch(farm_id, "miner.power_mode.update", [miner.id], payload={"mode": mode})
        pass_minutes(run, 10)
    said = {
        rule: "\n".join(one.text for one in run.told if f"Rule {rule}" in one.text)
        for rule in ("slow", "overheated", "sleeping")
    }
    everyone = {miner.id for miner in sim.miners()}
    assert {one for one in everyone if one in said["slow"]} == set(slow)
    assert {one for one in everyone if one in said["overheated"]} == {miner.id for miner in hot}
    assert {one for one in everyone if one in said["sleeping"]} == {one for one in ids(sim, 50, 10) if one < "8"}


def test_a_storm_of_failures_costs_a_handful_of_requests_and_still_tells_why() -> None:
    sim = begin(miners=520, batch_errors=False)
    farm_id = next(iter(sim.farms))
    rules = "rules: [{name: failing, match: {status: failed}, by: [farm]}]\n"
    routes = "routes: [{channels: [console], group_by: [farm], group_wait: 30s, group_interval: 30s}]\n"
    with daemon(sim, rules=rules, routes=routes, every="10s", poll=", sweep: 0") as run:
        watched(run)
        before = len(sim.requests.matching("/miners/"))
        sim.create_batch(farm_id, FIRMWARE, ids(sim, 0, 500), outcomes=Outcome("failed", "checksum mismatch", runs=60))
        pass_minutes(run, 10)
        asked = len(sim.requests.matching("/miners/")) - before
    assert 0 < asked <= 10
    assert "checksum mismatch" in run.told[-1].text


def test_five_hundred_tasks_behind_an_offline_agent_are_one_message_about_the_agent() -> None:
    sim = begin(miners=520)
    farm = next(iter(sim.farms.values()))
    routes = "routes: [{channels: [console], group_by: [rule, farm], group_interval: 30s}]\n"
    agents, queues = ((PACK / name).read_text().split("\ntests:\n")[0] for name in ("agents.yaml", "queues.yaml"))
    rules = agents + "\n" + queues.split("rules:\n")[1]
    with daemon(sim, rules=rules, routes=routes, every="10s", poll=", sweep: 0") as run:
        watched(run)
        now = sim.clock.now()
        farm.outages.append((now, now + timedelta(minutes=30)))
        sim.create_batch(farm.id, REBOOT, ids(sim, 0, 500), outcomes=Outcome(runs=50))
        pass_minutes(run, 28)
        assert len(run.told) == 1
        assert "An agent is offline" in run.told[0].text
        assert "500 tasks" in run.told[0].text
        pass_minutes(run, 10)
    assert titles(run)[1:] == [f"Resolved: An agent is offline and its tasks wait, {farm.name}"]


def test_a_farm_that_may_not_be_read_disturbs_no_other() -> None:
    sim = begin(farms=2, miners=40)
    refused, other = list(sim.farms)
    sim.fail_next(100_000, "403", f"farms/{refused}")
    with daemon(sim, rules=RULES, every="10s", poll=", sweep: 0") as run:
        watched(run)
        bad = sim.miners(other)[0]
        sim.create_batch(other, FIRMWARE, [bad.id], outcomes=Outcome("failed", "no answer", runs=30))
        pass_minutes(run, 2)
        assert bad.id in run.told[0].text
        assert len(sim.requests.matching(f"farms/{refused}")) < 10
        sim.faults.clear()
        pass_minutes(run, 13)
        mine = sim.miners(refused)[0]
        sim.create_batch(refused, FIRMWARE, [mine.id], outcomes=Outcome("failed", "no answer", runs=30))
        pass_minutes(run, 2)
    assert any(mine.id in one.text for one in run.told)


def test_farms_and_miners_come_and_go() -> None:
    sim = begin(farms=2, miners=40)
    stays, goes = list(sim.farms)
    with daemon(sim, rules=RULES, every="10s", poll=", sweep: 0") as run:
        watched(run)
        gone = sim.miners(goes)[0]
        sim.create_batch(goes, FIRMWARE, [gone.id], outcomes=Outcome("failed", "no answer", runs=30))
        pass_minutes(run, 2)
        assert gone.id in run.told[0].text
        sim.remove_farm(goes)
        newcomer = sim.add_miner(stays)
        pass_minutes(run, 12)
        sim.create_batch(stays, FIRMWARE, [newcomer.id], outcomes=Outcome("failed", "no answer", runs=30))
        pass_minutes(run, 12)
    assert newcomer.id in run.told[-1].text
    assert '"end": "removed"' in run.logged
    assert '"miners": 21' in run.logged
