"""A simulated fleet behind the documented API, over real HTTP: for the demo, the tests and the benchmarks."""

from watcher.sim.clock import SimClock
from watcher.sim.fleet import SimFarm, SimMiner
from watcher.sim.sim import Sim
from watcher.sim.switches import Switches
from watcher.sim.tasks import SimBatch, SimTask

__all__ = ["Sim", "SimBatch", "SimClock", "SimFarm", "SimMiner", "SimTask", "Switches"]
