"""The gates of one channel: what was decided, in words, and which of them said no."""

import pytest

from watcher.model.alert import Alert, Episode, Origin
from watcher.model.decision import Hush, Why
from watcher.model.message import Say, Severity
from watcher.model.times import MINUTE
from watcher.replay.gates import Answer, Channel, Gate, Passage, first_no, of_channel, of_knowledge, of_origin
from watcher.replay.parcels import Attempt, Parcel, Sent

T = 0
SENT = Sent("m1", "ops", "first", T, (Parcel("slack-1", "sent", (Attempt(T, "sent", "200 OK"),), finished_at=T),))


def when(at: int) -> str:
    return f"{at // MINUTE}m"


def channel(why: Why | None, *sent: Sent, ended: bool = False) -> Channel:
    return Channel("ops", "routes[0]", why, sent, ended, ("cause",))


def parcel(state: str, *attempts: Attempt, next_at: int | None = None, reason: str | None = None) -> Sent:
    return Sent("m1", "ops", "first", T, (Parcel("slack-1", state, attempts, next_at, None, reason),))


REFUSED = Attempt(MINUTE, "passing", "Slack answered 503")

ROWS: dict[str, tuple[Channel, Gate | None, str]] = {
    "an alert that speaks for it is named": (
        channel(Why(Hush.INHIBITED, by="abc", by_rule="cause")),
        Gate.INHIBITION,
        "alert abc of rule cause speaks for it (unless)",
    ),
    "a group that waits tells until when": (
        channel(Why(Hush.WAITING, due=5 * MINUTE)),
        Gate.TIMERS,
        "its group speaks at 5m",
    ),
    "what was already so waits for a complete look": (
        channel(Why(Hush.WAITING)),
        Gate.TIMERS,
        "one message tells what was already so, after the next complete look",
    ),
    "and so does what came and went": (
        channel(Why(Hush.WAITING), ended=True),
        Gate.TIMERS,
        "it came and went: one message tells all such, after the next complete look",
    ),
    "what was over for too long is left to the log": (
        channel(Why(Hush.TOO_OLD), ended=True),
        Gate.TIMERS,
        "it was over for longer than alerts.max_age before it could be told",
    ),
    "nothing decided yet is said so": (channel(None), Gate.TIMERS, "nothing has been decided on it yet"),
    "what counts as told is not said": (
        channel(Why(Hush.UNCHANGED)),
        Gate.SAID,
        "it counts as told by what spoke for it",
    ),
    "a silence tells whose it is, until when, and why": (
        channel(Why(Hush.SILENCED, due=5 * MINUTE, what="7", author="alice", comment="rollout")),
        Gate.SILENCE,
        "silence 7 of alice until 5m: rollout",
    ),
    "a mute route tells its mute times": (
        channel(Why(Hush.MUTED, due=5 * MINUTE, what="nights")),
        Gate.MUTE,
        "the route is mute until 5m: mute_times nights",
    ),
    "and so does what came and went in them": (
        channel(Why(Hush.MUTED, what="nights"), ended=True),
        Gate.MUTE,
        "it came and went while the route was mute: mute_times nights",
    ),
    "what flaps says how much and until when": (
        channel(Why(Hush.FLAPPING, due=5 * MINUTE, what="4 changes within 1h")),
        Gate.FLAPPING,
        "it flaps (4 changes within 1h) and was told as flapping: quiet until it is calm, at the earliest at 5m",
    ),
    "an escalation tells when": (
        channel(Why(Hush.WAITING, due=5 * MINUTE, what="escalation")),
        Gate.TIMERS,
        "it is told here at 5m, unless it ends or somebody acknowledges it by then",
    ),
    "or that nobody was told of it yet": (
        channel(Why(Hush.WAITING, what="escalation")),
        Gate.TIMERS,
        "it is told here only if nobody acknowledges it where it is told first",
    ),
    "or who has acknowledged it": (
        channel(Why(Hush.ACKNOWLEDGED, author="bob", comment="on it")),
        Gate.TIMERS,
        "not escalated: acknowledged by bob: on it",
    ),
    "what was said and taken has passed": (channel(Why(Say.FIRST, message="m1"), SENT), None, ""),
    "a message that waits tells the last answer and the next try": (
        channel(Why(Say.FIRST), parcel("queued", REFUSED, next_at=2 * MINUTE)),
        Gate.OUTBOX,
        "not taken by slack-1 after 1 try, at 1m passing: Slack answered 503; next try at 2m",
    ),
    "one that was not tried yet says so": (
        channel(Why(Say.FIRST), parcel("queued")),
        Gate.OUTBOX,
        "queued for slack-1, not tried yet",
    ),
    "a dead letter tells why it was given up": (
        channel(Why(Say.FIRST), parcel("dead", REFUSED, REFUSED, reason="no answer for 24h")),
        Gate.OUTBOX,
        "given up for slack-1 after 2 tries: no answer for 24h",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_first_gate_that_said_no(row: str) -> None:
    way, gate, words = ROWS[row]
    no = first_no(list(of_channel(way, when)))
    assert (None if no is None else no.gate, "" if no is None else no.words) == (gate, words)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (Why(Hush.UNCHANGED, due=9 * MINUTE), "; nothing new since, repeated at 9m"),
        (Why(Hush.UNCHANGED), "; nothing new since, and no repeat"),
        (Why(Hush.WAITING, due=9 * MINUTE), "; what is new since is said at 9m"),
        (Why(Hush.WAITING), "; what is new since goes with the group's next message"),
        (Why(Hush.INHIBITED, by="a", by_rule="r"), "; since then alert a of rule r speaks for it (unless)"),
        (
            Why(Hush.ACKNOWLEDGED, author="bob", comment="on it"),
            "; acknowledged by bob (on it): not repeated until it gets worse",
        ),
        (
            Why(Hush.SILENCED, due=9 * MINUTE, what="7", author="alice", comment=""),
            "; since then silence 7 of alice until 9m",
        ),
        (Why(Hush.MUTED, due=9 * MINUTE, what="nights"), "; since then the route is mute until 9m: mute_times nights"),
        (Why(Say.FIRST, message="m1"), ""),
    ],
)
def test_what_was_said_tells_why_nothing_followed(why: Why, words: str) -> None:
    said = next(one for one in of_channel(channel(why, SENT), when) if one.gate is Gate.SAID)
    assert (said.answer, said.words) == (Answer.PASSES, f"message m1 (first) at 0m{words}")


