"""What is not said to the sleeping, and what is said when they wake: boards over time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.alerts.board import Board, GroupRecord, Heard, Utterance, Voice
from watcher.alerts.flapping import Damping
from watcher.alerts.mute_times import WEEK, Hours, Mutes, MuteTime, parse_span
from watcher.alerts.routes import Escalation, Timers, compile_route
from watcher.model.act import Ack, Silence
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.decision import Hush, Why
from watcher.model.message import Say, Severity
from watcher.model.times import DAY, HOUR, MINUTE, SECOND, Millis

T = 20_000 * DAY + 12 * HOUR
"""Noon."""
NIGHT = Mutes((MuteTime("night", (Hours(WEEK, (parse_span("22:00-06:00"),), UTC),)),))
TEN, SIX = T + 10 * HOUR, T + 18 * HOUR
"""When the night begins and ends."""


def episode(number: int, at: Millis = T, *, alert: int | None = None, count: int = 1) -> Episode:
    name = f"m{number if alert is None else alert}"
    labels = {"rule": "r", "severity": "warning", "farm": "North", "miner": name}
    return Episode(
        number, Alert(name, "r", Severity.WARNING, (name,), labels), at, Origin.NEWS, count, None, at, at, (), at
    )


def over(one: Episode, at: Millis, reason: EndReason = EndReason.RECOVERED) -> Episode:
    return replace(one, ended_at=at, end_reason=reason, end_known_at=at)


def silence(begin: Millis, end: Millis, **match: str) -> Silence:
    return Silence(7, {label: (said,) for label, said in match.items()}, begin, end, "alice", "rollout")


@dataclass
class Watch:
    """A board, the store's memory of it, and time that passes only where something is due."""

    mutes: Mutes = field(default_factory=Mutes)
    escalation: Escalation | None = None
    damping: Damping | None = None
    repeat: Millis | None = None
    silences: list[Silence] = field(default_factory=list)
    acks: dict[int, Ack] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    heard: dict[tuple[int, str], Heard] = field(default_factory=dict)
    records: dict[str, GroupRecord] = field(default_factory=dict)
    why: dict[tuple[int, str], Why] = field(default_factory=dict)
    said: list[Utterance] = field(default_factory=list)
    now: Millis = T
    restarts: bool = False

    def __post_init__(self) -> None:
        self.board = self._made()

    def _made(self) -> Board:
        rest = {"mutes": self.mutes, "escalation": self.escalation}
        route = compile_route({}, ["ops"], ["rule"], Timers(repeat=self.repeat), goes_on=False, **rest)  # type: ignore[arg-type]
        return Board([route], {}, {"ops": Voice("ops"), "oncall": Voice("oncall")}, damping=self.damping)

    def restart(self) -> None:
        self.board = self._made()
        kept = [one for one in self.episodes.values() if one.firing or (one.ended_at or 0) > self.now - DAY]
        self.board.act(self.silences, self.acks)
        standing = [one for one in kept if one.firing]
        recent = sorted((one for one in kept if not one.firing), key=lambda one: one.ended_at or 0)
        self.board.restore(kept, self.heard.values(), self.records.values(), standing, self.why, recent)

    def take(self, *changed: Episode) -> None:
        for one in changed:
            self.episodes[one.id] = one
            self.board.update(one, self.now)

    def act(self, *silences: Silence, acks: Iterable[Ack] = ()) -> None:
        self.silences += silences
        self.acks |= {one.episode: one for one in acks}
        self.board.act(self.silences, self.acks)

    def until(self, moment: Millis) -> list[str]:
        """Let time pass; what was said, and where: the moments that the board itself names are the only ones asked."""
        before = len(self.said)
        while True:
            if self.restarts:
                self.restart()
            due = self.board.next_due(self.now)
            if due is None or due > moment:
                break
            self.now = max(self.now, due) if due > self.now or before != len(self.said) else self.now
            if not self._speak() and due <= self.now:
                self.now += SECOND
            if self.now > moment:
                break
        self.now = max(self.now, moment)
        self._speak()
        return [f"{one.channel} {one.say.value}" for one in self.said[before:]]

    def _speak(self) -> bool:
        said = self.board.utterances(self.now, self.now)
        for one in said:
            for number in one.outgrown:
                self.acks.pop(number, None)
            for member in one.members:
                about = member.episode.id, one.channel
                first = self.heard[about].first_at if about in self.heard else self.now
                over = not member.episode.firing
                self.heard[about] = Heard(*about, member.episode.count, over, first, self.now)
        self.said += said
        for reason in self.board.reasons(self.now):
            self.why[reason.episode.id, reason.channel] = reason.why
        for record, _, _ in self.board.records():
            self.records[record.key] = record
        return bool(said)

    def reason(self, number: int, channel: str = "ops") -> Hush | Say:
        return self.board.standing(number, self.now)[channel].reason


