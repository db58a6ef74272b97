"""Nights in which somebody would rather sleep: an agent that comes and goes, and a weekend on which only what is
critical may wake. With every message that is sent."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.stories.night import REBOOT, Night, passes
from watcher.sim import Outcome

ROOT = Path(__file__).resolve().parents[2]
CURTAIL = "miner.power_mode.update"
POOL = "miner.pool.update"
SOON, CALM = 15.0, 1200.0
"""Strides (seconds) of minutes in which something is said, and of hours in which nothing is."""

FLAPPING = """\
alerts: {flapping: {changes: 4, within: 1h}}
routes: [{match: {severity: critical}, channels: [oncall, ops]}, {channels: [ops]}]
"""
WEEKEND = """\
routes:
  - {match: {severity: critical}, channels: [oncall, ops]}
  - {channels: [ops], mute_times: [weekend]}
mute_times:
  weekend: [{weekdays: [sat, sun]}, {weekdays: [mon], times: ["00:00-06:00"]}]
"""
RULES = """rules:
  - name: curtailment-failed
    summary: Miners do not curtail
    severity: critical
    match: {task: miner.power_mode.update, status: [failed, timed_out]}
  - name: reboot-failed
    summary: Reboots failed
    match: {task: miner.system.reboot, status: [failed, timed_out]}
  - name: pool-update-failed
    summary: Pool changes failed
    match: {task: miner.pool.update, status: [failed, timed_out]}
"""


async def an_agent_that_flaps(night: Night) -> None:
    """Four times it is away for ten minutes, then for two hours; each time three reboots wait for it."""
    agent = night.sim.farms[night.farm]
    starts = [night.now + timedelta(minutes=5 + 20 * number) for number in range(5)]
    agent.outages = [(start, start + timedelta(minutes=10)) for start in starts[:-1]]
    agent.outages.append((starts[-1], starts[-1] + timedelta(hours=2)))
    async with night.daemon():
        await night.later(minutes=6)
        for _ in starts:
            night.sim.create_batch(night.farm, REBOOT, night.miners(0, 3), outcomes=Outcome(runs=60))
            await night.later(SOON, minutes=20)
        await night.later(CALM, minutes=40)
        await night.later(SOON, minutes=20)
        await night.later(CALM, minutes=40)
        await night.later(SOON, minutes=20)


async def a_weekend(night: Night) -> None:
    async with night.daemon():
        await night.later(SOON, minutes=2)
        night.fails(0)
        await night.later(SOON, minutes=10)
        await night.later(CALM, hours=4)
        night.works(0)  # four on Saturday morning
        await night.later(SOON, minutes=10)
        await night.later(CALM, hours=18)
        for place in (1, 2, 3):
            night.fails(place)
        night.fails(4, task=POOL)
        night.fails(5, task=POOL)
        late = Outcome("failed", "no answer", 30)
        night.sim.create_batch(night.farm, CURTAIL, night.miners(6, 2), outcomes=late)
        await night.later(SOON, minutes=10)
        await night.later(CALM, hours=11)
        night.works(1)
        night.works(4, task=POOL)
        night.works(6, task=CURTAIL)
        night.works(7, task=CURTAIL)
        await night.later(SOON, minutes=10)
        end = datetime(2026, 11, 30, 5, 55, tzinfo=UTC)
        await night.later(CALM, seconds=(end - night.now).total_seconds())
        await night.later(SOON, minutes=20)
        night.works(2)
        night.works(3)
        night.works(5, task=POOL)
        await night.later(SOON, minutes=10)


def test_an_agent_that_flaps(tmp_path: Path) -> None:
    rules = (ROOT / "rules" / "agents.yaml").read_text()
    with closing(Night(tmp_path, rules, FLAPPING, channels=("oncall", "ops"))) as night:
        said = passes(night, an_agent_that_flaps, 4)
    assert (
        said
        == """\
Mon 20:11:30  oncall, ops: Critical: An agent is offline and its tasks wait, Cedar Creek
    3 tasks on 3 miners
    At 20:06:00 UTC
    By model: Antminer S19 Pro (2), Avalon A1466 (1)
    Tasks: miner.system.reboot created (3)

Mon 20:16:30  oncall, ops: Resolved: An agent is offline and its tasks wait, Cedar Creek
    Resolved at 20:15:13 UTC, after 4m13s.
    What the rule asks for is no longer so.
    It was 3 tasks on 3 miners.
    At 20:06:00 UTC

Mon 20:31:30  oncall, ops: Critical: An agent is offline and its tasks wait, Cedar Creek
    3 tasks on 3 miners
    At 20:26:00 UTC
    By model: Antminer S19 Pro (2), Avalon A1466 (1)
    Tasks: miner.system.reboot created (3)

Mon 20:36:30  oncall, ops: Resolved: An agent is offline and its tasks wait, Cedar Creek
    Resolved at 20:34:58 UTC, after 3m58s.
    The task moved on to pending.
    It was 3 tasks on 3 miners.
    Flapping: it fired and ended 4 times within 1h; quiet until it is calm for 1h.

Mon 22:31:15  oncall, ops: Critical: An agent is offline and its tasks wait, Cedar Creek
    3 tasks on 3 miners
    Late: fired at 21:31:00 UTC, told 1h after.
    At 21:26:00 UTC
    By model: Antminer S19 Pro (2), Avalon A1466 (1)

Mon 23:31:15  oncall, ops: Resolved: An agent is offline and its tasks wait, Cedar Creek
    Resolved at 23:26:03 UTC, after 1h55m.
    The task moved on to succeed.
    It was 3 tasks on 3 miners.
    At 21:26:00 UTC
"""
    )


def test_a_weekend_mute_with_a_critical_alert_among_it(tmp_path: Path) -> None:
    friday = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    with closing(Night(tmp_path, RULES, WEEKEND, channels=("oncall", "ops"), began=friday)) as night:
        said = passes(night, a_weekend)
    assert (
        said
        == """\
Fri 23:33:00  ops: Warning: Reboots failed, Cedar Creek
    1 task on 1 miner: 1× no answer
    At 23:31:40 UTC

Sat 03:43:00  ops: Resolved: Reboots failed, Cedar Creek
    Resolved at 03:41:40 UTC, after 4h10m.
    A later miner.system.reboot succeeded.

Sat 21:52:45  oncall, ops: Critical: Miners do not curtail, Cedar Creek
    2 tasks on 2 miners, in 2 alerts: 2× no answer
    At 21:52:35 UTC

Sun 09:03:15  oncall, ops: Resolved: Miners do not curtail, Cedar Creek
    Resolved at 09:01:40 UTC, after 11h9m.
    A later miner.power_mode.update succeeded.

Mon 06:00:15  ops: Still firing, no longer muted: Reboots failed, Cedar Creek
    2 tasks on 2 miners, in 2 alerts: 2× no answer
    Late: fired at 28 Nov 21:51:40 UTC, told 1d8h after.

Mon 06:00:30  ops: Still firing, no longer muted: Pool changes failed, Cedar Creek
    1 task on 1 miner: 1× no answer
    Late: fired at 28 Nov 21:51:40 UTC, told 1d8h after.

Mon 06:17:15  ops: Resolved: Reboots failed, Cedar Creek
    Resolved at 06:14:40 UTC, after 1d8h.
    A later miner.system.reboot succeeded.

Mon 06:20:15  ops: Resolved: Pool changes failed, Cedar Creek
    Resolved at 06:14:40 UTC, after 1d8h.
    A later miner.pool.update succeeded.
"""
    )
