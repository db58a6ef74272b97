"""The table "When a group speaks", a row for each rule of it."""

from dataclasses import replace
from datetime import UTC

import pytest

from watcher.alerts.flapping import Flaps
from watcher.alerts.mute_times import NEVER, WEEK, Hours, Mutes, MuteTime
from watcher.alerts.routes import Destination, Timers
from watcher.alerts.speech import Decision, Group, Hush, Member, decide, grew
from watcher.model.act import Ack, Silence
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Say, Severity
from watcher.model.times import DAY, HOUR, MINUTE, SECOND

T = 1_000_000_000
ALERT = Alert("a1", "rule", Severity.WARNING, ("f",), {"rule": "rule", "severity": "warning", "farm": "Farm"})
FIRING = Episode(1, ALERT, T, Origin.NEWS, 1, None, T, T, (1,), T)
CRITICAL = replace(FIRING, alert=replace(ALERT, severity=Severity.CRITICAL))


SILENCE = Silence(7, {"rule": ("rule",)}, T, T + HOUR, "alice", "rollout")
FLAPS = Flaps(T, T, T + HOUR, 4, HOUR)
ACK = Ack(1, T, "bob", "", 1)
NIGHT = Mutes((MuteTime("night", (Hours(WEEK, ((22 * 60, 6 * 60),), UTC),)),))
EVENING, MORNING = 22 * HOUR, DAY + 6 * HOUR
"""When that night begins and ends."""


def ended(reason: EndReason, at: int = T + MINUTE) -> Episode:
    return replace(FIRING, ended_at=at, end_reason=reason, end_known_at=at)


def group(
    *members: Member,
    spoken_at: int | None = None,
    timers: Timers | None = None,
    resolved: bool = True,
    mutes: Mutes = NEVER,
    after: int | None = None,
) -> Group:
    made = Group(Destination("k", "ops", {}, timers or Timers(), mutes, after), resolved, spoken_at, spoken_at)
    made.members = dict(enumerate(members, 1))
    return made


