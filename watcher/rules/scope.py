"""A part of what is watched."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A miner, a batch, a farm, or (all None) all farms: whose watermark an alert goes by, or a part of the log."""

    farm_id: str | None = None
    miner_id: str | None = None
    batch_id: str | None = None
