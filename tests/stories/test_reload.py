"""Rules edited while the daemon runs: the real one, over HTTP, in a virtual time that only the story moves."""

import asyncio
import heapq
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from tests.rules.corpus import CORPUS, WHOLE_FILE
from watcher.assembly import Host
from watcher.daemon import Daemon
from watcher.loading import load_all
from watcher.model.alert import EndReason, Episode, Origin
from watcher.sim import SimMiner
from watcher.store.database import open_reader
from watcher.store.store import Store

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

    def bodies(self) -> str:
        return "\n".join(message["message"] for message in self.story.receiver.received)

    def episodes(self) -> dict[tuple[str, str | None], Episode]:
        """What the store holds of each rule and miner; one episode each, in these stories."""
        store = Store(open_reader(self.story.folder / "state.db"))
        found = [one for one in store.episodes.since(0) if one.alert.rule != "refused"]
        store.close()
        by = {(one.alert.rule, one.alert.labels.get("miner")): one for one in found}
        assert len(by) == len(found)
        return by

    def fails(self, *miners: SimMiner, ends: str = "failed") -> None:
        for miner in miners:
            self.story.fails(miner, name=REBOOT, ago=1, ends=ends)

    async def save(self, rules: str) -> None:
        """Save other rules, and wait until they run."""
        watching = self.times("watching")
        self.file.write_text(rules)
        await self.later(2)
        await self.until(lambda: self.times("watching") == watching + 1)

    async def refusal(self, number: int) -> list[str]:
        """The faults of the edit that is refused now, as the one of this number."""
        await self.later(2)
        await self.until(lambda: self.times("reload refused") == number)
        faults: list[str] = [line for line in self.logged if "reload refused" in line["event"]][-1]["faults"]
        return faults

    def run(self, story: Callable[["Life"], Coroutine[Any, Any, None]], *, loaded: Callable[[], object] = int) -> None:
        """Args:
        loaded: happens between the loading of the rules and the start.
        """
        asyncio.run(self._live(story, loaded))

    async def _live(self, story: Callable[["Life"], Coroutine[Any, Any, None]], loaded: Callable[[], object]) -> None:
        host = Host(
            self.story.environ,
            wall=lambda: int(self.story.now().timestamp() * 1000),
            monotonic=lambda: 1000.0 + self._passed,
            sleep=self.sleep,
        )
        works = load_all(self.story.config, host.environ)
        loaded()
        daemon = Daemon(self.story.config, works, host)
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
        faults = await life.refusal(1)
        assert any("rules.yaml:2:29" in fault and "statsu" in fault for fault in faults)
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


def test_whatever_the_mistake_the_rules_go_on_and_it_is_told_with_its_place(life: Life) -> None:
    """The whole corpus, one edit after the other."""
    life.story.configure(rules=Path("rules"), extra=ROUTES.replace("poll: {every: 1s}", "poll: {every: 1m}"))

    async def story(life: Life) -> None:
        for number, (name, mistake) in enumerate(CORPUS.items(), start=1):
            text = mistake.text
            life.file.write_bytes(text if isinstance(text, bytes) else text.encode())
            faults = await life.refusal(number)
            where = life.rules if mistake.place == WHOLE_FILE else f"{life.file}:{mistake.place}"
            assert any(fault.startswith(str(where)) for fault in faults), (name, faults)
        assert life.times("reloaded") == 0
        life.fails(life.story.miners()[0])
        await life.until(lambda: life.told("First"), virtual=180)
        assert life.told("Warning: Edit refused") == 1

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


def test_an_edit_between_the_loading_and_the_start_is_taken(life: Life) -> None:
    async def story(life: Life) -> None:
        assert life.times("reloaded") == 1
        life.fails(life.story.miners()[0], ends="timed_out")
        await life.until(lambda: life.told("Second"), virtual=60)

    life.run(story, loaded=lambda: life.file.write_text(SECOND))


def test_sighup_reads_the_configuration_and_the_rules_all_or_nothing(life: Life) -> None:
    other = life.story.folder / "other"
    other.mkdir()

    async def story(life: Life) -> None:
        (other / "rules.yaml").write_text(BROKEN)
        life.story.configure(rules=Path("other"), extra=ROUTES)
        await life.later(10)
        assert not life.times("reload")
        os.kill(os.getpid(), signal.SIGHUP)
        await life.until(lambda: life.times("reload refused") == 1)
        await life.until(lambda: life.told("Warning: Edit refused"), virtual=60)
        life.fails(life.story.miners()[0])
        await life.until(lambda: life.told("First"), virtual=60)
        (other / "rules.yaml").write_text(SECOND)
        os.kill(os.getpid(), signal.SIGHUP)
        await life.until(lambda: life.times("watching") == 2)
        await life.until(lambda: life.told("Resolved: Edit refused"), virtual=60)
        life.fails(life.story.miners()[1], ends="timed_out")
        await life.until(lambda: life.told("Second"), virtual=60)
        other.joinpath("rules.yaml").write_text(FIRST)
        await life.later(2)
        await life.until(lambda: life.times("watching") == 3)

    life.run(story)


def test_an_alert_that_is_still_true_under_the_edited_rule_goes_on_without_a_message(life: Life) -> None:
    async def story(life: Life) -> None:
        kept, closed, new = life.story.miners()[:3]
        life.fails(kept, closed)
        await life.until(lambda: kept.id in life.bodies() and closed.id in life.bodies(), virtual=60)
        before, said = life.episodes(), len(life.titles())
        await life.save(FIRST.replace("status: failed", f"status: failed, miner: ['{kept.id}', '{new.id}']"))
        await life.later(120)
        after = life.episodes()
        assert len(life.titles()) == said
        assert after["failing", kept.id] == before["failing", kept.id]
        assert after["failing", closed.id].id == before["failing", closed.id].id
        assert after["failing", closed.id].end_reason is EndReason.EDITED
        life.fails(new)
        await life.until(lambda: new.id in life.bodies(), virtual=60)
        assert life.bodies().count("rule failing changed: 1 closed, 1 go on") == 1

    life.run(story)


def test_what_the_edited_rule_would_have_told_already_is_learnt_in_silence(life: Life) -> None:
    async def story(life: Life) -> None:
        old, new = life.story.miners()[:2]
        life.fails(old, ends="timed_out")
        await life.later(60)
        await life.save(FIRST.replace("status: failed", "status: [failed, timed_out]"))
        await life.later(120)
        assert life.titles() == []
        assert life.episodes()["failing", old.id].origin is Origin.BASELINE
        life.fails(new, ends="timed_out")
        await life.until(lambda: new.id in life.bodies(), virtual=60)
        assert old.id not in life.bodies()
        assert "rule failing changed: 0 closed, 1 go on" in life.bodies()

    life.run(story)


def test_the_alerts_of_a_removed_rule_end_with_it_and_the_next_message_says_so(life: Life) -> None:
    async def story(life: Life) -> None:
        first, second, third = life.story.miners()[:3]
        life.fails(first, second)
        await life.until(lambda: first.id in life.bodies() and second.id in life.bodies(), virtual=60)
        said = len(life.titles())
        await life.save(SECOND)
        await life.later(120)
        assert len(life.titles()) == said
        assert {one.end_reason for one in life.episodes().values()} == {EndReason.REMOVED}
        life.fails(third, ends="timed_out")
        await life.until(lambda: third.id in life.bodies(), virtual=60)
        assert "rule failing removed: 2 closed, 0 go on" in life.bodies()

    life.run(story)
