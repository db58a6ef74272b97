"""Nights as they happen, with every message that is sent."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stories.night import REBOOT, Night, passes, told
from watcher.sim import Outcome

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = "miner.firmware.update"
ROUTES = "routes: [{match: {severity: critical}, channels: [oncall, ops]}, {channels: [ops]}]\n"

BATCH = """rules:
  - name: firmware-batch-failing
    summary: A firmware batch is going wrong
    severity: critical
    match: {task: miner.firmware.update, status: [failed, timed_out]}
    ratio: {at_least: 5%, min_total: 50, within: 2h}
    by: [farm, batch]
    keep_firing_for: 10m
    closing: true
    runbook: https://wiki.example/firmware
  - name: firmware-update-failed
    summary: Firmware updates failed
    match: {task: miner.firmware.update, status: [failed, timed_out]}
    unless: [firmware-batch-failing]
"""
BLIND = """rules:
  - name: watcher-blind
    summary: The watch is blind
    severity: critical
    match: {watcher: blind}
  - name: reboot-failed
    summary: Reboots failed
    match: {task: miner.system.reboot, status: [failed, timed_out]}
  - name: reboot-hanging
    summary: A reboot does not end
    match: {task: miner.system.reboot, status: pending}
    stuck: {longer_than: 30m}
"""


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Callable[..., Night]]:
    nights: list[Night] = []

    def begin(rules: str, *, miners: int = 12) -> Night:
        nights.append(Night(tmp_path, rules, ROUTES, channels=("oncall", "ops"), miners=miners))
        return nights[-1]

    yield begin
    for one in nights:
        one.close()


async def rollout(night: Night) -> None:
    """500 updates, of which 40 fail; the 25 that fail first are tried again, and work."""
    async with night.daemon():
        await night.later(minutes=2)
        ids = night.miners(0, 500)
        outcomes = {one: Outcome(runs=60 + 1.2 * place) for place, one in enumerate(ids)}
        bad = ids[10:490:12]
        for place, one in enumerate(bad):
            error = "no answer from 10.0.3.1" if place % 5 == 0 else "checksum mismatch at block 4711"
            outcomes[one] = Outcome("failed", error, outcomes[one].runs)
        night.sim.create_batch(night.farm, FIRMWARE, ids, outcomes=outcomes)
        await night.later(minutes=30)
        night.sim.create_batch(night.farm, FIRMWARE, bad[:25], outcomes=Outcome(runs=120))
        await night.later(hours=2)


async def two_hours_without_the_api(night: Night) -> None:
    async with night.daemon():
        await night.later(minutes=2)
        night.fails(0)
        await night.later(minutes=2)
        night.sim.fail_next(1_000_000, "503")
        await night.later(minutes=30)
        night.fails(1)
        (miner,) = night.sim.miners(night.farm)[2:3]
        night.sim.add_raw(miner, REBOOT, {"created": night.now, "pending": night.now})
        night.fails(3)
        await night.later(minutes=60)
        night.works(3)
        night.works(0)
        await night.later(minutes=30)
        night.sim.faults.clear()
        await night.later(minutes=15)


async def three_days_without_the_daemon(night: Night) -> None:
    async with night.daemon():
        await night.later(minutes=2)
        night.fails(0)
        night.fails(1)
        await night.later(minutes=2)
    night.away(hours=20)
    night.works(0)
    night.fails(2)
    night.away(hours=2)
    night.works(2)
    night.away(hours=40)
    night.fails(3)
    night.away(hours=4)
    night.works(3)
    night.away(hours=5)
    night.fails(4)
    night.away(hours=1)
    async with night.daemon():
        await night.later(minutes=15)


async def a_rule_edited_while_it_fires(night: Night) -> None:
    async with night.daemon():
        await night.later(minutes=2)
        for place in range(3):
            night.fails(place)
        await night.later(minutes=10)
        first, new = (night.miners(place, 1)[0] for place in (0, 5))
        both = "status: [failed, timed_out]"
        narrower = BLIND.replace(both, f"{both}, miner: ['{first}', '{new}']", 1)
        night.file.write_text(narrower)  # two of three no longer fit
        await night.later(minutes=30)
        night.fails(5)
        await night.later(minutes=10)
        night.works(5)
        night.works(0)
        await night.later(minutes=10)


def test_a_firmware_batch_of_500_with_40_failures_and_25_retries_that_work(night: Callable[..., Night]) -> None:
    one = night(BATCH, miners=520)
    said = passes(one, rollout)
    assert f"```text\n{told(one.heard)}```\n" in (ROOT / "README.md").read_text()
    assert (
        said
        == """\
