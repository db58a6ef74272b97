"""Farms and miners, as the inventory and the task rows tell them."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Farm:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Miner:
    """What is known of a miner; None where nobody has told."""

    farm_id: str
    id: str
    ip: str | None = None
    mac: str | None = None
    serial: str | None = None
    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    rack: str | None = None
    location: str | None = None
    mining_mode: str | None = None
    lifecycle: str | None = None
    health: tuple[str, ...] = ()

    def filled_from(self, other: "Miner | None") -> "Miner":
        """This miner, with what it lacks taken from the other."""
        if other is None:
            return self
        lacking = {
            part.name: getattr(other, part.name)
            for part in fields(self)
            if getattr(self, part.name) in (None, ()) and getattr(other, part.name) not in (None, ())
        }
        return replace(self, **lacking) if lacking else self
