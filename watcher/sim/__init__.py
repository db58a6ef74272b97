"""A simulated fleet behind the documented API, over real HTTP: for the demo, the tests and the benchmarks."""

from typing import TYPE_CHECKING, Any

from watcher.sim.behaviour import BadFirmware, Behaviour, Outcome
from watcher.sim.clock import SimClock
from watcher.sim.fleet import Fleet, SimFarm, SimMiner
from watcher.sim.scenario import demo_scenario
from watcher.sim.sim import Sim
from watcher.sim.switches import Switches
from watcher.sim.tasks import SimBatch, SimTask

if TYPE_CHECKING:
    from watcher.sim.server import SimServer

__all__ = [
    "BadFirmware",
    "Behaviour",
    "Fleet",
    "Outcome",
    "Sim",
    "SimBatch",
    "SimClock",
    "SimFarm",
    "SimMiner",
    "SimServer",
    "SimTask",
    "Switches",
    "demo_scenario",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """The server is imported when it is first asked for: uvicorn and Starlette take a fifth of a second."""
    if name == "SimServer":
        from watcher.sim.server import SimServer  # noqa: PLC0415 - see above

        return SimServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
