"""What became of a batch: told once, when it is over, to whoever heard that it went wrong."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stories.night import Night
from watcher.sim import Outcome, SimBatch

REBOOT = "miner.system.reboot"
RULES = """rules:
  - name: failing
    match: {task: miner.system.reboot, status: failed}
    count: {at_least: 3, within: 6h}
    by: [farm, batch]
    closing: true
"""
ROUTES = "routes: [{match: {severity: critical}, channels: [boss]}, {channels: [ops]}]\n"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Callable[..., Night]]:
    nights: list[Night] = []

    def begin(rules: str = RULES, more: str = "") -> Night:
        nights.append(Night(tmp_path, rules, ROUTES + more, channels=("ops", "boss"), miners=30))
        return nights[-1]

    yield begin
    for one in nights:
        one.close()


def reboot(night: Night) -> SimBatch:
    """A batch of twenty, of which four fail in the first minute; the last of it ends after ten."""
    ids = night.miners(0, 20)
    outcomes = {one: Outcome(runs=30.0 * place) for place, one in enumerate(ids)}
    outcomes |= {one: Outcome("failed", "no answer", runs=40) for one in ids[3:7]}
    return night.sim.create_batch(night.farm, REBOOT, ids, outcomes=outcomes)


def closings(night: Night) -> list[tuple[str, str, str]]:
    return [(f"{one.at:%H:%M:%S}", one.channel, one.title) for one in night.heard if one.title.startswith("Batch ")]


def test_it_comes_with_the_batch_s_end_and_only_to_whoever_heard_of_it(night: Callable[..., Night]) -> None:
    one = night()

    async def story() -> None:
        async with one.daemon():
            await one.later(minutes=2)
            reboot(one)
            await one.later(minutes=30)

    asyncio.run(story())
    assert closings(one) == [("20:11:55", "ops", f"Batch over: 16 of 20 {REBOOT} succeeded, Cedar Creek")]
    assert [said.channel for said in one.heard] == ["ops", "ops"]
    assert one.heard[1].body.startswith("16 of 20 succeeded, 4 failed; 4 miners to do again\nOver at 20:11:")
    assert all(miner in one.heard[1].body for miner in one.miners(3, 4))


def test_a_restart_neither_forgets_nor_repeats_it(night: Callable[..., Night]) -> None:
    one = night()

    async def story() -> None:
        async with one.daemon():
            await one.later(minutes=2)
            reboot(one)
            await one.later(minutes=4)
        one.away(hours=1)
        for _ in range(2):
            async with one.daemon():
                await one.later(minutes=5)

    asyncio.run(story())
    assert len(closings(one)) == 1


def test_where_miners_are_read_one_by_one_it_waits_until_all_were_looked_at(night: Callable[..., Night]) -> None:
    one = night(more="poll: {strategy: miners}\n")

    async def story() -> None:
        async with one.daemon():
            await one.later(minutes=2)
            reboot(one)
            await one.later(minutes=40)

    asyncio.run(story())
    assert [title for _, _, title in closings(one)] == [f"Batch over: 16 of 20 {REBOOT} succeeded, Cedar Creek"]


def test_without_the_key_nothing_is_said_of_a_batch_s_end(night: Callable[..., Night]) -> None:
    one = night(RULES.replace("    closing: true\n", ""))

    async def story() -> None:
        async with one.daemon():
            await one.later(minutes=2)
            reboot(one)
            await one.later(minutes=30)

    asyncio.run(story())
    assert [said.title for said in one.heard] == ["Warning: failing, Cedar Creek"]
