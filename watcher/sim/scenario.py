"""What operators and miners do, in virtual time: a week of everyday work, and an eventful quarter of an hour.

The timetable of the eventful part, in virtual minutes after its start, at the first farm:
1 a firmware rollout to some 40 miners begins, and all of one model fail (2 to 4);
2 twenty reboots, of which twelve hang and time out (at 7);
5 a pool is changed on three miners;
9 the failed updates are tried again, with another image, and succeed by 11;
10 the lost miners are rebooted once more, by force, and come back by 12.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from watcher.sim.behaviour import (
    FIRMWARE,
    LIGHT,
    LOG,
    POOL,
    POWER,
    REBOOT,
    SCAN,
    TAGS,
    BadFirmware,
    Behaviour,
    Outcome,
    firmware_error,
    usual_payload,
)
from watcher.sim.fleet import SimMiner
from watcher.sim.sim import Sim

BAD_MODEL = "Antminer S19 Pro"
BAD_IMAGE = BadFirmware(BAD_MODEL, "3.2.0")
_BETTER: dict[str, dict[str, Any]] = {
    FIRMWARE: {"firmware_url": "https://firmware.example/3.2.1.bin"},
    REBOOT: {"force": True},
}
"""What a second attempt asks for instead."""
_QUIET = {LOG: 1, LIGHT: 1, POWER: 1, TAGS: 1}
_EVERYDAY = {LOG: 8, LIGHT: 4, POWER: 4, REBOOT: 8, FIRMWARE: 1, SCAN: 1}


def demo_scenario(sim: Sim, start: datetime | None = None) -> None:
    """A week that is over, and the timetable above from `start` on (now without one)."""
    history(sim)
    eventful(sim, start)


def history(sim: Sim, *, days: float = 7, tasks: int = 400, failing: float = 0.04) -> None:
    """What happened before anybody watched, with other kinds of task than the story's."""
    now, behaviour = sim.clock.now(), Behaviour(failing=failing)
    everyday(sim, now - timedelta(days=days), now - timedelta(minutes=10), tasks, _QUIET, behaviour)


def a_day(sim: Sim) -> None:
    """The demo's story, then a virtual day with four tasks a miner, in which an agent is offline for a while."""
    now = sim.clock.now()
    demo_scenario(sim)
    last = list(sim.farms)[-1]
    sim.farms[last].outages.append((now + timedelta(minutes=30), now + timedelta(minutes=50)))
    everyday(sim, now + timedelta(minutes=15), now + timedelta(days=1), 4 * len(sim.miners()), _EVERYDAY, sim.behaviour)


def everyday(
    sim: Sim, begin: datetime, end: datetime, tasks: int, kinds: Mapping[str, float], behaviour: Behaviour
) -> None:
    """Single tasks, created between two moments; most of what goes wrong is tried again.

    Args:
        kinds: how often each task is asked for, relative to the others.
    """
    miners = sim.miners()
    for name in sim.random.choices(list(kinds), list(kinds.values()), k=tasks):
        miner = sim.random.choice(miners)
        at = begin + (end - begin) * sim.random.random()
        target = None if name == SCAN else miner
        outcome = behaviour.outcome(name, target, usual_payload(name), sim.random)
        (task,) = sim.create_batch(
            miner.farm_id, name, [None if target is None else target.id], at, outcomes=outcome
        ).tasks
        if task.final is None or task.final[0] == "succeed":
            continue
        again = task.final[1] + timedelta(minutes=sim.random.uniform(5, 60))
        if again < end and sim.random.random() < 0.7:
            sim.create_batch(miner.farm_id, name, [task.miner_id], again, outcomes=Outcome(), payload=_BETTER.get(name))


def eventful(sim: Sim, start: datetime | None = None) -> None:
    """The timetable above, from `start` on (now without one)."""
    begin = start if start is not None else sim.clock.now()
    farm_id = next(iter(sim.farms))
    miners = sim.miners(farm_id)
    others = [miner for miner in miners if miner.model != BAD_MODEL]
    _rollout(sim, farm_id, [miner for miner in miners if miner.model == BAD_MODEL][:24], others[:16], begin)
    _reboots(sim, farm_id, _ids(others[:20]), begin)
    sim.create_batch(farm_id, POOL, _ids(others[20:23]), begin + timedelta(minutes=5), outcomes=Outcome(runs=8))


def _rollout(sim: Sim, farm_id: str, bad: list[SimMiner], good: list[SimMiner], begin: datetime) -> None:
    outcomes = {miner.id: Outcome(runs=sim.random.uniform(90, 180)) for miner in good}
    outcomes |= {
        miner.id: Outcome("failed", firmware_error(miner, sim.random), runs=sim.random.uniform(60, 160))
        for miner in bad
    }
    sim.create_batch(farm_id, FIRMWARE, _ids(good + bad), begin + timedelta(minutes=1), outcomes=outcomes)
    repaired = {miner.id: Outcome(runs=sim.random.uniform(40, 100)) for miner in bad}
    again = begin + timedelta(minutes=9)
    sim.create_batch(farm_id, FIRMWARE, _ids(bad), again, outcomes=repaired, payload=_BETTER[FIRMWARE])


def _reboots(sim: Sim, farm_id: str, ids: list[str], begin: datetime) -> None:
    outcomes = {one: Outcome(runs=sim.random.uniform(40, 90)) for one in ids}
    hung = ids[:12]
    outcomes |= dict.fromkeys(hung, Outcome("timed_out", "the miner did not come back"))
    sim.create_batch(farm_id, REBOOT, ids, begin + timedelta(minutes=2), outcomes=outcomes)
    back = {one: Outcome(runs=sim.random.uniform(50, 100)) for one in hung}
    sim.create_batch(farm_id, REBOOT, hung, begin + timedelta(minutes=10), outcomes=back, payload=_BETTER[REBOOT])


def _ids(miners: list[SimMiner]) -> list[str]:
    return [miner.id for miner in miners]
