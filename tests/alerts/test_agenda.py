"""Asking only the groups that something happened to, or whose time has come, misses nothing."""

from dataclasses import replace
from random import Random

import pytest

from tests.rules.test_reading import compiled
from watcher.alerts.agenda import Agenda
from watcher.alerts.board import Board, Utterance, Voice
from watcher.alerts.routes import Timers, compile_route
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.message import Severity
from watcher.model.times import HOUR, MINUTE, SECOND, Millis

T = 1_000_000_000
RULES = {
    "farm-dark": compiled({"name": "farm-dark", "match": {"status": "failed"}}),
    "reboot-failed": compiled({"name": "reboot-failed", "match": {"status": "failed"}, "unless": ["farm-dark"]}),
    "slow": compiled({"name": "slow", "match": {}, "count": {"at_least": 1, "within": "5m"}}),
}


class AskingAll(Board):
    """Asks every group every time."""

    def utterances(self, now: Millis, complete_to: Millis | None, *, hurry: bool = False) -> list[Utterance]:
        self._agenda.touch(self._groups)
        return super().utterances(now, complete_to, hurry=hurry)


def lives(random: Random) -> list[tuple[Millis, Episode]]:
    """What the board learns, and when."""
    told: list[tuple[Millis, Episode]] = []
    for number in range(1, 60):
        rule, farm = random.choice(list(RULES)), random.choice(("north", "south"))
        labels = {"rule": rule, "severity": "warning", "farm": farm, "miner": f"m{number % 5}"}
        alert = Alert(f"a{number}", rule, Severity.WARNING, (), labels)
        begun = T + random.randrange(48 * 60) * MINUTE + random.randrange(2) * 30 * SECOND
        origin = random.choices((Origin.NEWS, Origin.ALREADY), (9, 1))[0]
        episode = Episode(number, alert, begun, origin, 1, None, begun, begun, (number,), begun)
        told.append((begun, episode))
        for count in range(2, random.randrange(2, 6)):
            begun += random.randrange(1, 90) * MINUTE
            episode = replace(episode, count=count, last_at=begun)
            told.append((begun, episode))
        if random.random() < 0.8:
            over = begun + random.randrange(1, 600) * 10 * SECOND
            reason = random.choice((EndReason.RECOVERED, EndReason.QUIET, EndReason.EXPIRED))
            told.append((over, replace(episode, ended_at=over, end_reason=reason, end_known_at=over)))
    return sorted(told, key=lambda pair: pair[0])


@pytest.mark.parametrize("seed", range(40))
def test_the_same_is_said_as_if_every_group_were_asked_every_time(seed: int) -> None:
    random = Random(seed)
    routes = [
        compile_route({"farm": "north"}, ["night"], ["rule"], Timers(), goes_on=True),
        compile_route({}, ["ops"], ["rule", "farm"], Timers(repeat=6 * HOUR), goes_on=False),
    ]
    boards = [kind(routes, RULES, {"ops": Voice("ops"), "night": Voice("night")}) for kind in (Board, AskingAll)]
    told, now = lives(random), T
    while now < T + 60 * HOUR:
        now += random.choice((10 * SECOND, MINUTE, 7 * MINUTE, HOUR))
        while told and told[0][0] <= now:
            _, episode = told.pop(0)
            for board in boards:
                board.update(episode, now)
        complete_to = now - random.choice((0, 2 * MINUTE, 2 * HOUR))
        few, every = (board.utterances(now, complete_to) for board in boards)
        assert [(one.id, one.say, one.channel, one.unheard) for one in few] == [
            (one.id, one.say, one.channel, one.unheard) for one in every
        ]
        assert boards[0].next_due(now) is None or (boards[0].next_due(now) or 0) > now


def test_a_group_that_has_said_its_last_word_is_told_to_the_store_too() -> None:
    board = Board([compile_route({}, ["ops"], ["rule"], Timers(wait=0), goes_on=False)], {}, {"ops": Voice("ops")})
    alert = Alert("a", "r", Severity.WARNING, (), {"rule": "r", "severity": "warning"})
    episode = Episode(1, alert, T, Origin.NEWS, 1, None, T, T, (1,), T)
    board.update(episode, T)
    board.utterances(T, T)
    board.update(replace(episode, ended_at=T + 1, end_reason=EndReason.RECOVERED, end_known_at=T + 1), T + 1)
    (said,) = board.utterances(T + HOUR, T + HOUR)
    ((record, _, _),) = board.records()
    assert (said.ended[0].episode.id, record.anchored_at, record.spoken_at, record.flushes) == (1, None, None, 2)


def test_a_group_that_was_put_elsewhere_is_asked_once_at_its_last_moment() -> None:
    agenda = Agenda()
    agenda.put("a", 10)
    agenda.put("a", 20)
    agenda.put("b", 15)
    agenda.put("c", 12)
    agenda.put("c", None)
    assert agenda.next() == 15
    assert agenda.take(10) == set()
    agenda.touch(["d"])
    assert agenda.take(20) == {"a", "b", "d"}
    assert agenda.next() is None
