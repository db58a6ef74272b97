"""`python -m tests.stories.kills 1000`: the daemon is killed at named points between decision, commit, send and mark,
and now and then just so; the receiver's own ledger tells what was lost and what came twice."""

import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.stories.receiver import Ledger
from watcher.crash import POINTS
from watcher.sim import Sim
from watcher.sim.server import SimServer

ROOT = Path(__file__).resolve().parents[2]
AT_RANDOM = "at random"
PLAN = (*POINTS, "answered", "answered", AT_RANDOM)
_ROUND = 200
"""Kills of one store, simulation and ledger."""
_PATIENCE = 120.0


@dataclass
class Tally:
    """Args:
    killed: how often at which point.
    failures: how many alerts there were to tell.
    lost: those that nobody was told of, though they are no visible dead letters either.
    dead: dead letters: on a busy machine the receiver may answer too late, and twice so.
    messages: how many came.
    repeats: how many came again, and how many of these did not say that they may be repeats.
    """

    killed: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    lost: set[str] = field(default_factory=set)
    dead: int = 0
    messages: int = 0
    repeats: int = 0
    unmarked: int = 0

    def add(self, other: "Tally") -> None:
        self.killed += other.killed
        self.failures += other.failures
        self.lost |= other.lost
        self.dead += other.dead
        self.messages += other.messages
        self.repeats += other.repeats
        self.unmarked += other.unmarked


class Forks:
    """The daemon, forked; see `forks`."""

    def __init__(self, config: Path, log: Path, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/stories/forks.py"), str(config), str(log)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, crash_at: str = "") -> int:
        """The process's id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(crash_at, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def ended(self) -> int:
        """Waits for its end; returns its status."""
        assert self._process.stdout is not None
        return os.waitstatus_to_exitcode(int(self._process.stdout.readline()))

    def close(self) -> None:
        """Waits until no daemon of it is left."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@contextmanager
def killed_after(process: int, seconds: float) -> Iterator[None]:
    """A point that is not reached kills nobody; then this does."""
    timer = threading.Timer(seconds, os.kill, (process, signal.SIGKILL))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def story(folder: Path, kills: int, seed: int, budget: str = "none") -> Tally:
    """Kills one watch so often, lets it come to its end, and counts."""
    random, tally = Random(seed), Tally()
    sim, ledger = Sim(farms=1, miners=12, seed=5), Ledger()
    (folder / "rules").mkdir()
    (folder / "rules/rules.yaml").write_text("rules: [{name: failing, match: {status: failed}, by: [farm, task]}]")
    with SimServer(sim) as server:
        (folder / "config.yaml").write_text(
            f"nonce: {{base_url: '{server.base_url}', workspace: {sim.workspace}, requests_per_minute: 60000}}\n"
            "poll: {every: 1s}\n"
            f"channels: {{ops: {{url: '${{HOOK}}', rate: 200/s, budget: {budget}}}}}\n"
            "routes: [{channels: [ops], group_by: [task], group_wait: 0s, group_interval: 1s}]\n"
        )
        forks = Forks(folder / "config.yaml", folder / "log", {"NONCE_API_KEY": "demo", "HOOK": ledger.url})
        try:
            _first_contact(forks, folder / "log")
            for number in range(kills):
                for _ in range(random.randrange(1, 4)):
                    _fail(sim, tally.failures)
                    tally.failures += 1
                point = PLAN[number % len(PLAN)]
                if point == AT_RANDOM:
                    process, patience = forks.start(), random.uniform(0.1, 0.8)
                else:
                    process, patience = forks.start(f"{point}:{random.randrange(1, 4)}"), 4.0
                began = time.monotonic()
                with killed_after(process, patience):
                    assert forks.ended() == -signal.SIGKILL
                reached = point != AT_RANDOM and time.monotonic() - began < patience
                tally.killed[point if reached else AT_RANDOM] += 1
            process = forks.start()
            wanted = {f"k{number:05}" for number in range(tally.failures)}
            store = folder / "state.db"
            _until(lambda: wanted <= _told(ledger, store) | _dead(store))
            dead = _dead(store)
            tally.lost, tally.dead = wanted - _told(ledger, store) - dead, len(dead)
            time.sleep(0.5)
            os.kill(process, signal.SIGTERM)
            assert forks.ended() == 0
        finally:
            forks.close()
            ledger.close()
    seen: Counter[str] = Counter()
    for body in ledger.bodies:
        for identity in re.findall(r"Message ([0-9a-f]+)", body):
            tally.repeats += bool(seen[identity])
            tally.unmarked += bool(seen[identity]) and "may be a repeat" not in body
            seen[identity] += 1
    tally.messages = len(ledger.bodies)
    return tally


def _first_contact(forks: Forks, log: Path) -> None:
    process = forks.start()
    _until(lambda: log.exists() and '"strategy"' in log.read_text())
    time.sleep(1)
    os.kill(process, signal.SIGTERM)
    assert forks.ended() == 0


def _told(ledger: Ledger, store: Path) -> set[str]:
    """The failures that came by name, and those that a digest that came counts without naming them."""
    came = ledger.found(r"Message ([0-9a-f]+)")
    with closing(sqlite3.connect(store)) as connection:
        counted = connection.execute(
            "SELECT a.labels, d.message_id FROM told JOIN episodes AS e ON e.id = told.episode "
            "JOIN alerts AS a ON a.fingerprint = e.alert JOIN outbox AS o ON o.message_id = told.message "
            "JOIN outbox AS d ON d.id = o.folded_into"
        ).fetchall()
    in_digests = {found for labels, digest in counted if digest in came for found in re.findall(r"k\d{5}", labels)}
    return ledger.found(r"k\d{5}") | in_digests


def _dead(store: Path) -> set[str]:
    """The failures whose message, or the digest that tells it, was given up."""
    with closing(sqlite3.connect(store)) as connection:
        given_up = connection.execute(
            "SELECT a.labels FROM told JOIN episodes AS e ON e.id = told.episode "
            "JOIN alerts AS a ON a.fingerprint = e.alert JOIN outbox AS o ON o.message_id = told.message "
            "LEFT JOIN outbox AS d ON d.id = o.folded_into WHERE coalesce(d.state, o.state) = 'dead'"
        ).fetchall()
    return {found for (labels,) in given_up for found in re.findall(r"k\d{5}", labels)}


def _fail(sim: Sim, number: int) -> None:
    now = sim.clock.now()
    miner = sim.miners()[number % 12]
    times = {"created": now - timedelta(seconds=9), "failed": now}
    sim.add_raw(miner, f"miner.case.k{number:05}", times, error="no answer")


def _until(true: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.stories.kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=1000)
    parser.add_argument("--budget", help="of the channel, in all rounds; else every second one has 5/2s")
    wanted, whole, began = parser.parse_args(), Tally(), time.monotonic()
    kills = wanted.kills
    for number, start in enumerate(range(0, kills, _ROUND)):
        folder = Path(tempfile.mkdtemp(prefix="kills-"))
        budget = wanted.budget or ("5/2s" if number % 2 else "none")
        tally = story(folder, min(_ROUND, kills - start), seed=number, budget=budget)
        whole.add(tally)
        if tally.lost:
            print(f"lost {sorted(tally.lost)}: see {folder}")  # noqa: T201 - its whole purpose
        else:
            shutil.rmtree(folder)
        print(f"{whole} after {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 - its whole purpose
    assert not whole.lost
    assert whole.repeats <= sum(whole.killed.values())
    assert not whole.unmarked


if __name__ == "__main__":
    main()
