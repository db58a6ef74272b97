"""What stands there: farms with their agents, and their miners. Seeded."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Self
from uuid import UUID

MODELS = (
    ("Bitmain", "Antminer S19 Pro", "2.8.1"),
    ("Bitmain", "Antminer S21", "3.1.0"),
    ("MicroBT", "Whatsminer M50", "20240110"),
    ("Canaan", "Avalon A1466", "1.9.4"),
)
_FARMS = (
    ("Cedar Creek", "Texas"),
    ("North Barn", "North Dakota"),
    ("Rockdale", "Texas"),
    ("Pecos", "Texas"),
    ("Upper Mill", "Quebec"),
    ("Fort Stockton", "Texas"),
    ("Ellendale", "North Dakota"),
    ("Massena", "New York"),
)


@dataclass(slots=True)
class SimMiner:
    """One machine; `rack` is its place in the farm, `location` the farm's."""

    id: str
    farm_id: str
    ip: str
    mac: str
    serial: str
    make: str
    model: str
    firmware_version: str
    rack: str
    firmware: str = "stock"
    location: str = ""


@dataclass(slots=True)
class SimFarm:
    """A farm with its miners by id, and the agent that takes its tasks.

    Args:
        agent_online: False: from now on nobody takes its tasks.
        outages: when the agent is offline by plan: from, and until (None: without an end).
    """

    id: str
    name: str
    location: str
    miners: dict[str, SimMiner] = field(default_factory=dict)
    agent_online: bool = True
    outages: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def has_agent(self, at: datetime) -> bool:
        return self.agent_online and self._outage(at) is None

    def agent_back(self, at: datetime) -> datetime | None:
        """The first moment from `at` on when the agent is online; None: never again."""
        while (outage := self._outage(at)) is not None:
            if outage[1] is None:
                return None
            at = outage[1]
        return at if self.agent_online else None

    def agent_seen(self, now: datetime) -> datetime:
        """When the agent was online for the last time."""
        outage = self._outage(now)
        return now if outage is None else outage[0]

    def _outage(self, at: datetime) -> tuple[datetime, datetime | None] | None:
        return next((one for one in self.outages if one[0] <= at and (one[1] is None or at < one[1])), None)


@dataclass(slots=True)
class Fleet:
    """All farms by id."""

    farms: dict[str, SimFarm] = field(default_factory=dict)

    @classmethod
    def generate(cls, seed: int = 1, farms: int = 1, miners: int = 100) -> Self:
        """Farms with `miners` miners altogether, spread evenly; the same for the same seed."""
        random = Random(seed)  # noqa: S311 - a simulation, to be repeatable
        found = [_make_farm(number, random) for number in range(farms)]
        for number in range(miners):
            farm = found[number % farms]
            miner = make_miner(farm, number // farms, random)
            farm.miners[miner.id] = miner
        return cls({farm.id: farm for farm in found})

    def miners(self, farm_id: str | None = None) -> list[SimMiner]:
        """Those of one farm, or of all."""
        farms = self.farms.values() if farm_id is None else [self.farms[farm_id]]
        return [miner for farm in farms for miner in farm.miners.values()]


def _make_farm(number: int, random: Random) -> SimFarm:
    farm_id = str(UUID(int=random.getrandbits(128), version=4))
    name, location = _FARMS[number % len(_FARMS)]
    return SimFarm(farm_id, name + " II" * (number // len(_FARMS)), location)


def make_miner(farm: SimFarm, number: int, random: Random) -> SimMiner:
    """The farm's miner of this number, which decides its address and its place."""
    make, model, version = random.choice(MODELS)
    high, low = divmod(number, 250)
    return SimMiner(
        id=f"{random.getrandbits(128):032x}",
        farm_id=farm.id,
        ip=f"10.{high // 250}.{high % 250}.{low + 1}",
        mac=":".join(f"{random.getrandbits(8):02x}" for _ in range(6)),
        serial=f"SN{random.getrandbits(40):010X}",
        make=make,
        model=model,
        firmware_version=version,
        rack=f"R{number // 48 + 1:02d}-{number % 48 + 1:02d}",
        location=farm.location,
    )
