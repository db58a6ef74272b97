"""One simulated farm, and a client that speaks HTTP with it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import pytest

from watcher.sim import Sim, SimClock
from watcher.sim.server import SimServer

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def sim() -> Sim:
    return Sim(miners=25, clock=SimClock(START, scale=0))


@pytest.fixture(scope="session")
def ending() -> Iterator[ExitStack]:
    """Servers that were asked to end; uvicorn takes a fifth of a second, so they are waited for together."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def api(sim: Sim, ending: ExitStack) -> Iterator[httpx.Client]:
    server = ending.enter_context(SimServer(sim))
    root = f"{server.base_url}/private-api/v1/{sim.workspace}"
    with httpx.Client(base_url=root, headers={"x-api-key": "demo"}, timeout=3) as client:
        yield client
    server.stop()


@pytest.fixture
def farm(sim: Sim) -> str:
    return next(iter(sim.farms))


@pytest.fixture
def tasks(sim: Sim) -> str:
    """Where the tasks of the first miner are."""
    miner = sim.miners()[0]
    return f"/farms/{miner.farm_id}/miners/{miner.id}/tasks"
