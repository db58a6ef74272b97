"""Rules edited while the daemon runs: the real one, over HTTP, in a virtual time that only the story moves."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from watcher.assembly import Host
from watcher.daemon import Daemon
from watcher.loading import load_all

if TYPE_CHECKING:
    from tests.stories.conftest import Story
else:
    Story = Any

REBOOT = "miner.system.reboot"
ROUTES = "poll: {every: 1s}\nroutes: [{channels: [ops], group_by: [rule], group_wait: 0s, group_interval: 1s}]\n"
REFUSALS = "  - {name: refused, summary: Edit refused, match: {watcher: rules}}\n"
FIRST = f"rules:\n  - {{name: failing, summary: First, match: {{status: failed}}}}\n{REFUSALS}"
SECOND = f"rules:\n  - {{name: timed, summary: Second, match: {{status: timed_out}}}}\n{REFUSALS}"
BROKEN = f"rules:\n  - {{name: failing, match: {{statsu: failed}}}}\n{REFUSALS}"


class Life:
    """A daemon at work, and what it says."""

    def __init__(self, story: Story, logged: list[Any]) -> None:
        self.story, self.logged = story, logged
        self.rules = story.folder / "rules"
        self.file = self.rules / "rules.yaml"
        self._passed = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self._passed + seconds, next(self._order), woken))
        await woken

    async def later(self, seconds: float) -> None:
        """Virtual time passes, and whoever waits for it wakes in turn."""
        end = self._passed + seconds
        while self._sleeping and self._sleeping[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleeping)
            self._move(due)
            if not woken.done():
                woken.set_result(None)
            await asyncio.sleep(0.001)
        self._move(end)

    def _move(self, to: float) -> None:
        self.story.later(seconds=max(0.0, to - self._passed))
        self._passed = max(to, self._passed)

    async def until(self, true: Callable[[], Any], *, virtual: float = 0.0) -> None:
        """Wait for what is under way to come about; virtual time stands still but for what it may take."""
        for _ in range(int(virtual)):
            await asyncio.sleep(0.02)
            if true():
                return
            await self.later(1)
        for _ in range(2000):
            if true():
                return
            await asyncio.sleep(0.005)
        pytest.fail("it never came")

    def times(self, event: str) -> int:
        return sum(event in line["event"] for line in self.logged)

    def titles(self) -> list[str]:
        return [message["title"] for message in self.story.receiver.received]

    def told(self, words: str) -> int:
        return sum(words in title for title in self.titles())

    def run(self, story: Callable[["Life"], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(self._live(story))

    async def _live(self, story: Callable[["Life"], Coroutine[Any, Any, None]]) -> None:
        host = Host(
            self.story.environ,
            wall=lambda: int(self.story.now().timestamp() * 1000),
            monotonic=lambda: 1000.0 + self._passed,
            sleep=self.sleep,
        )
        daemon = Daemon(self.story.config, load_all(self.story.config, host.environ), host)
        running = asyncio.create_task(daemon.run())
        looks = self.story.sim.requests
        await self.until(lambda: any(one.path.endswith("/tasks/search") for one in looks), virtual=60)
        await self.later(90)  # what fails from now on also began after the first contact
        try:
            await story(self)
            assert not running.done()
        finally:
            daemon.stop()
            await running


@pytest.fixture
def life(tell: Callable[..., Story]) -> Iterator[Life]:
    story = tell()
    (story.folder / "rules").mkdir()
    (story.folder / "rules" / "rules.yaml").write_text(FIRST)
    story.configure(rules=Path("rules"), extra=ROUTES)
    with structlog.testing.capture_logs() as logged:
        yield Life(story, logged)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_a_valid_edit_is_live_within_two_seconds(life: Life, phase: float) -> None:
    """Whenever it comes between two glances at the folder."""

    async def story(life: Life) -> None:
        await life.later(phase)
        life.file.write_text(SECOND)
        await life.later(2)
        await life.until(lambda: life.times("reloaded") == 1 and life.times("watching") == 2)
        first, second = life.story.miners()[:2]
        life.story.fails(first, name=REBOOT, ago=1)
        life.story.fails(second, name=REBOOT, ago=1, ends="timed_out")
        await life.until(lambda: life.told("Second"), virtual=60)
        assert not life.told("First")
        assert not life.told("Edit refused")

    life.run(story)


def test_a_broken_edit_keeps_the_rules_and_is_a_trouble_until_it_is_mended(life: Life) -> None:
    async def story(life: Life) -> None:
        life.file.write_text(BROKEN)
        await life.later(2)
        await life.until(lambda: life.times("reload refused") == 1)
        (refusal,) = [line for line in life.logged if "reload refused" in line["event"]]
        assert any("rules.yaml:2:29" in fault and "statsu" in fault for fault in refusal["faults"])
        await life.until(lambda: life.told("Warning: Edit refused"), virtual=60)
        life.story.fails(life.story.miners()[0], name=REBOOT, ago=1)
        await life.until(lambda: life.told("First"), virtual=60)
        await life.later(30)
        assert life.times("reload refused") == 1
        life.file.write_text(SECOND)
        await life.later(2)
        await life.until(lambda: life.times("reloaded") == 1)
        await life.until(lambda: life.told("Resolved: Edit refused"), virtual=60)

    life.run(story)


def test_a_broken_edit_that_is_undone_is_over_without_a_reload(life: Life) -> None:
    async def story(life: Life) -> None:
        life.file.write_text(BROKEN)
        await life.until(lambda: life.told("Warning: Edit refused"), virtual=60)
        life.file.write_text(FIRST)
        await life.until(lambda: life.told("Resolved: Edit refused"), virtual=60)
        assert life.times("reloaded") == 0

    life.run(story)


def test_a_folder_that_is_away_is_a_refused_edit_and_its_return_mends_it(life: Life) -> None:
    async def story(life: Life) -> None:
        away = life.rules.rename(life.story.folder / "away")
        await life.until(lambda: life.told("Warning: Edit refused"), virtual=60)
        away.rename(life.rules)
        await life.until(lambda: life.told("Resolved: Edit refused"), virtual=60)
        assert life.times("reloaded") == 0

    life.run(story)


def test_what_is_no_edit_causes_nothing(life: Life) -> None:
    async def story(life: Life) -> None:
        for name in (".rules.yaml.swp", "4913", "rules.yaml~", "#rules.yaml#", "rules.yaml.swp", "notes.txt"):
            (life.rules / name).write_text("rules: [")
        copy = life.rules / ".copy"
        copy.write_text(FIRST)
        copy.replace(life.file)
        await life.later(10)
        assert life.times("reload") == 0

    life.run(story)


def test_an_atomic_rename_an_added_and_a_removed_file_are_edits(life: Life) -> None:
    async def story(life: Life) -> None:
        copy = life.rules / ".copy"
        copy.write_text(SECOND)
        copy.replace(life.file)
        await life.later(2)
        await life.until(lambda: life.times("watching") == 2)
        more = life.rules / "more.yml"
        more.write_text("rules: [{name: more, match: {}}]")
        await life.later(2)
        await life.until(lambda: life.times("watching") == 3)
        more.unlink()
        await life.later(2)
        await life.until(lambda: life.times("watching") == 4)
        assert [line["rules"] for line in life.logged if line["event"] == "reloaded"] == [2, 3, 2]

    life.run(story)


def test_a_file_written_in_two_parts_is_read_when_it_is_whole(life: Life) -> None:
    async def story(life: Life) -> None:
        life.file.write_text(SECOND[:40])
        await life.later(0.5)
        life.file.write_text(SECOND)
        await life.later(2)
        await life.until(lambda: life.times("reloaded") == 1)
        assert life.times("reload refused") == 0

    life.run(story)
