"""The table "When a group speaks", a row for each rule of it."""

from dataclasses import replace

import pytest

from watcher.alerts.routes import Destination, Timers
from watcher.alerts.speech import Decision, Group, Hush, Member, decide, grew
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Say, Severity
from watcher.model.times import HOUR, MINUTE, SECOND

T = 1_000_000_000
ALERT = Alert("a1", "rule", Severity.WARNING, ("f",), {"rule": "rule", "severity": "warning", "farm": "Farm"})
FIRING = Episode(1, ALERT, T, Origin.NEWS, 1, None, T, T, (1,), T)
CRITICAL = replace(FIRING, alert=replace(ALERT, severity=Severity.CRITICAL))


def ended(reason: EndReason, at: int = T + MINUTE) -> Episode:
    return replace(FIRING, ended_at=at, end_reason=reason, end_known_at=at)


def group(*members: Member, spoken_at: int | None = None, timers: Timers | None = None, resolved: bool = True) -> Group:
    made = Group(Destination("k", "ops", {}, timers or Timers()), resolved, spoken_at, spoken_at)
    made.members = dict(enumerate(members, 1))
    return made


ROWS: dict[str, tuple[Group, int, Say | Hush]] = {
    "a new group waits for group_wait": (group(Member(FIRING)), T + 29 * SECOND, Hush.WAITING),
    "and speaks after it": (group(Member(FIRING)), T + 30 * SECOND, Say.FIRST),
    "a critical alert waits for nothing": (group(Member(CRITICAL)), T, Say.FIRST),
    "unless the route says so": (group(Member(CRITICAL), timers=Timers(wait=MINUTE)), T, Hush.WAITING),
    "what was so already is no first word": (
        group(Member(replace(FIRING, origin=Origin.ALREADY))),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "a new alert waits for the next tick of group_interval": (
        group(Member(FIRING, told_count=1), Member(replace(FIRING, id=2, known_at=T + MINUTE)), spoken_at=T),
        T + 4 * MINUTE,
        Hush.WAITING,
    ),
    "and is told at it": (
        group(Member(FIRING, told_count=1), Member(replace(FIRING, id=2, known_at=T + MINUTE)), spoken_at=T),
        T + 5 * MINUTE,
        Say.NEW_ALERTS,
    ),
    "an alert that doubled is told at the next tick": (
        group(Member(FIRING, told_count=1, grew_at=T + MINUTE), spoken_at=T),
        T + 5 * MINUTE,
        Say.GREW,
    ),
    "an end is told at the next tick": (
        group(Member(ended(EndReason.RECOVERED), told_count=1), spoken_at=T),
        T + 5 * MINUTE,
        Say.ALL_ENDED,
    ),
    "so is a quiet one": (
        group(Member(ended(EndReason.QUIET), told_count=1), spoken_at=T),
        T + 5 * MINUTE,
        Say.ALL_ENDED,
    ),
    "an end by time is no news": (
        group(Member(ended(EndReason.EXPIRED), told_count=1), spoken_at=T),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "unless the rule names it": (
        group(Member(ended(EndReason.EXPIRED), told_count=1, tells_expiry=True), spoken_at=T),
        T + HOUR,
        Say.ALL_ENDED,
    ),
    "an end by an edit rides along with another message": (
        group(Member(ended(EndReason.EDITED), told_count=1), spoken_at=T),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "while another alert fires, an end waits for its company": (
        group(Member(ended(EndReason.RECOVERED), told_count=1), Member(FIRING, told_count=1), spoken_at=T),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "what nobody heard of does not end aloud": (
        group(Member(ended(EndReason.RECOVERED)), spoken_at=None),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "a channel that wants no ends hears none": (
        group(Member(ended(EndReason.RECOVERED), told_count=1), spoken_at=T, resolved=False),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "a standing alert is repeated after repeat_interval": (
        group(Member(FIRING, told_count=1), spoken_at=T),
        T + 4 * HOUR,
        Say.REPEAT,
    ),
    "and not before": (group(Member(FIRING, told_count=1), spoken_at=T), T + 4 * HOUR - 1, Hush.UNCHANGED),
    "single events are not repeated": (
        group(Member(FIRING, told_count=1, single_event=True), spoken_at=T),
        T + 9 * HOUR,
        Hush.UNCHANGED,
    ),
    "unless the route says so for them too": (
        group(Member(FIRING, told_count=1, single_event=True), spoken_at=T, timers=Timers(repeat=HOUR)),
        T + HOUR,
        Say.REPEAT,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table(row: str) -> None:
    state, now, wanted = ROWS[row]
    assert decide(state, now).reason == wanted


def test_a_decision_to_wait_says_until_when() -> None:
    assert decide(group(Member(FIRING)), T) == Decision(Hush.WAITING, T + 30 * SECOND)


def test_in_a_hurry_neither_wait_nor_interval_is_waited_for_but_the_repeat_is() -> None:
    assert decide(group(Member(FIRING)), T, hurry=True).reason is Say.FIRST
    over = group(Member(ended(EndReason.RECOVERED), told_count=1), spoken_at=T)
    assert decide(over, T + SECOND, hurry=True).reason is Say.ALL_ENDED
    assert decide(group(Member(FIRING, told_count=1), spoken_at=T), T + HOUR, hurry=True).reason is Hush.UNCHANGED


def test_an_alert_has_grown_when_its_count_has_doubled_since_it_was_told() -> None:
    member = Member(replace(FIRING, count=7), told_count=4)
    grew(member, T)
    assert member.grew_at is None
    member.episode = replace(FIRING, count=8)
    grew(member, T)
    assert member.grew_at == T
