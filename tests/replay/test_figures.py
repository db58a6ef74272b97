"""A match taken apart, and how each condition stands at a moment, told in its own terms."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.rules.history import History
from watcher.model.subject import Subject
from watcher.model.task import Part
from watcher.model.times import HOUR, MINUTE
from watcher.replay.candidate import Candidate, candidate, furthest
from watcher.replay.clauses import Fit, clauses_of, no_of, sentence, verdict_of
from watcher.replay.figures import Figures, Retelling
from watcher.replay.given import subjects_of
from watcher.replay.performance import Stage, episodes_of
from watcher.replay.why_not import Asking, closest, of_match, without_episode
from watcher.rules.load import load_rules
from watcher.rules.rule import Rule
from watcher.rules.written_test import GivenPart

START = 1_767_225_600_000
UPDATE = "miner.firmware.update"


def tasks(*rows: dict[str, Any]) -> list[Subject]:
    return subjects_of([GivenPart.model_validate(row) for row in rows], START)


@pytest.fixture
def rule(tmp_path: Path) -> Any:
    def made(text: str) -> Rule:
        (tmp_path / "a.yaml").write_text(f"rules:\n  - {{name: r, {text}}}\n")
        return load_rules(tmp_path).rules[0]

    return made


def failed(count: int, *, at: str = "10m", of: str = UPDATE, **more: Any) -> dict[str, Any]:
    return {"at": at, "task": of, "miner": f"m1..m{count}", "status": "failed", **more}


def figures(rule: Rule, subjects: list[Subject], minutes: float) -> Figures:
    history = History({one.key: one for one in subjects})
    found = next(one for one in (candidate(rule, one) for one in subjects) if one.key is not None)
    assert found.key is not None
    return Retelling(rule, history).at(found.key, START + int(minutes * MINUTE))


def answers(
    rule: Rule, subject: Subject, among: list[Subject], *, hours: float = 24, known_to: float | None = None
) -> list[tuple[str, str, str]]:
    """Every gate before an alert, with its answer and its words; times are minutes since the start."""
    present = START + int(hours * HOUR)
    known = present if known_to is None else START + int(known_to * MINUTE)
    history = History({one.key: one for one in among})
    asking = Asking(Retelling(rule, history), known, present, lambda at: f"{(at - START) / MINUTE:g}m")
    found = candidate(rule, subject)
    gates = [of_match(found, asking)]
    if found.key is not None and found.at is not None:
        gates += without_episode(found, closest(found.key, found.at, asking), asking)
    return [(one.gate.value, one.answer.value, one.words) for one in gates]


# --- a match, clause by clause


def test_each_clause_tells_the_value_it_saw_and_what_it_wants(rule: Any) -> None:
    (one,) = tasks({"at": "1m", "task": UPDATE, "miner": "m1", "status": "succeed", "model": "S19"})
    match = rule("match: {task: miner.*, status: [failed, timed_out], model: 'S1?', rack: '7'}").condition.match
    found = clauses_of(match, one, one.transitions[-1])
    assert [(clause.field, clause.seen, clause.fit) for clause in found] == [
        ("task", UPDATE, Fit.FITS),
        ("status", "succeed", Fit.DIFFERS),
        ("model", "S19", Fit.FITS),
        ("rack", None, Fit.DIFFERS),
    ]
    assert [sentence(clause) for clause in found] == [
        "task is miner.firmware.update",
        "status is succeed, the rule wants failed or timed_out",
        "model is S19",
        "rack is not told, the rule wants 7",
    ]


def test_what_was_not_fetched_yet_is_waited_for_unless_something_else_says_no(rule: Any) -> None:
    (one,) = tasks(failed(1))
    poor = replace(one, task=replace(one.task, lacks=frozenset({Part.RESULT, Part.LOGS})))
    asked = rule("match: {status: failed, error: '*disk*'}").condition.match
    found = clauses_of(asked, poor, poor.transitions[-1])
    assert verdict_of(found) is Fit.WAITS
    waited = no_of(found)
    assert waited is not None
    assert sentence(waited) == "error has not been fetched yet"
    assert verdict_of(clauses_of(asked, poor, poor.transitions[0])) is Fit.DIFFERS


def test_where_tells_the_values_it_looked_at_and_why_it_could_not_be_judged(rule: Any) -> None:
    (one,) = tasks(failed(1, payload={"mode": "low"}))
    low = rule("match: {status: failed}, where: 'payload.mode == \"high\"'").condition.match
    clause = clauses_of(low, one, one.transitions[-1])[-1]
    assert (clause.fit, sentence(clause)) == (Fit.DIFFERS, 'where is false with payload = {"mode": "low"}')
    absent = rule("match: {status: failed}, where: 'payload.made > 1'").condition.match
    clause = clauses_of(absent, one, one.transitions[-1])[-1]
    assert (clause.fit, sentence(clause)) == (Fit.DIFFERS, '`where` cannot be judged: there is no "made"')
    assert not absent.where.faults


# --- the figures of every condition


@pytest.mark.parametrize(
    ("text", "minutes", "words"),
    [
        ("each: {}", 11, "3 not resolved yet"),
        ("each: {}", 61, "none stands: a later miner.firmware.update succeeded"),
        ("count: {at_least: 5, within: 15m}", 24, "3 within 15m, 5 needed"),
        ("count: {at_least: 5, within: 15m}", 25, "0 within 15m, 5 needed"),
        ("count: {at_least: 5, within: 15m, distinct: miner}", 11, "3 miners within 15m, 5 needed"),
        ("ratio: {at_least: 20%, within: 6h, min_total: 5}", 11, "3 of 3 = 100% within 6h, 20% of at least 5 needed"),
        ("ratio: {at_least: 20%, within: 6h}", 61, "3 of 6 = 50% within 6h, 20% needed"),
        (
            "ratio: {at_least: 20%, within: 6h, confidence: 95%}",
            11,
            "3 of 3 = 100%, 43.9% are 95% sure within 6h, 20% needed",
        ),
        ("absent: {within: 1h}", 30, "miner.firmware.update failed came 20m before; none within 1h needed"),
        ("spike: {times: 3, within: 10m, baseline: 1h, min: 2}", 12, "still learning what is usual, for 58m more"),
        ("spike: {times: 3, within: 10m, baseline: 1h, min: 2}", 80, "0 within 10m, usual are 0, 2 needed"),
        ("new: {field: error, memory: 7d, learn: 1h}", 11, "still learning which error there are, for 49m more"),
    ],
)
def test_a_condition_says_what_it_has_and_what_it_needs(rule: Any, text: str, minutes: float, words: str) -> None:
    before = {"at": "0m", "task": UPDATE, "miner": "m1..m3", "status": "created"}
    repaired = {"at": "60m", "task": UPDATE, "miner": "m1..m3", "status": "succeed"}
    subjects = tasks(before, failed(3, error="disk"), repaired)
    assert figures(rule(f"match: {{status: failed}}, {text}, by: [farm]"), subjects, minutes).words == words


def test_stuck_says_how_long_the_longest_has_stayed(rule: Any) -> None:
    subjects = tasks({"at": "0m", "task": UPDATE, "miner": "m1..m2", "status": "pending"})
    stuck = rule("match: {status: pending}, stuck: {longer_than: 20m}")
    assert figures(stuck, subjects, 12).words == "the longest has stayed for 12m, 20m needed"
    assert figures(stuck, subjects, 42).words == "1 stuck for 20m, the longest for 42m"


def test_a_sequence_says_which_steps_it_saw(rule: Any) -> None:
    steps = rule("sequence: {steps: [{status: failed}, {status: succeed}, {status: cancelled}], within: 1h}")
    subjects = tasks(failed(1), {"at": "20m", "task": UPDATE, "miner": "m1", "status": "succeed"})
    assert figures(steps, subjects, 10).words == "1 of 3 steps in order within 1h"
    assert figures(steps, subjects, 20).words == "2 of 3 steps in order within 1h"
    assert figures(steps, subjects, 71).words == "step 1 of 3 has not come within 1h"


def test_new_says_when_the_value_was_seen_before(rule: Any) -> None:
    subjects = tasks(failed(1, error="disk"), failed(1, at="2h", error="disk"))
    fresh = rule("match: {status: failed}, new: {field: error, memory: 7d, learn: 1h}")
    assert figures(fresh, subjects, 120).words == '"disk" was seen 1h50m before'


def test_the_figures_tell_for_and_keep_firing_for(rule: Any) -> None:
    held = rule("match: {status: failed}, count: {at_least: 2, within: 30m}, for: 10m, keep_firing_for: 20m")
    subjects = tasks(failed(2))
    waiting = figures(held, subjects, 15)
    assert (waiting.holds, waiting.firing) == (True, False)
    assert (waiting.since, waiting.fires_at) == (START + 10 * MINUTE, START + 20 * MINUTE)
    kept = figures(held, subjects, 45)
    assert (kept.holds, kept.firing, kept.ends_at) == (False, True, START + HOUR)


# --- why not


def test_of_a_task_the_transition_that_gets_furthest_is_told(rule: Any) -> None:
    failing = rule("match: {task: miner.firmware.*, status: [failed, timed_out]}")
    (one,) = tasks({"at": "5m", "task": UPDATE, "miner": "m1", "status": "succeed"})
    assert answers(failing, one, [one]) == [("match", "stops", "status is succeed, the rule wants failed or timed_out")]
    first, *_ = furthest([candidate(failing, subject) for subject in [*tasks(failed(1, of="miner.log.get")), one]])
    assert isinstance(first, Candidate)


def test_what_is_not_fetched_is_waited_for(rule: Any) -> None:
    (one,) = tasks(failed(1))
    poor = replace(one, task=replace(one.task, lacks=frozenset({Part.RESULT, Part.LOGS})))
    asks = rule("match: {status: failed, error: '*disk*'}")
    assert answers(asks, poor, [poor]) == [("match", "waits", "error has not been fetched yet")]


def test_a_window_with_too_few_tells_the_most_it_had(rule: Any) -> None:
    subjects = tasks(failed(2), failed(1, at="20m", of="miner.log.get"))
    counts = rule("match: {status: failed}, count: {at_least: 5, within: 30m}")
    assert answers(counts, subjects[0], subjects) == [
        ("match", "passes", "it matched at 10m"),
        ("condition", "stops", "at 20m: 3 within 30m, 5 needed"),
    ]


def test_a_ratio_that_was_too_low_tells_the_part(rule: Any) -> None:
    succeeded = {"at": "10m", "task": UPDATE, "miner": "m4..m20", "status": "succeed"}
    subjects = tasks(failed(3), succeeded)
    part = rule("match: {status: failed}, ratio: {at_least: 20%, within: 6h}")
    assert answers(part, subjects[0], subjects)[-1] == (
        "condition",
        "stops",
        "at 10m: 3 of 20 = 15% within 6h, 20% needed",
    )


def test_what_fits_the_match_but_not_what_a_ratio_is_taken_of_is_told(rule: Any) -> None:
    subjects = tasks(failed(1))
    part = rule("match: {status: failed}, ratio: {at_least: 20%, within: 6h, of: {task: miner.log.get}}")
    assert answers(part, subjects[0], subjects) == [
        (
            "match",
            "stops",
            "it fits the match, but not `of`: task is miner.firmware.update, the rule wants miner.log.get",
        )
    ]


def test_what_needs_completeness_waits_for_it(rule: Any) -> None:
    subjects = tasks(failed(3))
    part = rule("match: {status: failed}, ratio: {at_least: 20%, within: 6h}")
    gates = answers(part, subjects[0], subjects, known_to=5)
    assert gates[1] == ("known", "waits", "it is judged when everything is known: up to 5m only")


def test_a_rule_that_waits_for_a_record_says_that_it_judges_nothing_from_there_on(rule: Any) -> None:
    subjects = tasks(failed(3))
    counts = Retelling(
        rule("match: {status: failed}, count: {at_least: 3, within: 1h}"), History({s.key: s for s in subjects})
    )
    asking = Asking(counts, START + HOUR, START + HOUR, str, lambda: START + 5 * MINUTE)
    found = candidate(counts.rule, subjects[0])
    assert found.key is not None
    assert found.at is not None
    gates = list(without_episode(found, closest(found.key, found.at, asking), asking))
    assert [(one.gate.value, one.answer.value) for one in gates] == [
        ("known", "waits"),
        ("condition", "passes"),
        ("known", "waits"),
    ]


def test_a_condition_that_did_not_hold_for_long_enough_is_told(rule: Any) -> None:
    subjects = tasks(failed(2))
    held = rule("match: {status: failed}, count: {at_least: 2, within: 5m}, for: 10m")
    assert answers(held, subjects[0], subjects)[-1] == (
        "for",
        "stops",
        "it did not hold for 10m: at 20m: 0 within 5m, 2 needed",
    )
    assert answers(held, subjects[0], subjects, hours=0.2)[-1][:2] == ("for", "waits")


def test_a_task_that_moved_on_in_time_tells_how_long_it_stayed(rule: Any) -> None:
    subjects = tasks(
        {"at": "0m", "task": UPDATE, "miner": "m1", "status": "pending"},
        {"at": "12m", "miner": "m1", "status": "failed"},
    )
    stuck = rule("match: {status: pending}, stuck: {longer_than: 20m}")
    assert answers(stuck, subjects[0], subjects)[-1] == (
        "condition",
        "stops",
        "it stayed for 12m and then moved on: the rule wants stuck for longer than 20m",
    )
    (over,) = tasks({"at": "0m", "task": UPDATE, "miner": "m1", "status": "failed"})
    assert answers(stuck, over, [over])[0][1] == "stops"


def test_what_came_is_why_it_is_not_absent(rule: Any) -> None:
    subjects = tasks(failed(1))
    none = rule("match: {status: failed}, absent: {within: 2h}")
    assert answers(none, subjects[0], subjects)[-1] == (
        "condition",
        "stops",
        "at 10m: miner.firmware.update failed came 0s before; none within 2h needed",
    )


def test_a_sequence_tells_the_step_that_a_task_is(rule: Any) -> None:
    subjects = tasks(failed(1))
    steps = rule("sequence: {steps: [{task: miner.system.reboot}, {status: failed}], within: 1h}")
    assert answers(steps, subjects[0], subjects)[-1] == (
        "condition",
        "stops",
        "at 10m: step 1 of 2 has not come within 1h",
    )
    (other,) = tasks({"at": "1m", "task": "miner.log.get", "miner": "m1", "status": "succeed"})
    assert answers(steps, other, [other]) == [("match", "stops", "step 2: status is succeed, the rule wants failed")]


CONDITIONS = (
    "each: {}",
    "each: {}, resolve: {after: 1h}",
    "count: {at_least: 3, within: 2h}",
    "count: {at_least: 2, within: 2h, distinct: miner}, for: 20m",
    "count: {at_least: 2, within: 1h}, keep_firing_for: 30m",
    "ratio: {at_least: 40%, within: 3h, min_total: 3}",
    "stuck: {longer_than: 30m}",
    "absent: {within: 2h}",
    "spike: {times: 2, within: 1h, baseline: 4h, min: 2}",
    "new: {field: error, memory: 6h, learn: 2h}, resolve: {after: 1h}",
)


def history_of(random: Random) -> list[Subject]:
    rows: list[dict[str, Any]] = []
    for number in range(40):
        at = random.randrange(1440)
        said = {
            "task": random.choice([UPDATE, "miner.log.get"]),
            "miner": f"m{random.randrange(5)}",
            "id": f"t{number}",
        }
        rows.append({"at": f"{at}m" if at else "0s", "status": "pending", **said})
        if random.random() < 0.9:
            end = {"status": random.choice(["failed", "succeed", "timed_out"]), "error": random.choice("abc")}
            rows.append({"at": f"{at + random.randrange(1, 90)}m", **said, **end})
    return tasks(*rows)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", CONDITIONS)
def test_what_is_told_again_of_a_moment_is_what_fired_then(rule: Any, text: str, seed: int) -> None:
    random = Random(seed)
    subjects = history_of(random)
    status = "pending" if "stuck" in text else "failed"
    one = rule(f"match: {{status: {status}}}, {text}, by: [farm]")
    played = episodes_of(Stage([one], [], [], START + 48 * HOUR), subjects)
    retelling = Retelling(one, History({subject.key: subject for subject in subjects}))
    key = (one.name, ("Farm",))
    for _ in range(40):
        moment = START + random.randrange(30 * 60) * MINUTE
        told = retelling.at(key, moment)
        fired = next((episode for part in played if (episode := part.at(moment)) is not None), None)
        assert told.firing == (fired is not None), (text, (moment - START) / MINUTE, told.words)
        if fired is not None and told.holds:
            assert (told.count, told.total) == (fired.count, fired.total), (text, told.words)
