"""What is decided on each alert of a group is reported when it changes, and only then."""

from dataclasses import replace

from watcher.alerts.board import Board, Heard, Utterance, Voice
from watcher.alerts.routes import Timers, compile_route
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.decision import Hush, Why
from watcher.model.message import Say, Severity
from watcher.model.times import DAY, HOUR, MINUTE, SECOND
from watcher.rules.conditions.count import Count, CountSpec
from watcher.rules.match import NOTHING_ASKED
from watcher.rules.rule import Rule

T = 1_000_000_000


def episode(number: int, rule: str = "some", *, at: int = T, origin: Origin = Origin.NEWS) -> Episode:
    labels = {"rule": rule, "severity": "warning", "farm": "North"}
    alert = Alert(f"{rule}-{number}", rule, Severity.WARNING, (str(number),), labels)
    return Episode(number, alert, at, origin, 1, None, at, at, (1,), at)


def over(one: Episode, at: int, reason: EndReason = EndReason.RECOVERED) -> Episode:
    return replace(one, ended_at=at, end_reason=reason, end_known_at=at)


def rule(name: str, *unless: str) -> Rule:
    count = Count(NOTHING_ASKED, CountSpec.model_validate({"at_least": 1, "within": "1h"}))
    return Rule(name, "", count, ("farm",), unless=frozenset(unless))


def board(*rules: Rule, resolved: bool = True) -> Board:
    routes = [compile_route({}, ["ops"], ["rule"], Timers(), goes_on=False)]
    return Board(routes, {one.name: one for one in rules}, {"ops": Voice("ops", resolved)})


def spoken(desk: Board, now: int, known_to: int | None = None) -> tuple[list[Utterance], dict[int, Why]]:
    said = desk.utterances(now, now if known_to is None else known_to)
    return said, {one.episode.id: one.why for one in desk.reasons(now)}


def names(reasons: dict[int, Why]) -> dict[int, str]:
    return {number: why.reason.value for number, why in reasons.items()}


def test_a_new_alert_waits_for_its_group_is_said_and_then_is_unchanged_each_told_once() -> None:
    desk = board()
    desk.update(episode(1), T)
    said, reasons = spoken(desk, T)
    assert said == []
    assert (reasons[1].reason, reasons[1].due) == (Hush.WAITING, T + 30 * SECOND)
    assert spoken(desk, T + 20 * SECOND) == ([], {})
    (message,), reasons = spoken(desk, T + MINUTE)
    assert (message.say, set(message.concerned), names(reasons)) == (Say.FIRST, {1}, {})
    assert names(spoken(desk, T + 2 * MINUTE)[1]) == {1: "unchanged"}
    assert spoken(desk, T + 3 * MINUTE) == ([], {})


def test_a_storm_costs_each_alert_a_reason_and_a_message_concerns_only_who_is_news() -> None:
    desk = board()
    for number in range(1, 501):
        desk.update(episode(number), T)
    assert len(spoken(desk, T)[1]) == 500
    (message,), _ = spoken(desk, T + MINUTE)
    assert len(message.concerned) == 500
    assert len(spoken(desk, T + 2 * MINUTE)[1]) == 500
    desk.update(episode(501, at=T + 3 * MINUTE), T + 3 * MINUTE)
    assert names(spoken(desk, T + 3 * MINUTE)[1]) == {501: "waiting"}
    (message,), _ = spoken(desk, T + HOUR)
    assert len(message.members) == 501
    assert message.concerned == {501}


def test_who_hushes_an_alert_is_named_and_so_is_that_it_no_longer_does() -> None:
    desk = board(rule("some", "cause"), rule("cause"))
    cause = episode(1, "cause")
    desk.update(cause, T)
    desk.update(episode(2), T)
    _, reasons = spoken(desk, T)
    assert (reasons[2].reason, reasons[2].by, reasons[2].by_rule) == (Hush.INHIBITED, "cause-1", "cause")
    desk.update(over(cause, T + HOUR), T + HOUR)
    said, reasons = spoken(desk, T + HOUR)
    assert Say.FIRST in {message.say for message in said if message.concerned == {2}}
    assert reasons == {}


