"""Why a request is spent, and how long that can wait."""

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """Why a request is spent, the most urgent first."""

    SEARCH = "search"
    """which batches there are"""
    TROUBLE = "trouble"
    """a list says that something failed"""
    NEW = "new"
    """a batch that nobody has read"""
    MOVED = "moved"
    """a list says more than the last reading"""
    STUCK = "stuck"
    """time alone may have made something true since the last reading"""
    RECORD = "record"
    """a rule waits for a task's full record"""
    OPEN = "open"
    """the miner has an open task"""
    REASON = "reason"
    """why something failed, for the message"""
    REREAD = "reread"
    """what moves no count shows only in the batch itself"""
    AGENTS = "agents"
    ACTIVE = "active"
    """something happened on the miner within the hour"""
    ROUND = "round"
    """it is the miner's turn"""
    HISTORY = "history"
    """what was over before the first contact"""
    SWEEP = "sweep"
    """what batches don't show, miner by miner"""
    INVENTORY = "inventory"


BACKGROUND = frozenset({Purpose.ROUND, Purpose.HISTORY, Purpose.SWEEP})
PATIENCE: dict[Purpose, float] = {
    Purpose.SEARCH: 10, Purpose.TROUBLE: 5, Purpose.NEW: 5, Purpose.MOVED: 10, Purpose.STUCK: 15, Purpose.RECORD: 60,
    Purpose.OPEN: 30, Purpose.REASON: 60, Purpose.REREAD: 60, Purpose.AGENTS: 300, Purpose.ACTIVE: 120,
    Purpose.ROUND: 3600, Purpose.HISTORY: 3600, Purpose.SWEEP: 600, Purpose.INVENTORY: 60,
}  # fmt: skip
"""Seconds that a purpose can well wait: what has waited the most times as long has the next fair turn."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The next request: for a batch or a miner of a farm, a farm, or (agents) none."""

    purpose: Purpose
    farm_id: str | None = None
    target: str | None = None
