import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC
from random import Random
from typing import Any, TypeVar

from structlog.testing import capture_logs

from watcher.errors import StoreFailed
from watcher.model.message import Message
from watcher.model.times import DAY, Millis
from watcher.notify.deliver import Deliverer
from watcher.notify.outbox import Row
from watcher.notify.outcome import Outcome, Result
from watcher.notify.retry import Dead, Retry
from watcher.notify.sender import ConsoleSender, Sender
from watcher.notify.targets import Channel, Target, console_channel
from watcher.notify.text import Text
from watcher.notify.worker import Means

T = TypeVar("T")

SENT = Outcome(Result.SENT, "JSON answered 200 OK")
DOWN = Outcome(Result.PASSING, "JSON answered 503 Service Unavailable")
WRONG = Outcome(Result.PERMANENT, "JSON answered 401 Unauthorized")
LOST = Outcome(Result.UNCERTAIN, "JSON did not answer in time")


class VirtualTime:
    """A clock that jumps to the next wake-up as soon as nobody has anything left to do."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> Millis:
        return 1_000_000_000_000 + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.seconds + seconds, self._count, future))
        await future

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(self._drive(story))

    async def _drive(self, story: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(story)
        while not task.done():
            for _ in range(20):
                await asyncio.sleep(0)
            while self._sleepers and not task.done():
                at, _, future = heapq.heappop(self._sleepers)
                if not future.done():
                    self.seconds = max(self.seconds, at)
                    future.set_result(None)
                    break
        return await task


@dataclass
class Kept:
    row: Row
    due_at: Millis = 0
    state: str = "waiting"


class MemoryOutbox:
    """The store's part, in memory."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.history: list[tuple[str, str]] = []
        self.failures: list[str] = []

    def add(self, target: Target, message: Message) -> None:
        self.kept.append(Kept(Row(len(self.kept), message, target.channel, target.key, 0, None, False)))

    def _oldest(self, channel: str, target: str) -> Kept | None:
        mine = (kept for kept in self.kept if (kept.row.channel, kept.row.target) == (channel, target))
        return next((kept for kept in mine if kept.state not in ("sent", "dead")), None)

    def due(self, channel: str, target: str, now: Millis) -> Row | None:
        kept = self._oldest(channel, target)
        if kept is None or kept.due_at > now:
            return None
        return replace(kept.row, may_repeat=True) if kept.state == "sending" else kept.row

    def next_due(self, channel: str, target: str, now: Millis) -> Millis | None:
        kept = self._oldest(channel, target)
        return None if kept is None else kept.due_at

    def fold(self, channel: str, target: str, now: Millis) -> None:
        pass

    def unfinished(self, channel: str, target: str) -> int:
        mine = [kept for kept in self.kept if (kept.row.channel, kept.row.target) == (channel, target)]
        return sum(kept.state not in ("sent", "dead") for kept in mine)

    def begin(self, row: Row, now: Millis) -> None:
        self._may_fail("begin")
        kept = self.kept[row.id]
        first = now if row.first_tried_at is None else row.first_tried_at
        kept.row = replace(row, attempts=row.attempts + 1, first_tried_at=first)
        kept.state = "sending"
        self.history.append(("begin", row.message.id))

    def finish(self, row: Row, outcome: Outcome, then: Retry | Dead | None, now: Millis) -> None:
        self._may_fail("finish")
        kept = self.kept[row.id]
        if outcome.result is Result.UNCERTAIN:
            kept.row = replace(kept.row, may_repeat=True)
        match then:
            case None:
                kept.state = "sent"
            case Retry(at):
                kept.state, kept.due_at = "waiting", at
            case Dead():
                kept.state = "dead"
        self.history.append((kept.state, row.message.id))

    def _may_fail(self, what: str) -> None:
        if what in self.failures:
            self.failures.remove(what)
            raise StoreFailed("the disk is full")


