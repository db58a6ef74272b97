"""What a message says of its tasks, and of what changed since its group's last one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from watcher.alerts.board import Board, Utterance, Voice
from watcher.alerts.compose import MOST_ROWS, Composer
from watcher.alerts.links import NO_LINKS, AppLinks
from watcher.alerts.routes import Timers, compile_route
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.fact import TaskFact
from watcher.model.message import Link, Message, Say, Severity, Since
from watcher.model.subject import Subject
from watcher.model.times import MINUTE

T = 1_000_000_000


class Tasks:
    """Tasks by their keys: one miner each, two models, three batches, six reasons."""

    def task_facts(self, keys: Sequence[int]) -> list[TaskFact]:
        return [
            TaskFact(
                key,
                "miner.firmware.update",
                "failed",
                "f1",
                f"M-{key}",
                "S19" if key % 3 == 0 else "S21",
                f"10.0.3.{key}",
                f"reason {min(key, 6)}",
                f"b-{key % 4}" if key % 4 else None,
            )
            for key in keys
        ]

    def subject(self, key: int) -> Subject | None:
        return None

    def unrepaired(self, keys: Sequence[int]) -> tuple[int, int]:
        return 0, len(keys)


def episode(number: int, tasks: int, at: int = T) -> Episode:
    alert = Alert(
        f"a{number}", "updates-fail", Severity.WARNING, (str(number),), {"rule": "updates-fail", "farm": "North"}
    )
    keys = tuple(range(tasks))
    return Episode(number, alert, at, Origin.NEWS, tasks, None, at, at, keys, at)


def board() -> Board:
    route = compile_route({}, ["ops"], ["rule", "farm"], Timers(wait=0, interval=MINUTE), goes_on=False)
    return Board([route], {}, {"ops": Voice("ops")})


def said(desk: Board, now: int, links: AppLinks = NO_LINKS) -> Message:
    (utterance,) = desk.utterances(now, now)
    return message(utterance, links)


def message(utterance: Utterance, links: AppLinks = NO_LINKS) -> Message:
    return Composer({}, Tasks(), UTC, links).message(utterance)


def test_a_group_s_first_message_has_nothing_before_it() -> None:
    desk = board()
    desk.update(episode(1, 5), T)
    assert said(desk, T).since is None


def test_a_later_message_says_what_changed_since_the_last() -> None:
    desk = board()
    first, second = episode(1, 5), episode(2, 3)
    desk.update(first, T)
    desk.update(second, T)
    said(desk, T)
    desk.update(replace(first, count=12), T + 1)
    desk.update(replace(second, ended_at=T + 2, end_reason=EndReason.RECOVERED, end_known_at=T + 2), T + 2)
    desk.update(episode(3, 4, T + 3), T + 3)
    later = said(desk, T + MINUTE)
    assert later.say is Say.NEW_ALERTS
    assert later.since == Since(at=T, count=8, now=16, new=1, ended=1)
    desk.update(replace(first, count=30), T + 2 * MINUTE)
    assert said(desk, T + 3 * MINUTE).since == Since(at=T + MINUTE, count=16, now=34, new=0, ended=0)


def test_a_group_that_begins_anew_has_nothing_before_it() -> None:
    desk = board()
    first = episode(1, 5)
    desk.update(first, T)
    said(desk, T)
    desk.update(replace(first, ended_at=T + 2, end_reason=EndReason.RECOVERED, end_known_at=T + 2), T + 2)
    assert said(desk, T + MINUTE).say is Say.ALL_ENDED
    desk.update(episode(2, 4, T + 2 * MINUTE), T + 2 * MINUTE)
    assert said(desk, T + 2 * MINUTE).since is None


def test_figures_are_of_all_tasks_and_names_of_the_first() -> None:
    desk = board()
    desk.update(episode(1, 30), T)
    (section,) = said(desk, T).sections
    assert section.models == (("S21", 20), ("S19", 10))
    assert [count for _, count in section.reasons] == [24, 1, 1, 1, 1]
    assert section.other_reasons == (2, 2)
    assert (len(section.miners), section.miners_total) == (10, 30)
    assert [row.miner for row in section.rows] == [f"M-{key}" for key in range(30)]
    assert section.links == ()
    assert section.miners[0].url is None


def test_links_lead_to_the_batches_with_the_most_tasks_or_to_each_miner() -> None:
    (utterance,) = _one_of(9)
    (batches,) = message(utterance, AppLinks("https://app.example/{farm}/{batch}")).sections
    assert batches.links == tuple(Link(f"Batch b-{n}", f"https://app.example/f1/b-{n}") for n in (1, 2, 3))
    assert batches.miners[1].url is None
    (miners,) = message(utterance, AppLinks("https://app.example/{farm}/{miner}")).sections
    assert miners.links == ()
    assert miners.miners[1].url == "https://app.example/f1/M-1"


def test_a_message_s_table_is_bounded() -> None:
    (utterance,) = _one_of(MOST_ROWS + 5)
    (section,) = message(utterance).sections
    assert len(section.rows) == MOST_ROWS
    assert section.miners_total == MOST_ROWS + 5


def _one_of(tasks: int) -> list[Utterance]:
    desk = board()
    desk.update(episode(1, tasks), T)
    return desk.utterances(T, T)
