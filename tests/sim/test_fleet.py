"""The fleet, its clock, and what is planned for it."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from watcher.sim import BadFirmware, Behaviour, Fleet, Outcome, Sim, SimClock, demo_scenario
from watcher.sim.__main__ import main
from watcher.sim.behaviour import FIRMWARE, POOL, REBOOT
from watcher.sim.ledger import most_within
from watcher.sim.scenario import BAD_IMAGE, BAD_MODEL, a_day

START = datetime(2026, 3, 2, tzinfo=UTC)


def still(seed: int = 1, behaviour: Behaviour | None = None) -> Sim:
    return Sim(Fleet.generate(seed, 2, 120), SimClock(START, scale=0), seed=seed, behaviour=behaviour)


def test_the_same_seed_gives_the_same_fleet_and_the_same_story() -> None:
    def told(seed: int) -> list[object]:
        sim = still(seed)
        demo_scenario(sim)
        return [sim.miners(), list(sim.tasks.values())]

    assert told(3) == told(3)
    assert told(3) != told(4)


def test_the_clock_runs_as_scaled_and_may_be_wrong() -> None:
    real = 100.0
    clock = SimClock(START, scale=60, monotonic=lambda: real)
    real += 2
    clock.advance(5)
    assert clock.now() == START + timedelta(seconds=125)
    clock.offset = -30
    assert clock.now() == START + timedelta(seconds=95)
    with pytest.raises(ValueError, match="time zone"):
        SimClock(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point


def test_the_demo_keeps_its_timetable() -> None:
    sim = still(7)
    demo_scenario(sim)

    def ended(name: str, status: str, begin: float, end: float) -> set[str | None]:
        """The miners of which such a task ended between these minutes."""
        span = (START + timedelta(minutes=begin), START + timedelta(minutes=end))
        finals = [(task.miner_id, task.final) for task in sim.tasks.values() if task.name == name]
        return {miner for miner, final in finals if final and final[0] == status and span[0] <= final[1] <= span[1]}

    broken, lost = ended(FIRMWARE, "failed", 1, 4), ended(REBOOT, "timed_out", 7, 7.2)
    assert len(lost) == 12
    assert len(broken) >= 10
    assert 30 <= len(broken | ended(FIRMWARE, "succeed", 1, 5)) <= 40
    assert len(ended(POOL, "succeed", 5, 6)) == 3
    assert ended(FIRMWARE, "succeed", 9, 11) == broken
    assert ended(REBOOT, "succeed", 10, 12) == lost
    models = {miner.id: miner.model for miner in sim.miners()}
    assert {models[str(one)] for one in broken} == {BAD_MODEL}


def test_a_bad_image_fails_on_one_model_with_errors_that_differ() -> None:
    sim = still(behaviour=Behaviour((BadFirmware(BAD_MODEL, "3.2.0"),), failing=0, hanging=0))
    for farm in sim.farms.values():
        sim.create_batch(farm.id, FIRMWARE, farm.miners)
    models = {miner.id: miner.model for miner in sim.miners()}
    failed = [task for task in sim.tasks.values() if task.final is not None and task.final[0] == "failed"]
    assert {models[str(task.miner_id)] for task in failed} == {BAD_MODEL}
    assert len(failed) == list(models.values()).count(BAD_MODEL)
    assert len({task.error for task in failed}) > len(failed) / 2


def test_a_planned_day_goes_on_after_the_story_and_every_life_is_in_order() -> None:
    sim = still(7, behaviour=Behaviour((BAD_IMAGE,)))
    a_day(sim)
    assert max(task.created_at for task in sim.tasks.values()) > START + timedelta(hours=20)
    never = START + timedelta(days=9)
    for task in sim.tasks.values():
        lives = list(task.entered(never).values())
        assert all(earlier <= later for earlier, later in pairwise(lives))
    assert {task.status(never) for task in sim.tasks.values()} >= {"succeed", "failed", "timed_out"}


def test_one_look_at_a_miner_costs_little_among_many_tasks(sim: Sim, api: httpx.Client, farm: str, tasks: str) -> None:
    ids = [miner.id for miner in sim.miners()]
    for minutes in range(400):
        sim.create_batch(farm, REBOOT, ids, START - timedelta(minutes=minutes), outcomes=Outcome())
    began = time.perf_counter()
    for _ in range(20):
        assert len(api.get(tasks).json()["data"]) == 10
    assert (time.perf_counter() - began) / 20 < 0.02


def test_tasks_may_be_added_while_others_look(sim: Sim, api: httpx.Client, tasks: str) -> None:
    def add() -> None:
        for _ in range(200):
            sim.add_task(sim.miners()[0], REBOOT)

    adding = threading.Thread(target=add)
    adding.start()
    totals = [api.get(tasks).json()["pagination"]["total"] for _ in range(20)]
    adding.join()
    assert totals == sorted(totals)
    assert api.get(tasks).json()["pagination"]["total"] == 200


def test_the_busiest_window_is_half_open() -> None:
    assert most_within([0, 59.9, 60, 10], 60) == 3
    assert most_within([], 60) == 0


def test_the_command_says_where_it_serves(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--port", "0", "--miners", "40", "--scale", "60", "--for", "0"])
    assert "curl -H 'x-api-key: demo' http://127.0.0.1:" in capsys.readouterr().out


def test_the_server_is_imported_when_it_is_asked_for() -> None:
    program = """if True:
        import sys, watcher.sim
        assert not {"uvicorn", "starlette"} & set(sys.modules)
        assert watcher.sim.SimServer.__name__ == "SimServer"
        assert "uvicorn" in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True)