@dataclass
class ScriptedSender:
    """Answers by target as told, then SENT; keeps a ledger of (second, target, title's may-repeat mark)."""

    time: VirtualTime
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    ledger: list[tuple[float, str]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    before: Callable[[Target], Awaitable[None]] | None = None

    async def send(self, target: Target, text: Text) -> Outcome:
        self.ledger.append((round(self.time.seconds, 3), target.key))
        self.texts.append(text)
        if self.before is not None:
            await self.before(target)
        script = self.outcomes.get(target.key)
        return script.pop(0) if script else SENT


class Story:
    def __init__(self, *channels: Channel, sender: Sender | None = None) -> None:
        self.time = VirtualTime()
        self.outbox = MemoryOutbox()
        self.sender = ScriptedSender(self.time)
        self.channels = channels
        self.stop = asyncio.Event()
        self.deliverer = Deliverer(
            channels,
            Means(self.outbox, sender or self.sender, self.time, UTC, self.time.sleep, Random(1)),
        )

    def add(self, message: Message, count: int = 1, target: int = 0, channel: int = 0) -> None:
        for number in range(count):
            self.outbox.add(self.channels[channel].targets[target], replace(message, id=f"m{number}"))

    def drain(self) -> int:
        return self.time.run(self.deliverer.drain())

    def run(self, seconds: float, after: Callable[[], None] | None = None) -> None:
        async def story() -> None:
            running = asyncio.ensure_future(self.deliverer.run(self.stop))
            if after is not None:
                await self.time.sleep(10)
                after()
                self.deliverer.wake()
                await self.time.sleep(seconds - 10)
            else:
                await self.time.sleep(seconds)
            self.stop.set()
            await running

        self.time.run(story())

    def states(self) -> list[str]:
        return [kept.state for kept in self.outbox.kept]


def channel(name: str = "ops", targets: int = 1, spacing: float = 1.0) -> Channel:
    return Channel(name, tuple(Target(name, f"json-{number + 1}", "json") for number in range(targets)), spacing)


def test_rows_are_sent_in_their_order_and_marked_after_sending(message: Message) -> None:
    story = Story(channel())
    story.add(message, 3)
    story.run(60)
    assert story.outbox.history == [(step, f"m{number}") for number in range(3) for step in ("begin", "sent")]


def test_the_rate_spaces_the_messages_of_a_channel_whatever_the_target(message: Message) -> None:
    story = Story(channel(targets=2, spacing=5.0))
    story.add(message, 2, target=0)
    story.add(message, 2, target=1)
    story.run(60)
    assert story.sender.ledger == [(0, "json-1"), (5, "json-2"), (10, "json-1"), (15, "json-2")]


def test_a_row_that_waits_for_its_retry_holds_those_behind_it_and_no_other_target(message: Message) -> None:
    story = Story(channel(targets=2, spacing=0.0))
    story.sender.outcomes["json-1"] = [DOWN]
    story.add(message, 2, target=0)
    story.add(message, 2, target=1)
    story.run(60)
    assert [key for _, key in story.sender.ledger] == ["json-1", "json-2", "json-2", "json-1", "json-1"]
    assert story.outbox.history[-4:] == [("begin", "m0"), ("sent", "m0"), ("begin", "m1"), ("sent", "m1")]


def test_a_service_that_is_down_for_hours_gets_it_when_it_is_back(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [DOWN] * 100
    story.add(message)
    story.run(12 * 3600)
    assert story.states() == ["sent"]
    assert len(story.sender.ledger) == 101


def test_after_a_day_a_row_is_given_up(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [DOWN] * 1000
    story.add(message, 2)
    story.run(25 * 3600)
    assert story.states()[0] == "dead"
    assert story.sender.ledger[-1][0] * 1000 > DAY


def test_a_permanent_fault_gives_up_at_once_and_lets_the_next_pass(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [WRONG]
    story.add(message, 2)
    story.run(10)
    assert story.states() == ["dead", "sent"]


def test_an_uncertain_delivery_is_repeated_and_says_that_it_may_be_a_repeat(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [LOST]
    story.add(message)
    story.run(60)
    first, second = story.sender.texts
    assert "may be a repeat" not in first.body
    assert "may be a repeat" in second.body


def test_a_row_in_flight_when_the_process_died_is_repeated_and_says_so(message: Message) -> None:
    story = Story(channel())
    story.add(message)
    story.outbox.begin(story.outbox.kept[0].row, 0)
    story.run(10)
    assert "may be a repeat" in story.sender.texts[0].body


def test_retry_after_pauses_the_whole_channel_and_no_other(message: Message) -> None:
    story = Story(channel("ops", targets=2, spacing=0.0), channel("dev", spacing=0.0))
    story.sender.outcomes["json-1"] = [replace(DOWN, retry_after=30.0)]
    story.add(message, 1, target=0)
    story.add(message, 1, target=1)
    story.run(10)
    assert story.sender.ledger == [(0, "json-1")]
    story = Story(channel("ops", targets=2, spacing=0.0))
    story.sender.outcomes["json-1"] = [replace(DOWN, retry_after=30.0)]
    story.add(message, 1, target=0)
    story.add(message, 1, target=1)
    story.run(60)
    assert [second for second, _ in story.sender.ledger] == [0, 30, 30]


def test_a_hanging_channel_delays_no_other(message: Message) -> None:
    story = Story(channel("slow"), channel("fast"))

    async def hang(target: Target) -> None:
        if target.channel == "slow":
            await story.time.sleep(20)

    story.sender.before = hang
    story.add(message, 2, channel=0)
    story.add(message, 2, channel=1)
    story.run(30)
    fast = [when for when, _ in story.sender.ledger]
    assert fast[:3] == [0, 0, 1]


def test_a_row_added_later_wakes_the_worker(message: Message) -> None:
    story = Story(channel())
    story.run(20, after=lambda: story.add(message))
    assert story.sender.ledger == [(10, "json-1")]


def test_the_stop_lets_the_message_in_flight_finish_and_begins_no_other(message: Message) -> None:
    story = Story(channel(spacing=0.0))

    async def slow(_: Target) -> None:
        await story.time.sleep(5)

    story.sender.before = slow
    story.add(message, 3)
    story.run(7)
    assert story.states() == ["sent", "sent", "waiting"]


def test_a_message_that_cannot_be_said_is_given_up_after_three_tries(message: Message) -> None:
    story = Story(channel(spacing=0.0))
    broken = replace(message, sections=(None,))  # type: ignore[arg-type]
    story.outbox.add(story.channels[0].targets[0], broken)
    story.add(message)
    with capture_logs() as logs:
        story.run(60)
    assert story.states() == ["dead", "sent"]
    assert [log["event"] for log in logs] == ["message not sent"] * 2 + ["message given up", "message sent"]


def test_while_the_store_cannot_begin_nothing_is_sent(message: Message) -> None:
    story = Story(channel())
    story.outbox.failures = ["begin", "begin"]
    story.add(message)
    story.run(60)
    assert story.sender.ledger == [(10, "json-1")]


def test_what_was_sent_is_not_sent_again_because_it_could_not_be_recorded(message: Message) -> None:
    story = Story(channel())
    story.outbox.failures = ["finish", "finish"]
    story.add(message)
    story.run(60)
    assert len(story.sender.ledger) == 1
    assert story.states() == ["sent"]


def test_drain_tries_each_row_once_and_says_what_is_left(message: Message) -> None:
    story = Story(channel(targets=2))
    story.sender.outcomes["json-1"] = [DOWN]
    story.add(message, 2, target=0)
    story.add(message, 2, target=1)
    assert story.drain() == 2
    assert story.sender.ledger == [(0, "json-1"), (1, "json-2"), (2, "json-2")]


def test_drain_obeys_a_short_retry_after_once(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [replace(DOWN, retry_after=30.0)]
    story.add(message)
    assert story.drain() == 0
    assert story.sender.ledger == [(0, "json-1"), (30, "json-1")]
    story = Story(channel())
    story.sender.outcomes["json-1"] = [replace(DOWN, retry_after=30.0)] * 3
    story.add(message)
    assert story.drain() == 1
    assert len(story.sender.ledger) == 2


def test_drain_does_not_wait_for_a_long_retry_after(message: Message) -> None:
    story = Story(channel(targets=2))
    story.sender.outcomes["json-1"] = [replace(DOWN, retry_after=31.0)]
    story.add(message, target=0)
    story.add(message, target=1)
    assert story.drain() == 2
    assert story.time.seconds == 0


def test_without_channels_messages_go_to_the_console(message: Message) -> None:
    written: list[str] = []
    story = Story(console_channel(), sender=ConsoleSender(written.append))
    story.add(message)
    assert story.drain() == 0
    assert written[0].startswith("Critical: Firmware updates are failing, North Barn\n  300 of 900 tasks")


def test_each_delivery_is_one_log_line(message: Message) -> None:
    story = Story(channel())
    story.sender.outcomes["json-1"] = [DOWN]
    story.add(message)
    with capture_logs() as logs:
        story.run(60)
    assert [(log["event"], log["channel"], log["target"], log["message"], log["attempt"]) for log in logs] == [
        ("message not sent", "ops", "json-1", "m0", 1),
        ("message sent", "ops", "json-1", "m0", 2),
    ]
