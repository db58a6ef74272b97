"""What operators and miners do, in virtual time: a quiet history, and an eventful quarter of an hour.

The timetable of the eventful part, in virtual minutes after its start: 1 a firmware rollout begins, of which
one model fails (2 to 4); 2 a wave of reboots, some of which time out (at 7); 5 a pool is changed; 9 the failed
updates are tried again and succeed by 11; 10 the lost miners are rebooted once more and come back by 12.
"""

from datetime import datetime, timedelta

from watcher.sim.fleet import SimMiner
from watcher.sim.sim import Sim

BAD_MODEL = "Antminer S19 Pro"
_FIRMWARE = "miner.firmware.update"
_REBOOT = "miner.system.reboot"
_QUIET_TASKS = ("miner.log.get", "miner.light.update", "miner.power_mode.update", "miner.tags.update")


def history(sim: Sim, *, days: float = 7, tasks: int = 400, failing: float = 0.04) -> None:
    """What happened before anybody watched: mostly good, some failures."""
    now, miners = sim.clock.now(), sim.miners()
    for _ in range(tasks):
        bad = sim.random.random() < failing
        sim.add_task(
            sim.random.choice(miners),
            sim.random.choice(_QUIET_TASKS),
            created_at=now - timedelta(days=days * sim.random.random(), minutes=10),
            runs=sim.random.uniform(5, 240),
            ends="timed_out" if bad else "succeed",
            error="no answer from the miner" if bad else None,
        )


def eventful(sim: Sim, start: datetime | None = None) -> None:
    """The timetable above, from `start` on (now without one)."""
    begin = start if start is not None else sim.clock.now()
    farm_id = next(iter(sim.farms))
    miners = sim.miners(farm_id)
    _rollout(sim, [miner for miner in miners if miner.model == BAD_MODEL][:24], miners, begin)
    others = [miner for miner in miners if miner.model != BAD_MODEL]
    _reboots(sim, others[:20], begin)
    for miner in others[20:23]:
        sim.add_task(miner, "miner.pool.update", created_at=begin + timedelta(minutes=5), runs=8)


def _rollout(sim: Sim, bad: list[SimMiner], miners: list[SimMiner], begin: datetime) -> None:
    good = [miner for miner in miners if miner.model != BAD_MODEL][:16]
    at = begin + timedelta(minutes=1)
    batch = sim.new_batch(good[0].farm_id if good else bad[0].farm_id, _FIRMWARE, at)
    for miner in good:
        sim.add_task(miner, _FIRMWARE, created_at=at, runs=sim.random.uniform(90, 180), batch=batch)
    for miner in bad:
        error = f"checksum mismatch at block {sim.random.randint(1000, 9999)}"
        if sim.random.random() < 0.2:
            error = f"download from {miner.ip} stalled"
        sim.add_task(
            miner, _FIRMWARE, created_at=at, runs=sim.random.uniform(60, 160), ends="failed", error=error, batch=batch
        )
    again = begin + timedelta(minutes=9)
    batch = sim.new_batch(bad[0].farm_id, _FIRMWARE, again)
    for miner in bad:
        sim.add_task(miner, _FIRMWARE, created_at=again, runs=sim.random.uniform(40, 100), batch=batch)


def _reboots(sim: Sim, miners: list[SimMiner], begin: datetime) -> None:
    at = begin + timedelta(minutes=2)
    hung = miners[:8]
    for miner in miners:
        lost = miner in hung
        sim.add_task(
            miner,
            _REBOOT,
            created_at=at,
            runs=300 if lost else sim.random.uniform(40, 90),
            ends="timed_out" if lost else "succeed",
            error="the miner did not come back" if lost else None,
        )
    for miner in hung:
        sim.add_task(miner, _REBOOT, created_at=begin + timedelta(minutes=10), runs=sim.random.uniform(50, 100))