@pytest.fixture(params=[False, True], ids=["on and on", "restarted at every step"])
def restarts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# --- mute times


def test_what_fires_at_night_is_told_in_one_message_when_it_ends(restarts: bool) -> None:
    watch = Watch(NIGHT, restarts=restarts)
    watch.now = TEN + HOUR
    watch.take(episode(1, watch.now))
    assert watch.until(watch.now + HOUR) == []
    assert watch.reason(1) is Hush.MUTED
    watch.take(episode(2, watch.now), episode(3, watch.now), over(episode(4, watch.now), watch.now))
    assert watch.until(SIX - 1) == []
    assert watch.until(SIX) == ["ops unmuted"]
    assert {member.episode.id for member in watch.said[-1].members} == {1, 2, 3}, "what is over by then is not told"
    assert watch.until(SIX + HOUR) == []


def test_the_end_of_what_was_told_is_told_at_night_too(restarts: bool) -> None:
    watch = Watch(NIGHT, restarts=restarts)
    watch.take(episode(1))
    watch.until(TEN + HOUR)
    watch.take(over(episode(1), TEN + HOUR))
    watch.until(TEN + 2 * HOUR)
    assert [one.say for one in watch.said][-1] is Say.ALL_ENDED


def test_a_repeat_that_fell_into_the_night_comes_when_it_ends(restarts: bool) -> None:
    watch = Watch(NIGHT, restarts=restarts)
    watch.now = TEN - HOUR
    watch.take(episode(1, watch.now))
    assert watch.until(TEN + HOUR) == ["ops first"]
    assert watch.until(SIX + HOUR) == ["ops unmuted"]


def test_what_was_to_be_said_just_before_the_night_is_told_after_it() -> None:
    watch = Watch(NIGHT)
    watch.take(episode(1, TEN - 30 * SECOND))
    watch.now = TEN
    assert watch.until(SIX) == ["ops unmuted"]


def test_an_end_waits_for_its_company_over_a_long_weekend() -> None:
    days = Mutes((MuteTime("holidays", (Hours(WEEK, (), UTC),)),))
    watch = Watch(days)
    watch.mutes = Mutes()
    watch.board = watch._made()
    watch.take(episode(1), episode(2))
    assert watch.until(T + HOUR) == ["ops first"]
    watch.mutes = days
    watch.restart()
    watch.take(over(episode(1), T + 2 * HOUR))
    assert watch.until(T + 3 * DAY) == []
    watch.take(over(episode(2), watch.now))
    assert watch.until(watch.now + HOUR) == ["ops all_ended"]
    assert {member.episode.id for member in watch.said[-1].ended} == {1, 2}


# --- silences