def test_the_first_and_the_last_message_are_named() -> None:
    ended = Sent("m9", "ops", "all_ended", 9 * MINUTE)
    said = next(one for one in of_channel(channel(Why(Say.ALL_ENDED), SENT, ended), when) if one.gate is Gate.SAID)
    assert said.words == "message m1 (first) at 0m, last message m9 (all_ended) at 9m"


def test_what_got_through_on_one_channel_was_not_held_back_on_another() -> None:
    held = Passage(Gate.TIMERS, Answer.WAITS, "", "ops")
    through = Passage(Gate.OUTBOX, Answer.PASSES, "", "night")
    assert first_no([held, through]) is None
    assert first_no([held]) is held
    stopped = Passage(Gate.CONDITION, Answer.STOPS, "")
    assert first_no([stopped, held, through]) is stopped
    assert first_no([]) is None


def test_as_of_a_moment_what_came_later_has_not_happened() -> None:
    later = Parcel("slack-1", "sent", (REFUSED, Attempt(9 * MINUTE, "sent", "200 OK")), finished_at=9 * MINUTE)
    before = later.as_of(5 * MINUTE)
    assert (before.state, list(before.attempts), before.finished_at) == ("queued", [REFUSED], None)
    assert later.as_of(9 * MINUTE) == later


def test_what_an_episode_is_made_of_decides_whether_it_is_news() -> None:
    alert = Alert("a", "r", Severity.WARNING, (), {})
    news = Episode(1, alert, T, Origin.NEWS, 1, None, T, T, (), 5 * MINUTE)
    assert of_origin(news, None, when).answer is Answer.PASSES
    learnt = Episode(1, alert, T, Origin.BASELINE, 1, None, T, T, (), 5 * MINUTE)
    assert "the first contact" in of_origin(learnt, None, when).words
    assert "the rule was edited at 5m" in of_origin(learnt, 5 * MINUTE, when).words
    assert [one.gate for one in of_knowledge(news, MINUTE, when)] == [Gate.KNOWN]
    assert list(of_knowledge(news, 5 * MINUTE, when)) == []