def test_an_end_waits_for_its_groups_next_message() -> None:
    desk = board()
    first, second = episode(1), episode(2)
    desk.update(first, T)
    desk.update(second, T)
    spoken(desk, T + MINUTE)
    spoken(desk, T + 2 * MINUTE)
    desk.update(over(first, T + 2 * MINUTE), T + 2 * MINUTE)
    _, reasons = spoken(desk, T + 2 * MINUTE)
    assert (reasons[1].reason, reasons[1].due) == (Hush.WAITING, None)
    desk.update(over(second, T + 3 * MINUTE), T + 3 * MINUTE)
    _, reasons = spoken(desk, T + 3 * MINUTE)
    assert (reasons[2].reason, reasons[2].due) == (Hush.WAITING, T + 6 * MINUTE)
    (message,), reasons = spoken(desk, T + 6 * MINUTE)
    assert (message.say, set(message.concerned), names(reasons)) == (Say.ALL_ENDED, {1, 2}, {})


def test_the_end_for_a_channel_that_wants_none_changes_nothing() -> None:
    desk = board(resolved=False)
    one = episode(1)
    desk.update(one, T)
    spoken(desk, T + MINUTE)
    spoken(desk, T + 2 * MINUTE)
    desk.update(over(one, T + HOUR), T + HOUR)
    assert spoken(desk, T + HOUR) == ([], {})


def test_what_came_and_went_waits_for_a_complete_look_or_is_too_old() -> None:
    desk = board()
    desk.update(over(episode(1), T + MINUTE), T + MINUTE)
    assert names(spoken(desk, T + MINUTE, known_to=T)[1]) == {1: "waiting"}
    desk.update(over(episode(2, at=T - 2 * DAY), T - 2 * DAY), T + MINUTE)
    assert names(spoken(desk, T + MINUTE, known_to=T)[1]) == {2: "too_old"}
    (message,), reasons = spoken(desk, T + 2 * MINUTE)
    assert (message.say, set(message.concerned), names(reasons)) == (Say.CATCH_UP, {1}, {})


def test_a_restart_does_not_decide_again_what_was_decided() -> None:
    desk = board()
    one, two = episode(1), episode(2)
    desk.update(one, T)
    spoken(desk, T + MINUTE)
    desk.update(two, T + MINUTE)
    known = {(number, "ops"): why for number, why in spoken(desk, T + MINUTE)[1].items()}
    after = board()
    records = [record for record, _, _ in desk.records()]
    after.restore([one, two], [Heard(1, "ops", 1, end_told=False)], records, reasons=known)
    assert {number: why.reason for (number, _), why in known.items()} == {1: Hush.UNCHANGED, 2: Hush.WAITING}
    assert spoken(after, T + 2 * MINUTE) == ([], {})


def test_what_ended_while_it_was_hushed_is_told_by_whoever_hushed_it() -> None:
    """Also if it began a moment before, and had not been told by then."""
    desk = board(rule("some", "cause"), rule("cause"))
    hushed = episode(2)
    desk.update(hushed, T)
    desk.update(episode(1, "cause", at=T + SECOND), T + 2 * SECOND)
    (message,), _ = spoken(desk, T + MINUTE)
    assert {member.episode.id for member in message.members} == {1}
    desk.update(over(hushed, T + HOUR), T + HOUR)
    assert spoken(desk, T + 2 * HOUR)[0] == []
    desk.update(over(episode(1, "cause", at=T + SECOND), T + 3 * HOUR), T + 3 * HOUR)
    assert [one.say for one in spoken(desk, T + 4 * HOUR)[0]] == [Say.ALL_ENDED]


def test_an_end_that_became_known_days_later_is_told_to_whoever_heard_of_the_alert() -> None:
    desk = board()
    desk.update(episode(1), T)
    spoken(desk, T + MINUTE)
    desk.update(replace(over(episode(1), T + HOUR), end_known_at=T + 3 * DAY), T + 3 * DAY)
    spoken(desk, T + 3 * DAY)
    assert [one.say for one in spoken(desk, T + 3 * DAY + HOUR)[0]] == [Say.ALL_ENDED]
