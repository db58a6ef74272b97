"""Detection: how long a failure on a farm of 10,000 miners waits for its message, with 100 requests a minute."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from statistics import mean

from tests.bench.scaled import Run, daemon
from watcher.sim import Outcome, Sim, SimClock, SimMiner, Switches

MINERS = 10_000
LIMIT = 100
FIRMWARE = "miner.firmware.update"
Row = tuple[str, str, str]


def farm(scale: float, miners: int = MINERS, farms: int = 1, **switches: object) -> Sim:
    """A simulation with an enforced limit, in virtual minutes."""
    said = Switches(rate_limit=LIMIT, rate_window=60 / scale, retry_after="seconds", **switches)  # type: ignore[arg-type]
    return Sim(farms=farms, miners=miners, seed=3, clock=SimClock(scale=scale), switches=said)


def twelve_batches(sim: Sim, start: datetime) -> dict[str, datetime]:
    """Twelve batches of a hundred within two minutes, one bad miner in each; returns when each bad one ends."""
    random = Random(12)
    ends: dict[str, datetime] = {}
    miners = sim.miners()
    for number in range(12):
        at = start + timedelta(seconds=number * 10)
        chosen = miners[number * 100 : number * 100 + 100]
        outcomes = {miner.id: Outcome(runs=random.uniform(60, 240)) for miner in chosen}
        bad = chosen[random.randrange(100)]
        final = "failed" if number % 2 else "timed_out"
        outcomes[bad.id] = Outcome(final, "no answer", runs=random.uniform(40, 200))
        batch = sim.create_batch(bad.farm_id, FIRMWARE, [miner.id for miner in chosen], at, outcomes=outcomes)
        task = next(one for one in batch.tasks if one.miner_id == bad.id)
        assert task.final is not None
        ends[bad.id] = task.final[1]
    return ends


def delays(run: Run, ends: dict[str, datetime]) -> list[float]:
    """Seconds from each failure to the first message that names its miner.

    Raises:
        AssertionError: a miner was never named.
    """
    found: list[float] = []
    for miner_id, end in ends.items():
        told = next((one.at for one in run.told if miner_id in one.text), None)
        assert told is not None, f"{miner_id} was never told; {len(run.told)} messages"
        found.append((told - end).total_seconds())
    return found


def by_batches(scale: float = 15) -> tuple[list[float], int, float, int]:
    """Delays, requests answered 429, peak memory (MB), and the busiest minute's requests."""
    sim = farm(scale, failed_has_timed_out=False)
    with daemon(sim) as run:
        run.until(sim.clock.now() + timedelta(minutes=2))
        ends = twelve_batches(sim, sim.clock.now())
        run.until(max(ends.values()) + timedelta(seconds=90))
    throttled = sum(request.status == 429 for request in sim.requests)
    busiest = sim.requests.busiest(60 / scale)
    return delays(run, ends), throttled, run.cost["peak"], busiest


def by_miners(scale: float = 60, failing: int = 60, open_too: int = 240) -> tuple[list[float], float]:
    """Delays, and how long one round over all miners takes."""
    sim = farm(scale, batches=403)
    random = Random(1)
    miners = sim.miners()
    random.shuffle(miners)
    start = sim.clock.now() + timedelta(seconds=90 * scale)
    bad, others = miners[:failing], miners[failing : failing + open_too]
    ends = {miner.id: _open(sim, miner, start + timedelta(seconds=random.uniform(0, 900))) for miner in bad}
    for miner in others:
        sim.add_task(miner, FIRMWARE, created_at=sim.clock.now() - timedelta(minutes=1), runs=None)
    with daemon(sim, once=True) as run:
        run.until(max(ends.values()) + timedelta(minutes=20))
    return delays(run, ends), MINERS / LIMIT * 60


def _open(sim: Sim, miner: SimMiner, end: datetime) -> datetime:
    created = sim.clock.now() - timedelta(minutes=1)
    sim.add_task(miner, FIRMWARE, created_at=created, runs=(end - created).total_seconds() - 5, ends="failed")
    return end


def measure() -> Iterator[Row]:
    found, throttled, peak, busiest = by_batches()
    yield (
        "Detection: 10,000 miners, 12 batches of 100, every 10s",
        f"worst {max(found):.0f} s, mean {mean(found):.0f} s; {throttled} × 429, at most {busiest}/min; {peak:.0f} MB",
        "worst < 60 s, no 429, < 150 MB",
    )
    yield (
        "  the same against a round robin",
        f"{MINERS / LIMIT * 30 / mean(found):.0f} × as soon (one by one: {MINERS / LIMIT / 2:.0f} min on average)",
        "",
    )
    seen, round_robin = by_miners()
    mean_of_rounds = round_robin / 2
    yield (
        "Detection, miners one by one: 300 with open tasks",
        (
            f"mean {mean(seen):.0f} s, worst {max(seen):.0f} s: 1/{mean_of_rounds / mean(seen):.0f}, "
            f"1/{round_robin / max(seen):.0f} of the round robin's"
        ),
        "≤ 1/20",
    )
