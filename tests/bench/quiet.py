"""What a quiet farm costs: requests in an hour, CPU, and how both grow with the farm."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from tests.bench.detection import FIRMWARE, Row, farm
from tests.bench.scaled import daemon
from watcher.sim import Outcome, Sim

SIZES = (1_000, 10_000, 100_000)
SCALE = 60


@dataclass(frozen=True)
class Hour:
    """An hour of a farm where nothing happens, and ten minutes in which something does.

    Args:
        requests: by kind, in the quiet hour.
        idle: CPU over it, in percent of a core.
        busy: requests in the ten minutes after it.
        look: milliseconds of CPU for each request then.
        peak: MB.
    """

    requests: Counter[str]
    idle: float
    busy: int
    look: float
    peak: float


def kind(path: str) -> str:
    """What a request was for, by its path."""
    if path.endswith("/agents"):
        return "agents"
    if path.endswith(("/farms", "/miner/latest")):
        return "inventory"
    if "/miners/" in path:
        return "sweep"
    return "search" if path.endswith("/search") else "batch"


def hour(miners: int, scale: float = SCALE, quiet: timedelta = timedelta(hours=1)) -> Hour:
    sim = farm(scale, miners=miners)
    with daemon(sim, every="30s") as run:
        while not any(request.path.endswith("/search") for request in sim.requests):
            run.until(sim.clock.now() + timedelta(seconds=scale / 10))
        sim.requests.clear()
        run.mark()
        run.until(sim.clock.now() + quiet)
        requests = Counter(kind(request.path) for request in sim.requests)
        cpu = _cpu(run.process.pid)
        sim.requests.clear()
        _something(sim)
        run.until(sim.clock.now() + timedelta(minutes=10))
        busy = sum(kind(request.path) in ("search", "batch") for request in sim.requests)
        spent = _cpu(run.process.pid) - cpu
        every = len(sim.requests)
    idle = 100 * (run.cost["cpu"] - spent) / quiet.total_seconds()
    return Hour(requests, idle, busy, 1000 * spent / max(every, 1), run.cost["peak"])


def _something(sim: Sim) -> None:
    """The same, however large the farm: a batch of a hundred, three of which fail."""
    chosen = [miner.id for miner in sim.miners()[:100]]
    outcomes = {one: Outcome(runs=60 + 2 * place) for place, one in enumerate(chosen)}
    outcomes |= {one: Outcome("failed", "no answer", runs=100) for one in chosen[:3]}
    sim.create_batch(next(iter(sim.farms)), FIRMWARE, chosen, outcomes=outcomes)


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - one line of the kernel's
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measure() -> Iterator[Row]:
    hours = {miners: hour(miners) for miners in SIZES}
    for miners in SIZES[1:]:
        found = hours[miners].requests
        counted = {name: found[name] for name in ("search", "agents", "batch")}
        parts = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
        yield (
            f"Requests: a quiet hour of {miners:,} miners",
            f"{sum(counted.values())} ({parts}); beside them {found['sweep']} of the sweep",
            "≤ 140",
        )
    idle = median(one.idle for one in hours.values())
    yield "Idle: CPU in a quiet hour", f"{hours[10_000].idle:.2f} % of a core ({idle:.2f} % in the median)", "< 1 %"
    for title, values in (
        ("Growth: requests in ten busy minutes", [f"{one.busy}" for one in hours.values()]),
        ("Growth: CPU for each request", [f"{one.look:.1f} ms" for one in hours.values()]),
        ("Growth: peak memory", [f"{one.peak:.0f} MB" for one in hours.values()]),
    ):
        yield f"{title}, 1,000 / 10,000 / 100,000 miners", " / ".join(values), "flat; at most linear"
