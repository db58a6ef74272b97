"""The daily summary: once a day by the zone's clock, whatever that clock does, and over restarts."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from watcher.alerts.digest import Digester
from watcher.model.alert import Alert, Episode, Origin
from watcher.model.codec import from_json
from watcher.model.decision import Decided, Hush, Why
from watcher.model.message import Message, Say, Severity
from watcher.model.times import HOUR, MINUTE, Millis
from watcher.notify.draft import draft
from watcher.notify.family.plain import Plain
from watcher.store.database import open_database
from watcher.store.store import Store
from watcher.watch.daily import Daily, is_due

CHICAGO = ZoneInfo("America/Chicago")
ALERT = Alert("a1", "rule", Severity.WARNING, ("F",), {"rule": "rule", "severity": "warning", "farm": "North Barn"})


def at(text: str) -> Millis:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHICAGO).timestamp() * 1000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(open_database(tmp_path / "state.db"))) as found:
        yield found


@pytest.fixture
def daily(store: Store) -> Daily:
    return Daily(store, Digester({}), time(9), CHICAGO, {"ops": ["slack-1", "slack-2"]})


def messages(store: Store) -> list[Message]:
    return [from_json(one.message) for one in store.outbox.records(states=["queued"]) if one.target == "slack-1"][::-1]


def text(message: Message) -> str:
    shown = Plain()(draft(message, CHICAGO, may_repeat=False), 3500)
    return f"{shown.title}\n{shown.body}"


@pytest.mark.parametrize(
    ("now", "wanted", "due"),
    [
        ("2026-11-23T08:59", "09:00", False),
        ("2026-11-23T09:00", "09:00", True),
        ("2026-11-23T23:59", "09:00", True),
        ("2026-11-22T12:00", "09:00", False),  # of the day before: it was made
        ("2026-03-08T01:59", "02:30", False),  # the night in which 2:30 does not exist
        ("2026-03-08T03:00", "02:30", True),
        ("2026-11-01T01:30", "01:30", True),  # the night in which 1:30 comes twice
    ],
)
def test_it_is_due_at_its_time_of_the_day(now: str, wanted: str, due: bool) -> None:
    last = "2026-11-22" if now.startswith("2026-11-2") else "2026-01-01"
    assert bool(is_due(at(now), time.fromisoformat(wanted), CHICAGO, last)) is due


def test_an_hour_that_comes_twice_has_one_summary(daily: Daily, store: Store) -> None:
    early = replace(daily, at=time(1, 30))
    early.tick(at("2026-10-31T12:00"))
    first = at("2026-11-01T01:30")
    assert [early.tick(first + minutes * MINUTE) for minutes in (0, 1, 60, 61, 120)] == [True] + [False] * 4


def test_it_comes_once_a_day_also_over_restarts(daily: Daily, store: Store) -> None:
    now = at("2026-11-20T15:00")
    days = [now + hours * HOUR for hours in range(24 * 4) if replace(daily).tick(now + hours * HOUR)]
    assert [datetime.fromtimestamp(one / 1000, CHICAGO).strftime("%d %H") for one in days] == [
        "21 09",
        "22 09",
        "23 09",
        "24 09",
    ]
    assert len({message.id for message in messages(store)}) == 4


def test_one_that_was_missed_is_made_up_for_on_the_same_day(daily: Daily) -> None:
    daily.tick(at("2026-11-20T15:00"))
    assert daily.tick(at("2026-11-21T17:00"))
    assert daily.tick(at("2026-11-23T10:00"))
    assert not daily.tick(at("2026-11-23T11:00"))


def test_a_clock_that_is_set_makes_no_second_one(daily: Daily) -> None:
    daily.tick(at("2026-11-20T15:00"))
    assert daily.tick(at("2026-11-21T09:00"))
    assert not daily.tick(at("2026-11-20T09:30"))
    assert not daily.tick(at("1970-01-02T09:30"))
    assert not daily.tick(at("2026-11-21T10:00"))


def test_it_tells_what_stands_what_was_not_told_and_what_was_given_up(daily: Daily, store: Store) -> None:
    began = at("2026-11-21T08:00")
    daily.tick(began - HOUR)
    with store.atomic():
        fires = Episode(0, ALERT, began, Origin.NEWS, 12, None, began, began, (), began)
        number = store.episodes.write(fires)
        learnt = replace(fires, alert=replace(ALERT, fingerprint="a2"), origin=Origin.BASELINE)
        store.episodes.write(learnt)
        store.speech.decided(
            [Decided(began, "a1", "ops", number, Why(Hush.FOLDED)), Decided(began, "a3", "ops", 7, Why(Hush.INHIBITED))]
        )
        row = store.outbox.add("m1/mail/mailto-1", "mail", "mailto-1", "{}", began)
        store.outbox.dead(row, began + HOUR, "The mail server answered 550: no such user")
    assert daily.tick(at("2026-11-22T09:00"))
    (message,) = messages(store)
    assert (message.say, message.severity) == (Say.DAILY, Severity.WARNING)
    assert text(message).split("\n")[:6] == [
        "Daily summary: 1 alert unrepaired",
        "1 alert: 1 firing",
        "Firing:",
        "• rule, North Barn: 12 tasks, since 21 Nov 08:00:00 CST (a1)",
        "Given up for mail: 1 message, at last because The mail server answered 550: no such user",
        "Not told by themselves since 21 Nov 07:00:00 CST: 1 folded into digests, 1 left to another alert",
    ]


def test_a_quiet_day_is_told_too(daily: Daily, store: Store) -> None:
    daily.tick(at("2026-11-20T15:00"))
    daily.tick(at("2026-11-21T09:00"))
    assert text(messages(store)[0]).startswith("Daily summary: nothing stands unrepaired\nNo alert fires.")


def test_without_channels_there_is_none(daily: Daily, store: Store) -> None:
    nobody = replace(daily, targets={})
    nobody.tick(at("2026-11-20T15:00"))
    assert not nobody.tick(at("2026-11-21T09:00"))