Mon 20:03:50  ops: Warning: Firmware updates failed, Cedar Creek
    1 task on 1 miner: 1× no answer from <ip>
    At 20:03:17 UTC

Mon 20:04:30  oncall, ops: Critical: A firmware batch is going wrong, Cedar Creek
    5 of 70 tasks on 5 miners: 4× checksum mismatch at block <n>
    1× no answer from <ip>

Mon 20:09:30  oncall, ops: Growing: A firmware batch is going wrong, Cedar Creek
    24 of 295 tasks on 24 miners: 19× checksum mismatch at block <n>
    5× no answer from <ip>

Mon 20:13:35  oncall, ops: Batch over: 460 of 500 miner.firmware.update succeeded, Cedar Creek
    460 of 500 succeeded, 40 failed; 40 miners to do again
    Over at 20:13:03 UTC, 11m3s after it began

Mon 20:38:50  ops: Resolved: Firmware updates failed, Cedar Creek
    Resolved at 20:34:05 UTC, after 30m48s.
    A later miner.firmware.update succeeded.

Mon 22:24:30  oncall, ops: Resolved: A firmware batch is going wrong, Cedar Creek
    Resolved at 22:22:05 UTC, after 2h18m.
    No new ones since 20:12:38 UTC; 15 of 40 miners still without a later success.
"""
    )


def test_two_hours_without_the_api(night: Callable[..., Night]) -> None:
    assert (
        passes(night(BLIND), two_hours_without_the_api)
        == """\
Mon 20:02:40  ops: Warning: Reboots failed, Cedar Creek
    1 task on 1 miner: 1× no answer
    At 20:01:40 UTC

Mon 20:08:45  oncall, ops: Critical: The watch is blind
    The Nonce API has trouble (503: simulated fault).
    Since 20:03:38 UTC

Mon 22:05:30  ops: While I could not see, 20:03–22:04 UTC: 1 alert came and went
    • Reboots failed, Cedar Creek: 1 task on 1 miner, 20:33–21:33 UTC; a later miner.system.reboot succeeded (alert 6fcd206b137c)

Mon 22:05:50  ops: Warning: A reboot does not end, Cedar Creek
    1 task on 1 miner
    Late: fired at 21:04:00 UTC, told 1h1m after.

Mon 22:07:40  ops: Warning: Reboots failed, Cedar Creek
    1 task on 1 miner: 1× no answer
    Late: fired at 20:33:40 UTC, told 1h33m after.

Mon 22:08:45  oncall, ops: Resolved: The watch is blind
    Resolved at 22:04:48 UTC, after 2h1m.
    It was: The Nonce API has trouble (503: simulated fault).
"""  # noqa: E501 - as it came
    )


def test_three_days_without_the_daemon(night: Callable[..., Night]) -> None:
    assert (
        passes(night(BLIND), three_days_without_the_daemon)
        == """\
Mon 20:02:40  ops: Warning: Reboots failed, Cedar Creek
    2 tasks on 2 miners, in 2 alerts: 2× no answer
    At 20:01:40 UTC

Thu 20:05:00  ops: While I could not see, 23 Nov 20:03–26 Nov 20:03 UTC: 1 alert came and went
    • Reboots failed, Cedar Creek: 1 task on 1 miner, 10:03–14:03 UTC; a later miner.system.reboot succeeded (alert 6fcd206b137c)

Thu 20:07:40  ops: Warning: Reboots failed, Cedar Creek
    2 tasks on 2 miners, in 2 alerts, 1 of them new: 2× no answer
    Late: fired at 19:03:40 UTC, told 1h3m after.
"""  # noqa: E501 - as it came
    )


def test_a_rule_edited_while_it_fires(night: Callable[..., Night]) -> None:
    assert (
        passes(night(BLIND), a_rule_edited_while_it_fires)
        == """\
Mon 20:02:40  ops: Warning: Reboots failed, Cedar Creek
    3 tasks on 3 miners, in 3 alerts: 3× no answer
    At 20:01:40 UTC

Mon 20:42:40  ops: Warning: Reboots failed, Cedar Creek
    2 tasks on 2 miners, in 2 alerts, 1 of them new: 2× no answer
    Since the last message, 20:02:38 UTC: 1 new alert, 2 ended, 3 → 2 tasks in all

Mon 20:52:40  ops: Resolved: Reboots failed, Cedar Creek
    Resolved at 20:51:40 UTC, after 50m.
    A later miner.system.reboot succeeded.
"""
    )