def test_a_silence_keeps_quiet_what_it_matches_and_its_end_brings_what_still_fires(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.act(silence(T, T + 2 * HOUR, miner="m1"))
    watch.take(episode(1), episode(2))
    assert watch.until(T + HOUR) == ["ops first"]
    assert [member.episode.id for member in watch.said[-1].members] == [2]
    assert watch.reason(1) is Hush.SILENCED
    assert watch.board.standing(1, watch.now)["ops"].author == "alice"
    assert watch.until(T + 3 * HOUR) == ["ops unmuted"]
    released = next(member.released for member in watch.said[-1].members if member.episode.id == 1)
    assert released is not None
    assert released.author == "alice"


def test_a_silence_that_is_added_stops_repeats_and_one_that_is_ended_brings_them_back(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.take(episode(1))
    assert watch.until(T + HOUR) == ["ops first"]
    watch.act(silence(T + HOUR, T + DAY, rule="r"))
    assert watch.until(T + 10 * HOUR) == []
    watch.silences = [replace(watch.silences[0], ends_at=T + 10 * HOUR)]
    watch.act()
    assert watch.until(T + 10 * HOUR + MINUTE) == ["ops unmuted"]


def test_whoever_heard_of_it_hears_of_its_end_under_a_silence(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.take(episode(1), episode(2))
    watch.until(T + HOUR)
    watch.act(silence(T + HOUR, T + DAY, rule="r"))
    watch.take(over(episode(1), T + HOUR))
    assert watch.until(T + 2 * HOUR) == ["ops all_ended"]
    assert [one.episode.id for one in watch.said[-1].members] == [1], "the other is silenced"
    watch.take(over(episode(2), watch.now))
    assert watch.until(T + 3 * HOUR) == ["ops all_ended"]


def test_what_came_and_went_under_a_silence_is_never_told(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.act(silence(T, T + HOUR, rule="r"))
    watch.take(episode(1))
    watch.until(T + MINUTE)
    watch.take(over(episode(1), T + MINUTE))
    assert watch.until(T + 3 * HOUR) == []


# --- acknowledgements


def test_an_ack_stops_repeats_until_it_gets_worse(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.take(episode(1, count=5))
    assert watch.until(T + HOUR) == ["ops first"]
    watch.act(acks=[Ack(1, watch.now, "bob", "on it", 5)])
    assert watch.until(T + 20 * HOUR) == []
    assert watch.reason(1) is Hush.ACKNOWLEDGED
    watch.take(episode(1, count=10))
    assert watch.until(T + 21 * HOUR) == ["ops grew"]
    watch.take(episode(1, count=6))
    assert watch.until(T + 26 * HOUR) == ["ops repeat"], "once it got worse, nobody has taken that on"


def test_an_ack_is_of_one_alert_a_new_one_in_its_group_is_told(restarts: bool) -> None:
    watch = Watch(restarts=restarts)
    watch.take(episode(1))
    watch.until(T + HOUR)
    watch.act(acks=[Ack(1, watch.now, "bob", "", 1)])
    watch.take(episode(2, watch.now))
    assert watch.until(T + 2 * HOUR) == ["ops new_alerts"]
    watch.take(over(episode(1), watch.now), over(episode(2), watch.now))
    assert watch.until(T + 3 * HOUR) == ["ops all_ended"]


# --- escalation


HIGHER = Escalation(20 * MINUTE, ("oncall",))


def test_what_nobody_acknowledges_is_told_higher_once_and_so_is_its_end(restarts: bool) -> None:
    watch = Watch(escalation=HIGHER, restarts=restarts)
    watch.take(episode(1), episode(2))
    assert watch.until(T + 20 * MINUTE) == ["ops first"]
    assert watch.reason(1, "oncall") is Hush.WAITING
    assert watch.until(T + HOUR) == ["oncall escalated"]
    assert watch.said[-1].at == T + 20 * MINUTE + 30 * SECOND
    assert len(watch.said[-1].members) == 2
    assert watch.until(T + 20 * HOUR) == ["ops repeat"] * 4
    watch.take(over(episode(1), watch.now), over(episode(2), watch.now))
    assert sorted(watch.until(T + 21 * HOUR)) == ["oncall all_ended", "ops all_ended"]


@pytest.mark.parametrize("done", ["acknowledged", "ended", "silenced"])
def test_what_was_seen_to_in_time_is_not_escalated(restarts: bool, done: str) -> None:
    watch = Watch(escalation=HIGHER, restarts=restarts)
    watch.take(episode(1))
    assert watch.until(T + 10 * MINUTE) == ["ops first"]
    if done == "acknowledged":
        watch.act(acks=[Ack(1, watch.now, "bob", "", 1)])
    elif done == "silenced":
        watch.act(silence(watch.now, T + DAY, rule="r"))
    else:
        watch.take(over(episode(1), watch.now))
    assert "oncall escalated" not in watch.until(T + 5 * HOUR)
    assert not [one for one in watch.said if one.channel == "oncall"]


def test_a_channel_that_is_told_anyway_is_not_escalated_to() -> None:
    watch = Watch(escalation=Escalation(MINUTE, ("ops",)))
    assert [one.after for one in watch.board.destinations(episode(1))] == [None]


# --- flapping


def flap(watch: Watch, number: int, at: Millis, length: Millis = 10 * MINUTE) -> list[str]:
    """The alert fires at a moment, and ends."""
    said = watch.until(at)
    watch.take(episode(number, at, alert=1))
    said += watch.until(at + length)
    watch.take(over(episode(number, at, alert=1), at + length))
    return said


def test_an_alert_that_flaps_is_told_as_such_once_and_then_no_more_until_it_is_calm(restarts: bool) -> None:
    watch = Watch(damping=Damping(4, HOUR), restarts=restarts)
    assert flap(watch, 1, T) == ["ops first"]
    assert flap(watch, 2, T + 20 * MINUTE) == ["ops all_ended", "ops first"]
    assert flap(watch, 3, T + 40 * MINUTE) == ["ops all_ended"], "the fourth change is told as flapping"
    (member,) = watch.said[-1].ended
    assert member.flaps is not None
    assert member.flaps.changes == 4
    assert flap(watch, 4, T + 60 * MINUTE) == []
    assert flap(watch, 5, T + 80 * MINUTE) == []
    assert watch.until(T + 4 * HOUR) == [], "its end was told, and it has ended"
    assert flap(watch, 6, T + 5 * HOUR) == ["ops first"]


def test_what_stands_when_it_is_calm_is_told(restarts: bool) -> None:
    watch = Watch(damping=Damping(4, HOUR), restarts=restarts)
    for number, start in enumerate(range(0, 60, 20), 1):
        flap(watch, number, T + start * MINUTE)
    watch.until(T + 60 * MINUTE)
    watch.take(episode(9, T + 60 * MINUTE, alert=1))
    assert watch.until(T + 119 * MINUTE) == []
    assert watch.reason(9) is Hush.FLAPPING
    assert watch.until(T + 3 * HOUR) == ["ops first"]


def test_an_end_that_is_owed_comes_when_it_is_calm(restarts: bool) -> None:
    watch = Watch(damping=Damping(3, HOUR), restarts=restarts)
    flap(watch, 1, T)
    assert flap(watch, 2, T + 20 * MINUTE) == ["ops all_ended", "ops first"], "told as flapping while it fires"
    assert watch.until(T + 89 * MINUTE) == []
    assert watch.until(T + 3 * HOUR) == ["ops all_ended"]


def test_what_is_shorter_than_group_wait_flaps_in_one_message(restarts: bool) -> None:
    watch = Watch(damping=Damping(4, HOUR), restarts=restarts)
    said = [word for number in range(1, 9) for word in flap(watch, number, T + number * MINUTE, 10 * SECOND)]
    said += watch.until(T + 5 * HOUR)
    assert said == ["ops catch_up"] * 2, "before it flaps, and as flapping"


# --- laws

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "end", "grow", "silence", "ack", "nothing"]), st.integers(0, 4), st.integers(1, 400)
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, night=st.booleans(), damped=st.booleans(), escalated=st.booleans())
def test_nobody_hears_only_of_an_end_and_what_fires_unmuted_is_told_in_time_restarted_or_not(
    steps: Sequence[tuple[str, int, int]], night: bool, damped: bool, escalated: bool
) -> None:
    lives = [
        Watch(
            NIGHT if night else Mutes(),
            HIGHER if escalated else None,
            Damping(4, HOUR) if damped else None,
            restarts=restarts,
        )
        for restarts in (False, True)
    ]
    told = [_lived(watch, steps) for watch in lives]
    assert told[0] == told[1], "a restart changes nothing"
    watch = lives[0]
    for channel in ("ops", "oncall"):
        heard: set[int] = set()
        for one in [one for one in watch.said if one.channel == channel]:
            ends = {member.episode.id for member in one.ended}
            assert ends <= heard or one.say is Say.CATCH_UP or one.unheard >= ends - heard
            heard |= {member.episode.id for member in one.members}
        ended = {number for (number, name), one in watch.heard.items() if name == channel and one.end_told}
        owed = {number for number in heard if not watch.episodes[number].firing} - ended
        assert owed == set(), "whoever heard of a firing hears of its end"
    standing = [one for one in watch.episodes.values() if one.firing]
    assert {one.id for one in standing} <= {number for number, channel in watch.heard if channel == "ops"}


def _lived(watch: Watch, steps: Sequence[tuple[str, int, int]]) -> list[tuple[str, Millis, str]]:
    firing: dict[int, Episode] = {}
    for what, who, minutes in steps:
        watch.until(watch.now + minutes * MINUTE)
        now, known = watch.now, firing.get(who)
        if what == "begin" and known is None:
            firing[who] = episode(len(watch.episodes) + 1, now, alert=who)
            watch.take(firing[who])
        elif what == "end" and known is not None:
            watch.take(over(firing.pop(who), now))
        elif what == "grow" and known is not None:
            firing[who] = replace(known, count=known.count + 1 + who, last_at=now)
            watch.take(firing[who])
        elif what == "silence":
            watch.act(silence(now + who * MINUTE, now + (who + 1) * HOUR, miner=f"m{who}"))
        elif what == "ack" and known is not None:
            watch.act(acks=[Ack(known.id, now, "bob", "", known.count)])
    watch.until(watch.now + 2 * DAY)
    return [(one.channel, one.at, one.say.value) for one in watch.said]
