"""The board, over random lives of alerts: what a channel hears hangs together."""

from dataclasses import replace
from random import Random

import pytest

from watcher.alerts.board import Board, Heard, Utterance, Voice
from watcher.alerts.routes import Timers, compile_route
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Say, Severity
from watcher.model.times import MINUTE, SECOND

T = 1_000_000_000


def alert(number: int) -> Alert:
    labels = {"rule": f"rule-{number % 2}", "severity": "warning", "farm": f"farm-{number % 3}", "miner": f"m{number}"}
    return Alert(f"a{number}", f"rule-{number % 2}", Severity.WARNING, (f"m{number}",), labels)


def board() -> Board:
    routes = [
        compile_route({"farm": "farm-0"}, ["night"], ["rule"], Timers(wait=0), goes_on=True),
        compile_route({}, ["ops"], ["rule", "farm"], Timers(), goes_on=False),
    ]
    return Board(routes, {}, {"ops": Voice("ops"), "night": Voice("night")})


@pytest.mark.parametrize("seed", range(60))
def test_no_end_is_told_that_nobody_heard_begin_and_whoever_heard_hears_the_end(seed: int) -> None:
    random, said = Random(seed), list[Utterance]()
    desk = board()
    open_: dict[int, Episode] = {}
    begun: dict[int, Episode] = {}
    now = T
    for _ in range(80):
        now += random.randrange(1, 200) * SECOND
        if random.random() < 0.5:
            number = len(begun) + 1
            begun[number] = Episode(number, alert(random.randrange(9)), now, Origin.NEWS, 1, None, now, now, (1,), now)
            open_[number] = begun[number]
            desk.update(begun[number], now)
        elif open_:
            number = random.choice(list(open_))
            over = replace(open_.pop(number), ended_at=now, end_reason=EndReason.RECOVERED, end_known_at=now)
            desk.update(over, now)
        said += desk.utterances(now, now)
    for number, episode in list(open_.items()):
        desk.update(replace(episode, ended_at=now, end_reason=EndReason.RECOVERED, end_known_at=now), now)
        del open_[number]
    for _ in range(3):
        now += 20 * MINUTE
        said += desk.utterances(now, now)
    for channel in ("ops", "night"):
        heard: set[int] = set()
        ended: set[int] = set()
        for utterance in [one for one in said if one.channel == channel]:
            for member in utterance.ended:
                assert member.episode.id not in ended, "an end is told once"
                assert member.episode.id in heard or member.episode.id in utterance.unheard
                ended.add(member.episode.id)
            heard |= {member.episode.id for member in utterance.members}
        mine = {n for n, e in begun.items() if channel == "ops" or e.alert.labels["farm"] == "farm-0"}
        assert heard == mine, "every episode is told on every channel its routes name"
        assert ended == mine
    assert len({one.id for one in said}) == len(said), "every message has an id of its own"


def test_a_restart_says_nothing_again() -> None:
    first = board()
    episode = Episode(1, alert(1), T, Origin.NEWS, 1, None, T, T, (1,), T)
    first.update(episode, T)
    (said,) = first.utterances(T + MINUTE, T)
    assert said.say is Say.FIRST
    second = board()
    second.restore([episode], [Heard(1, "ops", 1, end_told=False)], [record for record, _, _ in first.records()])
    assert second.utterances(T + 2 * MINUTE, T + 2 * MINUTE) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_an_end_that_was_told_is_not_told_again_when_it_is_corrected(*, restarted: bool) -> None:
    """A closer look may find that it ended a little earlier."""
    desk = board()
    episode = Episode(1, alert(1), T, Origin.NEWS, 1, None, T, T, (1,), T)
    desk.update(episode, T)
    assert [one.say for one in desk.utterances(T + MINUTE, T)] == [Say.FIRST]
    over = T + 10 * MINUTE
    ended = replace(episode, ended_at=over, end_reason=EndReason.RECOVERED, end_known_at=over)
    desk.update(ended, over)
    assert [one.say for one in desk.utterances(over + 5 * MINUTE, over)] == [Say.ALL_ENDED]
    if restarted:
        desk.restore([ended], [Heard(1, "ops", 1, end_told=True)], [record for record, _, _ in desk.records()])
    desk.update(replace(ended, ended_at=over - SECOND), over + 9 * MINUTE)
    assert desk.utterances(over + 20 * MINUTE, over + 20 * MINUTE) == []
    desk.update(episode, over + 21 * MINUTE)
    assert desk.utterances(over + 30 * MINUTE, over + 30 * MINUTE), "but what fires again is news"
