"""The daemon as a process, while its clock is set to another time (libfaketime; Debian's package faketime). On request,
with NONCE_TEST_CLOCKS=1: now and then libfaketime hangs a process of several threads, in Python's own lock."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stories.receiver import Ledger
from tests.stories.test_daemon import Service, fail, until, watched_all
from watcher.sim import Sim
from watcher.sim.server import SimServer

HOUR, DAY = 3600, 86400
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

pytestmark = pytest.mark.skipif(
    LIBRARY is None or not os.environ.get("NONCE_TEST_CLOCKS"), reason="needs libfaketime and NONCE_TEST_CLOCKS=1"
)


class Clock:
    """The wall clock of one process; its monotonic clock goes on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)
        self.environ = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: int) -> None:
        """So many seconds from the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+d}s\n")
        new.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def service(tmp_path: Path, ledger: Ledger) -> Iterator[Service]:
    sim = Sim(farms=1, miners=12, seed=5)
    with SimServer(sim) as server:
        service = Service(tmp_path, sim, server.base_url, ledger.url)
        yield service
        if service.process is not None and service.process.poll() is None:
            service.kill()


def test_a_clock_that_is_set_delays_nothing_and_says_nothing(service: Service, ledger: Ledger, clock: Clock) -> None:
    """Alerts stand, and a message waits for its retry, whenever it is set."""
    since_1970 = -int(time.time()) + DAY
    service.start(**clock.environ)
    until(lambda: watched_all(service))
    miners = service.sim.miners()
    fail(service.sim, miners[0])
    until(lambda: len(ledger.bodies) == 1)
    for told, offset in enumerate([HOUR, -HOUR, DAY, -DAY, since_1970, 0], 1):
        ledger.status, ledger.refused = 503, 0
        fail(service.sim, miners[told])
        until(lambda: ledger.refused)
        clock.set(offset)
        tried = ledger.refused
        until(lambda tried=tried: ledger.refused > tried, 5)  # type: ignore[misc]
        ledger.status = 200
        until(lambda told=told: len(ledger.bodies) > told, 8)  # type: ignore[misc]
        assert miners[told].id in ledger.bodies[told]
    time.sleep(2)
    assert len(ledger.bodies) == 7
    assert not any("repeat" in body for body in ledger.bodies)
    service.sim.add_raw(
        miners[0], "miner.system.reboot", {"created": service.sim.clock.now(), "succeed": service.sim.clock.now()}
    )
    until(lambda: len(ledger.bodies) == 8)
    assert ledger.bodies[7].startswith("Resolved")
    assert service.stop()[0] == 0


def test_a_start_in_1970_changes_nothing(service: Service, ledger: Ledger, clock: Clock) -> None:
    clock.set(-int(time.time()) + DAY)
    service.start(**clock.environ)
    until(lambda: watched_all(service))
    fail(service.sim, service.sim.miners()[0])
    until(lambda: len(ledger.bodies) == 1, 5)
    service.kill()
    clock.set(0)
    service.start(**clock.environ)
    fail(service.sim, service.sim.miners()[1])
    until(lambda: len(ledger.bodies) == 2, 8)
    time.sleep(1.5)
    assert len(ledger.bodies) == 2
    assert timedelta(0) <= timedelta(seconds=service.stop()[1]) < timedelta(seconds=10)
