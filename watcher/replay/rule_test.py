"""Runs the tests beside the rules, in virtual time, on the production engine, its routes and its groups."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from watcher.alerts.board import Utterance, Voice
from watcher.alerts.compose import Composer
from watcher.alerts.flapping import Damping
from watcher.alerts.routes import Route
from watcher.model.message import Message
from watcher.model.times import Millis, duration_text
from watcher.replay.facts import Known
from watcher.replay.given import GivenWrong, subjects_of
from watcher.replay.performance import Played, Stage, episodes_of, utterances
from watcher.rules.rule import Rule
from watcher.rules.written_test import ExpectPart, SentPart, TestPart

START: Millis = 1_767_225_600_000
"""When tests begin: 2026-01-01 00:00 UTC."""
_TITLES = ("rule", "count", "total")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a test did not go as expected.

    Args:
        where: the place of it in the test, such as ("expect", 2, "firing").
        text: in a line.
        expected, actual: a line for each alert or message.
        why: what is known about the cause.
    """

    where: tuple[str | int, ...]
    text: str
    expected: tuple[str, ...] = ()
    actual: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Theatre:
    """What tests are run against.

    Args:
        rules: by name.
        words: turns a message into what a channel would show.
        damping: when an alert counts as flapping; None for never.
    """

    rules: Mapping[str, Rule]
    routes: Sequence[Route]
    voices: Sequence[Voice]
    words: Callable[[Message], str]
    damping: Damping | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    utterance: Utterance
    text: str


def run_test(test: TestPart, theatre: Theatre, names: Sequence[str]) -> list[Difference]:
    """Where a test differs from what it expects; empty where it passes.

    Args:
        names: the rules that are run where the test names none.
    """
    rules = [theatre.rules[name] for name in test.rules or names]
    until = START + max(*(row.at for row in test.given), *(row.at for row in test.expect))
    try:
        subjects = subjects_of(test.given, START)
    except GivenWrong as wrong:
        return [Difference(("given", wrong.row), str(wrong))]
    stage = Stage(rules, theatre.routes, theatre.voices, until, damping=theatre.damping)
    played = episodes_of(stage, subjects)
    composer = Composer({rule.name: rule for rule in rules}, Known(subjects), UTC)
    sent = [_Sent(one, theatre.words(composer.message(one))) for one in utterances(stage, played)]
    differences: list[Difference] = []
    told_to = START - 1
    for place, expected in sorted(enumerate(test.expect), key=lambda pair: pair[1].at):
        at = START + expected.at
        differences += _firing(place, expected, played, at, rules)
        fresh = [one for one in sent if told_to < one.utterance.at <= at]
        differences += _sent(place, expected, fresh)
        told_to = at
    return differences


def _firing(
    place: int, expected: ExpectPart, played: Sequence[Played], at: Millis, rules: Sequence[Rule]
) -> Iterator[Difference]:
    if expected.firing is None:
        return
    actual = [_described(one) for one in (part.at(at) for part in played) if one is not None]
    left = list(actual)
    missing = []
    for wanted in expected.firing:
        found = next((one for one in left if all(_same(one.get(name), said) for name, said in wanted.items())), None)
        if found is None:
            missing.append(wanted)
        else:
            left.remove(found)
    if missing or left:
        named = {name for wanted in expected.firing for name in wanted}
        yield Difference(
            ("expect", place, "firing"),
            f"at {duration_text(expected.at)} not what is expected fires",
            tuple(_line(wanted, wanted) for wanted in expected.firing),
            tuple(_line(one, named) for one in actual),
            tuple(_why(missing, played, rules)),
        )


def _described(episode: Any) -> dict[str, Any]:  # noqa: ANN401 - of an episode
    labels = {name: value for name, value in episode.alert.labels.items() if value is not None}
    total = {} if episode.total is None else {"total": episode.total}
    return {**labels, "count": episode.count, **total}


def _same(actual: object, said: object) -> bool:
    return actual == said or (actual is not None and str(actual) == str(said))


def _line(one: Mapping[str, Any], named: Any) -> str:  # noqa: ANN401 - names
    first = [str(one["rule"])] if "rule" in one else []
    labels = [f"{name}={value}" for name, value in one.items() if name not in (*_TITLES, "severity")]
    figures = [f"{name}={one[name]}" for name in ("severity", "count", "total") if name in one and name in {*named}]
    return " ".join([*first, *labels, *figures]) or "(anything)"


def _why(missing: Sequence[Mapping[str, Any]], played: Sequence[Played], rules: Sequence[Rule]) -> Iterator[str]:
    """When a rule that should fire does, if ever."""
    known = {rule.name: rule for rule in rules}
    for name in dict.fromkeys(str(wanted.get("rule", "")) for wanted in missing):
        if name not in known:
            yield f"{name or 'an alert without a rule'} is not among the rules of this test: {', '.join(known)}"
            continue
        times = [one.episode for one in played if one.episode.alert.rule == name]
        if not times:
            yield f"{name} never fires: its condition is {known[name].condition.phrase()}"
        for episode in times[:3]:
            start = duration_text(episode.started_at - START)
            end = "" if episode.ended_at is None else f" to {duration_text(episode.ended_at - START)}"
            yield f"{name} fires from {start or '0s'}{end}: {_line(_described(replace(episode)), ('count', 'total'))}"


def _sent(place: int, expected: ExpectPart, fresh: Sequence[_Sent]) -> Iterator[Difference]:
    if expected.sent is None:
        return
    left = list(fresh)
    missing = False
    for wanted in expected.sent:
        found = next((one for one in left if _fits(wanted, one)), None)
        if found is None:
            missing = True
        else:
            left.remove(found)
    if missing or left:
        yield Difference(
            ("expect", place, "sent"),
            f"up to {duration_text(expected.at)} not what is expected was sent",
            tuple(_wanted(wanted) for wanted in expected.sent),
            tuple(_told(one) for one in fresh),
        )


def _fits(wanted: SentPart, one: _Sent) -> bool:
    return (
        wanted.channel in (None, one.utterance.channel)
        and wanted.reason in (None, one.utterance.say.value)
        and all(text in one.text for text in wanted.contains)
    )


def _wanted(wanted: SentPart) -> str:
    said = [f"to {wanted.channel}"] if wanted.channel else []
    said += [wanted.reason] if wanted.reason else []
    said += [f"with {text!r}" for text in wanted.contains]
    return ", ".join(said) or "any message"


def _told(one: _Sent) -> str:
    at = duration_text(one.utterance.at - START) or "0s"
    title, *body = one.text.strip().splitlines()
    said = " | ".join(line for line in body if line)
    return f"at {at} to {one.utterance.channel}, {one.utterance.say.value}: {title} | {said}"
