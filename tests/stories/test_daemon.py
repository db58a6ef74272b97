"""The daemon as a process: killed, stopped, told to read its files again."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.stories.receiver import Ledger
from watcher.sim import Sim
from watcher.sim.server import SimServer

KILLS = 50
ROOT = Path(__file__).resolve().parents[2]


class Service:
    """The real daemon on a live simulation."""

    def __init__(self, folder: Path, sim: Sim, url: str, hook: str) -> None:
        self.folder = folder
        self.sim = sim
        self.rules = folder / "rules"
        self.rules.mkdir()
        self.rule("rules: [{name: failing, match: {status: failed}}]")
        self.config = folder / "config.yaml"
        self.config.write_text(
            f"nonce: {{base_url: '{url}', workspace: {sim.workspace}, requests_per_minute: 60000}}\n"
            "poll: {every: 1s}\n"
            "channels: {ops: {url: '${HOOK}', rate: 200/s, budget: none}}\n"
            "routes: [{channels: [ops], group_by: [miner], group_wait: 0s, group_interval: 1s}]\n"
        )
        self.environ = {**os.environ, "NONCE_API_KEY": "demo", "HOOK": hook}
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def rule(self, text: str) -> None:
        (self.rules / "rules.yaml").write_text(text)

    def start(self, **environ: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watcher", "run", "--config", str(self.config)],
                cwd=ROOT,
                env=self.environ | environ,
                stderr=log,
            )

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """Its exit code, and how long it took."""
        began = time.monotonic()
        self.send(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(15), time.monotonic() - began

    def logged(self, what: str) -> int:
        return self.log.read_text().count(what)


def until(true: Callable[[], Any], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def service(tmp_path: Path, ledger: Ledger) -> Iterator[Service]:
    sim = Sim(farms=1, miners=150, seed=5)
    with SimServer(sim) as server:
        service = Service(tmp_path, sim, server.base_url, ledger.url)
        yield service
        if service.process is not None and service.process.poll() is None:
            service.kill()


def fail(sim: Sim, miner: Any) -> None:
    now = sim.clock.now()
    sim.add_raw(miner, "miner.system.reboot", {"created": now - timedelta(seconds=9), "failed": now}, error="no answer")


def told(ledger: Ledger) -> Counter[str]:
    return Counter(found for body in ledger.bodies for found in set(re.findall(r"[0-9a-f]{32}", body)))


def watched_all(service: Service) -> bool:
    """Whether the first contact is over."""
    return len([one for one in service.sim.requests if one.path.endswith("/tasks/search") and one.status == 200]) > 1


def test_fifty_kills_lose_nothing_and_repeat_at_most_one_message_each(service: Service, ledger: Ledger) -> None:
    random = Random(50)
    sim = service.sim
    service.start()
    until(lambda: watched_all(service))
    left, failed = sim.miners(), []
    random.shuffle(left)
    for _ in range(KILLS):
        for _ in range(random.randrange(1, 4)):
            if left:
                failed.append(left.pop())
                fail(sim, failed[-1])
            time.sleep(random.uniform(0.1, 0.25))
        service.kill()
        service.start()
    until(lambda: all(told(ledger)[miner.id] for miner in failed))
    assert service.stop()[0] == 0
    assert len(failed) > 90
    ids = Counter(found for body in ledger.bodies for found in re.findall(r"Message ([0-9a-f]+)", body))
    repeats = sum(count - 1 for count in ids.values())
    assert repeats <= KILLS
    assert sum("may be a repeat" in body for body in ledger.bodies) >= repeats
    assert all(count - 1 <= repeats for count in told(ledger).values())


def test_sigterm_ends_it_with_zero_and_at_once(service: Service) -> None:
    service.start()
    until(lambda: service.sim.requests)
    code, took = service.stop()
    assert code == 0
    assert took < 10


def test_a_second_daemon_on_the_same_store_ends_with_two(service: Service) -> None:
    service.start()
    until(lambda: service.sim.requests)
    again = subprocess.run(
        [sys.executable, "-m", "watcher", "run", "--once", "--config", str(service.config)],
        cwd=ROOT,
        env=service.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 2
    assert f"process {service.process.pid if service.process else 0}" in again.stderr


def test_a_bad_edit_is_refused_and_a_good_one_taken(service: Service, ledger: Ledger) -> None:
    sim = service.sim
    service.start()
    until(lambda: watched_all(service))
    service.rule("rules: [{name: failing, match: {statsu: failed}}]")
    service.send(signal.SIGHUP)
    until(lambda: service.logged("reload refused"))
    assert service.logged('unknown key \\"statsu\\" (did you mean \\"status\\"?)')
    fail(sim, sim.miners()[0])
    until(lambda: told(ledger)[sim.miners()[0].id])
    service.rule("rules: [{name: hanging, match: {status: pending}}]")
    service.send(signal.SIGHUP)
    until(lambda: service.logged('"reloaded"'))
    fail(sim, sim.miners()[1])
    sim.add_raw(sim.miners()[2], "miner.log.get", {"created": sim.clock.now(), "pending": sim.clock.now()})
    until(lambda: told(ledger)[sim.miners()[2].id])
    assert told(ledger)[sim.miners()[1].id] == 0


def test_a_saved_rule_file_is_taken_without_being_asked(service: Service, ledger: Ledger) -> None:
    sim = service.sim
    service.start()
    until(lambda: watched_all(service))
    service.rule("rules: [{name: failing, match: {statsu: failed}}]")
    until(lambda: service.logged("reload refused"))
    fail(sim, sim.miners()[0])
    until(lambda: told(ledger)[sim.miners()[0].id])
    service.rule("rules: [{name: failing, match: {status: failed}}]")
    until(lambda: service.logged("the refused edit was undone"))
    assert not service.logged('"reloaded"')
    (service.rules / ".rules.yaml.tmp").write_text("rules: [{name: hanging, match: {status: pending}}]")
    (service.rules / ".rules.yaml.tmp").replace(service.rules / "rules.yaml")
    until(lambda: service.logged('"reloaded"'))
    assert service.logged("reload refused") == 1
    fail(sim, sim.miners()[1])
    sim.add_raw(sim.miners()[2], "miner.log.get", {"created": sim.clock.now(), "pending": sim.clock.now()})
    until(lambda: told(ledger)[sim.miners()[2].id])
    assert told(ledger)[sim.miners()[1].id] == 0


def test_systemd_hears_that_it_is_ready_alive_reloading_and_stopping(service: Service, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outlet:
        outlet.bind(str(address))
        outlet.settimeout(10)
        heard: list[str] = []

        def hear(what: str) -> None:
            while not any(what in message for message in heard):
                heard.append(outlet.recv(4096).decode())

        service.start(NOTIFY_SOCKET=str(address), WATCHDOG_USEC="30000000")
        for what in ("READY=1", "STATUS=watching with 1 rules", "WATCHDOG=1"):
            hear(what)
        service.send(signal.SIGHUP)
        hear("RELOADING=1\nMONOTONIC_USEC=")
        heard.clear()
        hear("READY=1")
        service.stop()
        hear("STOPPING=1")


def test_neither_the_key_nor_a_channel_is_ever_shown(service: Service) -> None:
    key, token = "KEY-canary-4711", "HOOK-canary-0815"
    service.sim.switches.api_key = key
    service.environ |= {"NONCE_API_KEY": key, "HOOK": service.environ["HOOK"] + token}
    service.config.write_text(service.config.read_text() + "log: {level: debug, format: json}\n")
    service.start()
    until(lambda: watched_all(service))
    fail(service.sim, service.sim.miners()[0])
    until(lambda: service.logged("message sent"))
    service.sim.fail_next(3, "401")
    until(lambda: service.logged("can't be read"))
    service.stop()
    for path in service.folder.rglob("*"):
        if path.is_file() and path != service.config:
            assert key.encode() not in path.read_bytes(), path
            assert token.encode() not in path.read_bytes(), path


def test_a_store_that_is_only_busy_is_tried_again_and_a_broken_one_is_not(service: Service) -> None:
    """Exit code 2 tells the service manager to leave it; anything else, to start it again."""
    run = [sys.executable, "-m", "watcher", "run", "--once", "--config", str(service.config)]
    assert subprocess.run(run, cwd=ROOT, env=service.environ, capture_output=True, check=False).returncode == 0
    store = service.folder / "state.db"
    with closing(sqlite3.connect(store, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        busy = subprocess.run(run, cwd=ROOT, env=service.environ, capture_output=True, text=True, check=False)
        holder.execute("ROLLBACK")
    assert busy.returncode == 1
    assert "Traceback" not in busy.stderr
    store.write_bytes(b"no database" * 1000)
    broken = subprocess.run(run, cwd=ROOT, env=service.environ, capture_output=True, text=True, check=False)
    assert broken.returncode == 2
    assert "Traceback" not in broken.stderr


def test_sigterm_does_not_wait_for_a_place_in_the_budget(service: Service) -> None:
    service.config.write_text(service.config.read_text().replace("60000", "5"))
    service.start()
    until(lambda: len(service.sim.requests) >= 3)
    time.sleep(0.3)
    code, took = service.stop()
    assert code == 0
    assert took < 10


def test_sigterm_does_not_wait_for_an_api_that_hangs(service: Service) -> None:
    service.sim.fail_next(9, "hang", "/tasks")
    service.start()
    until(lambda: service.logged('"inventory"'))
    time.sleep(0.3)
    code, took = service.stop()
    assert code == 0
    assert took < 10


def test_sigterm_waits_for_a_hanging_channel_only_so_long_and_the_message_is_sent_again(
    service: Service, ledger: Ledger
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = service.environ["HOOK"]
        service.environ["HOOK"] = f"json://127.0.0.1:{silent.getsockname()[1]}/"
        service.start()
        until(lambda: watched_all(service))
        fail(service.sim, service.sim.miners()[0])
        until(lambda: service.logged("message queued"))
        time.sleep(0.3)
        code, took = service.stop()
    assert code == 0
    assert took < 10
    service.environ["HOOK"] = hook
    service.start()
    until(lambda: ledger.bodies, 30)
    assert "may be a repeat" in ledger.bodies[0]
    assert service.stop()[0] == 0


def test_a_farm_whose_inventory_is_refused_is_not_asked_again_and_again(service: Service) -> None:
    service.sim.fail_next(1000, "404", "/miner/latest")
    service.start()
    until(lambda: service.logged("404"))
    time.sleep(1.5)
    service.stop()
    assert len(service.sim.requests) < 8
