"""How miners and agents take what they are told: usual durations, deadlines and failures of each kind of task.

A retry can go better than the first attempt because it asks for something else: another image, a forced reboot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from watcher.sim.fleet import SimFarm, SimMiner
from watcher.sim.tasks import Final

FIRMWARE = "miner.firmware.update"
REBOOT = "miner.system.reboot"
POOL = "miner.pool.update"
LOG = "miner.log.get"
LIGHT = "miner.light.update"
POWER = "miner.power_mode.update"
TAGS = "miner.tags.update"
SCAN = "agent.scan.create"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is usual for a task name: seconds of running, its deadline, its parameters."""

    shortest: float
    longest: float
    deadline: float
    payload: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    FIRMWARE: Kind(90, 240, 1800, {"firmware_url": "https://firmware.example/3.2.0.bin"}),
    REBOOT: Kind(40, 120, 300, {"force": False}),
    POOL: Kind(
        3, 12, 120, {"pools": [{"url": "stratum+tcp://pool.example:3333", "user": "acme.rig", "password": "hunter2"}]}
    ),
    LOG: Kind(10, 60, 300),
    LIGHT: Kind(1, 4, 60),
    TAGS: Kind(1, 4, 60),
    POWER: Kind(5, 30, 300, {"mode": "low"}),
    SCAN: Kind(20, 90, 600, {"ranges": [{"id": "1", "range": "10.0.0.1-254"}]}),
}
_OTHER = Kind(5, 60, 600)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task is to go.

    Args:
        final: its last status; None: it never ends.
        runs: seconds from pending to the end; None: what is usual, for a timeout the deadline.
        queue: seconds until an agent takes it.
        wait: seconds in the agent's queue.
    """

    final: str | None = "succeed"
    error: str | None = None
    runs: float | None = None
    queue: float = 2.0
    wait: float = 3.0


@dataclass(frozen=True, slots=True)
class Course:
    """A task's life, with every time."""

    created_at: datetime
    queuing_at: datetime | None
    pending_at: datetime | None
    final: Final | None
    error: str | None


@dataclass(frozen=True, slots=True)
class BadFirmware:
    """An image, known by a part of its URL, that one model does not take."""

    model: str
    image: str

    def breaks(self, miner: SimMiner, payload: Mapping[str, Any]) -> bool:
        return miner.model == self.model and self.image in str(payload.get("firmware_url", ""))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The chances of a fleet.

    Args:
        failing: of any task to fail for no special reason.
        hanging: of a reboot that is not forced to hang until its deadline.
    """

    bad_firmware: tuple[BadFirmware, ...] = ()
    failing: float = 0.01
    hanging: float = 0.02

    def outcome(self, name: str, miner: SimMiner | None, payload: Mapping[str, Any], random: Random) -> Outcome:
        """What comes of a task; without a miner it is the agent's own."""
        address = miner.ip if miner is not None else "the agent"
        if miner is not None and name == FIRMWARE and any(bad.breaks(miner, payload) for bad in self.bad_firmware):
            return Outcome("failed", firmware_error(miner, random))
        if name == REBOOT and not payload.get("force") and random.random() < self.hanging:
            return Outcome("timed_out", f"no answer from {address}")
        if random.random() < self.failing:
            return Outcome("failed", f"connection to {address} refused after {random.randint(2, 9)} attempts")
        return Outcome()


def course(name: str, outcome: Outcome, created_at: datetime, farm: SimFarm, random: Random) -> Course:
    """The times of a task that goes like this. Nothing moves while the farm's agent is offline."""
    queuing_at = farm.agent_back(created_at + timedelta(seconds=outcome.queue))
    if queuing_at is None:
        return Course(created_at, None, None, None, None)
    pending_at = farm.agent_back(queuing_at + timedelta(seconds=outcome.wait))
    if pending_at is None or outcome.final is None:
        return Course(created_at, queuing_at, pending_at, None, None)
    ends_at = pending_at + timedelta(seconds=_running(name, outcome, random))
    return Course(created_at, queuing_at, pending_at, (outcome.final, ends_at), outcome.error)


def _running(name: str, outcome: Outcome, random: Random) -> float:
    kind = KINDS.get(name, _OTHER)
    if outcome.runs is not None:
        return outcome.runs
    return kind.deadline if outcome.final == "timed_out" else random.uniform(kind.shortest, kind.longest)


def usual_payload(name: str) -> dict[str, Any]:
    return dict(KINDS.get(name, _OTHER).payload)


def firmware_error(miner: SimMiner, random: Random) -> str:
    """One of two causes, each with details that differ from miner to miner."""
    if random.random() < 0.2:
        return f"download from {miner.ip} stalled"
    return f"checksum mismatch at block {random.randint(1000, 9999)}"
