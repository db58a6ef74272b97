"""`python -m watcher.sim`: the simulated API, to try a configuration or a client against."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from watcher.sim.behaviour import Behaviour
from watcher.sim.clock import SimClock
from watcher.sim.fleet import Fleet
from watcher.sim.scenario import BAD_IMAGE, a_day
from watcher.sim.server import SimServer
from watcher.sim.sim import Sim


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m watcher.sim", description=__doc__)
    parser.add_argument("--port", type=int, default=8642, help="0 for any free one")
    parser.add_argument("--farms", type=int, default=2)
    parser.add_argument("--miners", type=int, default=120, help="altogether")
    parser.add_argument("--scale", type=float, default=1.0, help="virtual seconds for each real one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--for", type=float, dest="seconds", default=float("inf"), help="end after so many seconds")
    said = parser.parse_args(arguments)
    sim = Sim(
        Fleet.generate(said.seed, said.farms, said.miners),
        SimClock(scale=said.scale),
        seed=said.seed,
        behaviour=Behaviour(bad_firmware=(BAD_IMAGE,)),
    )
    a_day(sim)
    with SimServer(sim, said.port) as server, suppress(KeyboardInterrupt):
        sys.stdout.write(
            f"{len(sim.miners())} miners, {len(sim.tasks)} tasks planned for the next virtual day. Try:\n"
            f"curl -H 'x-api-key: {sim.switches.api_key}' {server.base_url}/private-api/v1/{sim.workspace}/farms\n"
        )
        sys.stdout.flush()
        _wait(said.seconds)


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))


if __name__ == "__main__":
    main()
