"""Farms, miners and agents: what stands there, seeded."""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID

MODELS = (
    ("Bitmain", "Antminer S19 Pro", "2.8.1"),
    ("Bitmain", "Antminer S21", "3.1.0"),
    ("MicroBT", "Whatsminer M50", "20240110"),
    ("Canaan", "Avalon A1466", "1.9.4"),
)
_NAMES = ("Cedar Creek", "North Barn", "Rockdale", "Pecos", "Upper Mill", "Fort Stockton", "Ellendale", "Massena")


@dataclass(slots=True)
class SimMiner:
    id: str
    farm_id: str
    ip: str
    mac: str
    serial: str
    make: str
    model: str
    firmware_version: str
    rack: str


@dataclass(slots=True)
class SimFarm:
    """A farm with its miners by id; `agent_online` tells whether its agent takes tasks."""

    id: str
    name: str
    miners: dict[str, SimMiner] = field(default_factory=dict)
    agent_online: bool = True


def generate(seed: int, farms: int, miners: int) -> list[SimFarm]:
    """Farms with `miners` miners altogether, spread evenly; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - a simulation, to be repeatable
    found = [
        SimFarm(str(UUID(int=random.getrandbits(128), version=4)), _NAMES[n % len(_NAMES)] + " II" * (n // len(_NAMES)))
        for n in range(farms)
    ]
    for number in range(miners):
        farm = found[number % farms]
        miner = make_miner(farm.id, number // farms, random)
        farm.miners[miner.id] = miner
    return found


def make_miner(farm_id: str, number: int, random: Random) -> SimMiner:
    make, model, version = random.choice(MODELS)
    high, low = divmod(number, 250)
    return SimMiner(
        id=f"{random.getrandbits(128):032x}",
        farm_id=farm_id,
        ip=f"10.{high // 250}.{high % 250}.{low + 1}",
        mac=":".join(f"{random.getrandbits(8):02x}" for _ in range(6)),
        serial=f"SN{random.getrandbits(40):010X}",
        make=make,
        model=model,
        firmware_version=version,
        rack=f"R{number // 48 + 1:02d}-{number % 48 + 1:02d}",
    )
