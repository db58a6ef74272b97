"""Budgets, digests and fallback channels over a real store, in virtual time."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from random import Random

import pytest

from tests.notify.test_deliver import DOWN, LOST, SENT, WRONG, ScriptedSender, VirtualTime, channel
from watcher.alerts.digest import Digester
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.codec import from_json, to_json
from watcher.model.decision import Hush
from watcher.model.message import Message, Severity
from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis
from watcher.notify.deliver import Deliverer
from watcher.notify.outcome import Outcome
from watcher.notify.stored import StoredOutbox
from watcher.notify.targets import Budget, Channel
from watcher.notify.text import Text
from watcher.notify.worker import Means
from watcher.store.database import open_database
from watcher.store.outbox import OutboxRecord
from watcher.store.store import Store

OPS, MAIL = channel("ops", spacing=0.0), channel("mail", spacing=0.0)


class Watch:
    """What the desk would have written, and the real delivery of it."""

    def __init__(self, store: Store, message: Message, *channels: Channel) -> None:
        self.store = store
        self.time = VirtualTime()
        self.sender = ScriptedSender(self.time)
        self.channels = channels
        self._message = message

    @property
    def texts(self) -> list[Text]:
        return self.sender.texts

    def says(
        self, number: int, *, severity: Severity = Severity.WARNING, farm: str = "North Barn", channel: str = "ops"
    ) -> Episode:
        """An alert fires, and a message of its own tells it."""
        now = self.time.now()
        labels = {"rule": f"rule-{number % 3}", "severity": severity.value, "farm": farm, "miner": f"M-{number}"}
        alert = Alert(f"a{number:05}", f"rule-{number % 3}", severity, ("F", f"M-{number}"), labels)
        episode = Episode(0, alert, now, Origin.NEWS, 1, None, now, now, (), now)
        with self.store.atomic():
            episode = replace(episode, id=self.store.episodes.write(episode))
            self._queue(f"m{number}", channel, episode, now)
        return episode

    def ends(self, episode: Episode, number: int) -> None:
        now = self.time.now()
        over = replace(episode, ended_at=now, end_reason=EndReason.RECOVERED, ended_by="repaired", end_known_at=now)
        with self.store.atomic():
            self.store.episodes.write(over)
            self._queue(f"e{number}", "ops", over, now)

    def _queue(self, name: str, channel: str, episode: Episode, now: Millis) -> None:
        text = to_json(replace(self._message, id=name, channel=channel, at=now, notes=()))
        for target in next(one for one in self.channels if one.name == channel).targets:
            self.store.outbox.add(f"{name}/{channel}/{target.key}", channel, target.key, text, now)
        self.store.speech.tell(episode.id, channel, name, episode.count, now, ended=not episode.firing)

    def run(self, seconds: float, *happenings: tuple[float, object]) -> None:
        """Delivers for so long, and calls each happening at its second; every run is a new process."""

        async def story() -> None:
            stop, began = asyncio.Event(), self.time.seconds
            outbox = StoredOutbox(self.store, self.channels, Digester({}))
            means = Means(outbox, self.sender, self.time, UTC, self.time.sleep, Random(1))
            deliverer = Deliverer(self.channels, means)
            running = asyncio.ensure_future(deliverer.run(stop))
            for at, happening in happenings:
                await self.time.sleep(began + at - self.time.seconds)
                assert callable(happening)
                happening()
                deliverer.wake()
            await self.time.sleep(began + seconds - self.time.seconds)
            stop.set()
            await running

        self.time.run(story())

    def rows(self, *states: str) -> list[OutboxRecord]:
        return self.store.outbox.records(states=states)[::-1]

    def answers(self, *outcomes: Outcome, target: str = "json-1") -> None:
        self.sender.outcomes[target] = list(outcomes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(open_database(tmp_path / "state.db"))) as found:
        yield found


def limited(count: int, per: Millis) -> Channel:
    return replace(OPS, spacing=1.0, budget=Budget(count, per))


def test_within_the_budget_every_message_is_told_by_itself(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(20, 10 * MINUTE))
    for number in range(19):
        watch.says(number)
    watch.run(60)
    assert [row.state for row in watch.rows("sent", "folded", "dead")] == ["sent"] * 19


def test_past_the_budget_all_that_waits_is_one_counted_digest(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(20, 10 * MINUTE))
    for number in range(500):
        watch.says(number, severity=Severity.CRITICAL if number == 444 else Severity.WARNING, farm=f"Farm {number % 2}")
    watch.run(9 * 60)
    assert len(watch.texts) == 20
    digest = watch.texts[-1]
    assert digest.title == "481 messages folded into one, since 01:46:40 UTC: 481 alerts still fire"
    first = digest.body.split("\n")
    assert first[0] == "481 alerts: 481 firing"
    assert first[2].startswith("• CRITICAL: rule-0, Farm 0, M-444: 1 task, since 01:46:40 UTC (a00444)")
    assert first[3].startswith("• rule-1, Farm 1, M-19:")
    assert "and 4" in digest.body
    assert "By rule: rule-1 (161), " in digest.body
    assert "By farm: Farm 1 (241), Farm 0 (240)" in digest.body
    assert len(watch.rows("folded")) == 481


def test_what_comes_while_the_budget_is_spent_waits_for_it_and_is_one_digest(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(2, 10 * MINUTE))
    first = [watch.says(0), watch.says(1)]
    watch.run(
        700,
        (60, lambda: watch.says(2)),
        (120, lambda: watch.ends(first[0], 0)),
        (180, lambda: watch.says(3)),
    )
    assert [when for when, _ in watch.sender.ledger] == [0, 1, 600]
    assert watch.texts[-1].title == "3 messages folded into one, since 01:47:40 UTC: 2 alerts still fire"
    assert "rule-0, North Barn, M-0: 1 task, 01:46:40 UTC, for 2m, repaired (a00000)" in watch.texts[-1].body


def test_what_is_folded_counts_as_told_and_every_decision_says_so(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(1, 10 * MINUTE))
    episodes = [watch.says(number) for number in range(3)]
    watch.run(60)
    (carrier,) = watch.rows("sent")
    assert carrier.stands_for == 3
    assert [row.folded_into for row in watch.rows("folded")] == [carrier.id] * 3
    assert {told.episode for told in store.speech.told()} == {episode.id for episode in episodes}
    for episode in episodes:
        (decided,) = store.speech.decisions(episode.alert.fingerprint, watch.time.now())
        assert (decided.why.reason, decided.why.message) == (Hush.FOLDED, carrier.message_id)


def test_a_spent_budget_stays_spent_over_a_restart(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(2, 10 * MINUTE))
    for number in range(2):
        watch.says(number)
    watch.run(10)
    watch.says(2)
    watch.run(10)
    assert len(watch.texts) == 2
    watch.run(600)
    assert len(watch.texts) == 3


def test_a_clock_that_was_put_back_does_not_lock_the_budget(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(1, 10 * MINUTE))
    watch.says(0)
    watch.run(10)
    watch.time.seconds -= DAY / SECOND
    watch.says(1)
    watch.run(10)
    assert len(watch.texts) == 2


def test_a_clock_that_is_behind_after_a_restart_gives_no_second_budget(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(1, 10 * MINUTE))
    watch.says(0)
    watch.run(60)
    watch.time.seconds -= 90
    watch.says(1)
    watch.run(60)
    assert len(watch.texts) == 1
    watch.run(700)
    assert len(watch.texts) == 2


def test_a_retry_is_not_late_because_the_clock_was_put_back(store: Store, message: Message) -> None:
    watch = Watch(store, message, OPS)
    watch.answers(DOWN)
    watch.says(0)
    watch.run(0.5)
    watch.time.seconds -= DAY / SECOND
    watch.run(10)
    assert [row.state for row in watch.rows("sent")] == ["sent"]


def test_a_short_outage_is_made_up_for_one_by_one(store: Store, message: Message) -> None:
    watch = Watch(store, message, OPS)
    watch.answers(*[DOWN] * 4)
    for number in range(20):
        watch.says(number)
    watch.run(60)
    assert len(watch.rows("sent")) == 20


def test_a_week_of_outage_is_delivered_as_one_digest_the_oldest_trouble_first(store: Store, message: Message) -> None:
    watch = Watch(store, message, OPS)
    down = [DOWN] * 100_000
    watch.answers(*down)
    started: list[Episode] = []

    def hour(number: int) -> None:
        started.append(watch.says(number))
        if number % 4 == 3:
            watch.ends(started[number - 1], number)

    hours = 7 * 24
    watch.run(hours * 3600, *((number * 3600, lambda number=number: hour(number)) for number in range(hours)))
    watch.answers()
    tried = len(watch.texts)
    watch.run(700)
    (digest,) = watch.texts[tried:]
    ended = hours // 4
    assert digest.title.startswith(f"{hours + ended} messages that could not be delivered in time, since ")
    assert digest.title.endswith(f": {hours - ended} alerts still fire")
    first = digest.body.split("\n")
    assert first[0] == f"{hours} alerts: {hours - ended} firing, {ended} over, {ended} of these came and went"
    assert first[2].startswith("• rule-0, North Barn, M-0:")
    assert watch.rows("queued", "sending", "dead") == []
    assert len(watch.rows("folded")) >= hours + ended


def test_a_day_of_outage_is_given_up_visibly_and_still_told_when_the_service_is_back(
    store: Store, message: Message
) -> None:
    watch = Watch(store, message, replace(OPS, fallback=("mail",)), MAIL)
    watch.answers(*[DOWN] * 10_000)
    mail = replace(MAIL, targets=(replace(MAIL.targets[0], key="json-2"),))
    watch.channels = (watch.channels[0], mail)
    for number in range(8):
        watch.says(number)
    watch.run(25 * 3600)
    (given_up,) = watch.rows("dead")
    assert given_up.stands_for == 8
    told = [text for text in watch.texts if text.title.startswith("Could not be delivered to ops: 8 messages")]
    assert len(told) == 1
    watch.says(8)
    watch.answers()
    watch.run(600)
    assert watch.texts[-1].title.startswith("9 messages that could not be delivered in time, since ")
    assert watch.rows("dead") == []


def test_an_ambiguous_message_is_never_folded(store: Store, message: Message) -> None:
    watch = Watch(store, message, limited(2, 10 * MINUTE))
    watch.answers(LOST)
    for number in range(4):
        watch.says(number)
    watch.run(60)
    assert "may be a repeat" in watch.texts[1].body
    assert watch.texts[1].title == watch.texts[0].title
    assert watch.texts[2].title.startswith("3 messages folded")


def test_a_dead_letter_goes_to_the_fallback_channel_once(store: Store, message: Message) -> None:
    ops = replace(channel("ops", targets=2, spacing=0.0), fallback=("mail",))
    mail = replace(MAIL, targets=(replace(MAIL.targets[0], key="json-9"),))
    watch = Watch(store, message, ops, mail)
    watch.sender.outcomes = {"json-1": [WRONG], "json-2": [WRONG]}
    watch.says(0)
    watch.run(10)
    (told,) = [row for row in watch.rows("sent") if row.channel == "mail"]
    assert told.fallback_of == watch.rows("dead")[0].id
    assert from_json(told.message).undelivered == "ops"
    text = watch.texts[-1]
    assert text.title.startswith("Could not be delivered to ops: Critical: Firmware updates are failing")
    assert "Note: ops: JSON answered 401 Unauthorized" in text.body


def test_fallbacks_of_fallbacks_are_told_too(store: Store, message: Message) -> None:
    first = replace(OPS, fallback=("mail",))
    second = Channel("mail", (replace(MAIL.targets[0], key="json-2"),), 0.0, None, ("pager",))
    third = Channel("pager", (replace(MAIL.targets[0], channel="pager", key="json-3"),), 0.0)
    watch = Watch(store, message, first, second, third)
    watch.sender.outcomes = {"json-1": [WRONG], "json-2": [WRONG], "json-3": [SENT]}
    watch.says(0)
    watch.run(10)
    assert [(row.channel, row.state) for row in watch.rows("sent", "dead")] == [
        ("ops", "dead"),
        ("mail", "dead"),
        ("pager", "sent"),
    ]


def test_drain_tells_the_fallback_channel_in_the_same_run(store: Store, message: Message) -> None:
    first = replace(OPS, fallback=("mail",))
    second = Channel("mail", (replace(MAIL.targets[0], key="json-2"),), 0.0)
    watch = Watch(store, message, second, first)
    watch.sender.outcomes = {"json-1": [WRONG]}
    watch.says(0)
    outbox = StoredOutbox(store, watch.channels, Digester({}))
    means = Means(outbox, watch.sender, watch.time, UTC, watch.time.sleep, Random(1))
    assert watch.time.run(Deliverer(watch.channels, means).drain()) == 0
    assert [row.channel for row in watch.rows("sent")] == ["mail"]


def test_a_message_is_kept_once_for_all_its_targets(store: Store, message: Message) -> None:
    watch = Watch(store, message, channel("ops", targets=3))
    watch.says(0)
    assert store.database.connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    watch.run(60)
    with store.atomic():
        store.outbox.purge(watch.time.now() + HOUR)
    assert store.database.connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)