def at_night(known_at: int, told: int | None = None, grew_at: int | None = None) -> Member:
    return Member(replace(FIRING, known_at=known_at), told_count=told, grew_at=grew_at)


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
    "at night nothing is said of what fires": (
        group(at_night(EVENING + HOUR), mutes=NIGHT),
        EVENING + 2 * HOUR,
        Hush.MUTED,
    ),
    "nor that it has company": (
        group(at_night(EVENING - HOUR, 1), at_night(EVENING), spoken_at=EVENING - HOUR, mutes=NIGHT),
        EVENING + HOUR,
        Hush.MUTED,
    ),
    "nor that it still does": (
        group(at_night(EVENING - HOUR, 1), spoken_at=EVENING - HOUR, mutes=NIGHT),
        EVENING + 4 * HOUR,
        Hush.MUTED,
    ),
    "nor anything of what is known since a second": (
        group(at_night(EVENING + HOUR), mutes=NIGHT),
        EVENING + HOUR,
        Hush.MUTED,
    ),
    "what was told and is not due says so at night too": (
        group(at_night(EVENING - HOUR, 1), spoken_at=EVENING - HOUR, mutes=NIGHT),
        EVENING + HOUR,
        Hush.UNCHANGED,
    ),
    "an end is told at night": (
        group(Member(ended(EndReason.RECOVERED, EVENING + HOUR), told_count=1), spoken_at=EVENING - HOUR, mutes=NIGHT),
        EVENING + 2 * HOUR,
        Say.ALL_ENDED,
    ),
    "in the morning one message tells what fires still": (
        group(at_night(EVENING + HOUR), mutes=NIGHT),
        MORNING,
        Say.UNMUTED,
    ),
    "also that it grew": (
        group(at_night(EVENING - HOUR, 1, EVENING + HOUR), spoken_at=EVENING - HOUR, mutes=NIGHT),
        MORNING,
        Say.UNMUTED,
    ),
    "what comes after the night is told as ever": (
        group(at_night(MORNING), mutes=NIGHT),
        MORNING + 30 * SECOND,
        Say.FIRST,
    ),
    "of a silenced alert nothing is said": (group(Member(FIRING, silence=SILENCE)), T + MINUTE, Hush.SILENCED),
    "nor is it repeated": (
        group(Member(FIRING, told_count=1, silence=SILENCE), spoken_at=T),
        T + 9 * HOUR,
        Hush.SILENCED,
    ),
    "but its end is told": (
        group(Member(ended(EndReason.RECOVERED), told_count=1, silence=SILENCE), spoken_at=T),
        T + 5 * MINUTE,
        Say.ALL_ENDED,
    ),
    "and the end of another is not kept back by it": (
        group(
            Member(ended(EndReason.RECOVERED), told_count=1),
            Member(FIRING, told_count=1, silence=SILENCE),
            spoken_at=T,
        ),
        T + 5 * MINUTE,
        Say.ALL_ENDED,
    ),
    "what still fires when a silence is over is told as such": (
        group(Member(FIRING, released=SILENCE)),
        T + HOUR,
        Say.UNMUTED,
    ),
    "an acknowledged alert is not repeated": (
        group(Member(FIRING, told_count=1, ack=ACK), spoken_at=T),
        T + 9 * HOUR,
        Hush.ACKNOWLEDGED,
    ),
    "unless it got worse": (
        group(Member(replace(FIRING, count=2), told_count=2, ack=ACK), spoken_at=T),
        T + 9 * HOUR,
        Say.REPEAT,
    ),
    "or another one of its group is not": (
        group(Member(FIRING, told_count=1, ack=ACK), Member(FIRING, told_count=1), spoken_at=T),
        T + 9 * HOUR,
        Say.REPEAT,
    ),
    "one that has doubled since is told": (
        group(Member(replace(FIRING, count=2), told_count=1, grew_at=T + MINUTE, ack=ACK), spoken_at=T),
        T + 5 * MINUTE,
        Say.GREW,
    ),
    "an alert that flaps is told while its channel does not know": (
        group(Member(FIRING, flaps=FLAPS)),
        T + 30 * SECOND,
        Say.FIRST,
    ),
    "and no more when it does": (group(Member(FIRING, flaps=FLAPS, damped=True)), T + MINUTE, Hush.FLAPPING),
    "nor its end, before it is calm": (
        group(Member(ended(EndReason.RECOVERED), told_count=1, flaps=FLAPS, damped=True), spoken_at=T),
        T + 5 * MINUTE,
        Hush.FLAPPING,
    ),
    "an escalation waits for it to be told elsewhere": (
        group(Member(FIRING, second_hand=True), after=HOUR),
        T + 9 * HOUR,
        Hush.UNCHANGED,
    ),
    "then for somebody to act": (
        group(Member(FIRING, second_hand=True, escalates_at=T + HOUR), after=HOUR),
        T + HOUR - 1,
        Hush.WAITING,
    ),
    "where nobody does, it speaks": (
        group(Member(FIRING, second_hand=True, escalates_at=T + HOUR), after=HOUR),
        T + HOUR,
        Say.ESCALATED,
    ),
    "where somebody did, it does not": (
        group(Member(FIRING, second_hand=True, escalates_at=T + HOUR, ack=ACK), after=HOUR),
        T + HOUR,
        Hush.UNCHANGED,
    ),
    "it speaks once": (
        group(Member(FIRING, second_hand=True, told_count=1, escalates_at=T), after=HOUR, spoken_at=T),
        T + 9 * HOUR,
        Hush.UNCHANGED,
    ),
    "and tells the end": (
        group(Member(ended(EndReason.QUIET), second_hand=True, told_count=1), after=HOUR, spoken_at=T),
        T + 9 * HOUR,
        Say.ALL_ENDED,
    ),
    "at night nobody is escalated to": (
        group(replace(at_night(EVENING), second_hand=True, escalates_at=EVENING), after=HOUR, mutes=NIGHT),
        EVENING + HOUR,
        Hush.MUTED,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table(row: str) -> None:
    state, now, wanted = ROWS[row]
    assert decide(state, now).reason == wanted


def test_a_decision_to_wait_says_until_when() -> None:
    assert decide(group(Member(FIRING)), T) == Decision(Hush.WAITING, T + 30 * SECOND)


def test_what_time_alone_changes_is_asked_for_when_it_does() -> None:
    assert decide(group(at_night(EVENING + HOUR), mutes=NIGHT), EVENING + HOUR).due == MORNING
    silenced = group(Member(FIRING, silence=SILENCE))
    silenced.again_at = SILENCE.ends_at
    assert decide(silenced, T + MINUTE) == Decision(Hush.SILENCED, SILENCE.ends_at)
    mixed = group(Member(FIRING, silence=SILENCE), Member(FIRING))
    mixed.again_at = SILENCE.ends_at
    assert decide(mixed, T) == Decision(Hush.WAITING, T + 30 * SECOND)
    mixed.again_at = T + SECOND
    assert decide(mixed, T) == Decision(Hush.WAITING, T + SECOND, speaks_at=T + 30 * SECOND)


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
