"""`explain` and `why-not` after real looks at a farm, as an operator asks at night."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from watcher.cli.app import app
from watcher.model.alert import Alert, Episode, Origin
from watcher.model.decision import Hush
from watcher.model.message import Say, Severity
from watcher.store.database import open_database, open_reader
from watcher.store.store import Store

if TYPE_CHECKING:
    from tests.stories.conftest import Story
else:
    Story = Any

Tell = Callable[..., Story]
FIRMWARE = "miner.firmware.update"
REBOOT = "miner.system.reboot"
RULES = """\
rules:
  - {name: reboots, match: {task: miner.system.reboot, status: [failed, timed_out]}}
  - {name: updates, match: {task: miner.firmware.update, status: failed}, by: [farm], unless: [cause]}
  - {name: cause, severity: critical, match: {task: miner.asset.delete, status: failed}, by: [farm]}
  - {name: many, match: {task: miner.system.reboot, status: failed}, count: {at_least: 5, within: 1h}}
  - {name: rare, match: {task: miner.system.reboot, status: succeed}, absent: {within: 2h}, by: [farm, miner]}
  - {name: unseen, match: {watcher: blind}}
"""


@pytest.fixture
def story(tell: Tell, tmp_path: Path) -> Story:
    """A week of rules of our own; the first look is done."""
    story = tell()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text(RULES)
    story.configure(rules=tmp_path / "own")
    story.fails(story.miners()[11], name=REBOOT, ago=3600)
    story.once()
    story.later(minutes=5)
    return story


def ask(story: Story, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(story.config)])
    assert done.exit_code == code, done.output
    return done.output if code else done.stdout


def asked(story: Story, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(story, *words, "--json"))
    return found


def alert_of(story: Story, rule: str) -> str:
    rows = json.loads(ask(story, "alerts", "--all", "--since", "4000d", "--json"))
    return str(next(row["alert"] for row in rows if row["rule"] == rule))


def task_of(story: Story, number: int) -> str:
    """The id of the task that the farm was given so late, the first of the fixture being 1."""
    return list(story.sim.tasks)[number - 1]


def decisions(story: Story) -> list[tuple[str, str]]:
    store = Store(open_reader(story.folder / "state.db"))
    found = [
        (name, one.why.reason.value)
        for name in store.episodes.fingerprints()
        for one in store.speech.decisions(name, 1 << 62)
    ]
    store.close()
    return found


def gate(found: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(next(one for one in found["gates"] if one["gate"] == name))


# --- explain


def test_what_was_said_is_explained_from_the_match_to_the_answer_of_the_service(story: Story) -> None:
    story.fails(story.miners()[0], name=REBOOT)
    story.once()
    found = asked(story, "explain", alert_of(story, "reboots")[:6])
    assert found["verdict"]["gate"] is None
    assert [one["gate"] for one in found["gates"]] == [
        *("match", "condition", "learnt", "inhibition", "route", "timers", "said", "outbox")
    ]
    assert {one["answer"] for one in found["gates"]} == {"passes"}
    assert "JSON answered 200 OK" in gate(found, "outbox")["words"]
    assert "routes[0], group rule=reboots farm=Cedar Creek" in gate(found, "route")["words"]
    (task,) = found["evidence"]["shown"]
    assert [clause["words"] for clause in task["clauses"]] == ["task is miner.system.reboot", "status is failed"]
    assert found["figures"]["now"]["words"] == "1 not resolved yet"
    (message,) = found["messages"]
    assert [one["outcome"] for one in message["targets"][0]["attempts"]] == ["sent"]
    said = ask(story, "explain", found["alert"])
    assert "It was said on ops, message" in said
    assert "✓  status is failed" in said


def test_what_was_learnt_is_nobodys_news(story: Story) -> None:
    found = asked(story, "explain", alert_of(story, "reboots"))
    assert found["verdict"]["gate"] == "learnt"
    assert "the first contact" in found["verdict"]["words"]


def test_what_an_edit_learnt_says_so(story: Story) -> None:
    story.fails(story.miners()[0], name="miner.log.get")
    story.once()
    rules = story.folder / "own" / "a.yaml"
    rules.write_text(RULES.replace("task: miner.system.reboot, status: [failed", "status: [failed"))
    story.later(minutes=1)
    ask(story, "explain", alert_of(story, "reboots"))
    assert "changed on the disk" in ask(story, "explain", alert_of(story, "reboots"))
    story.once()
    rows = json.loads(ask(story, "alerts", "--json"))
    name = next(row["alert"] for row in rows if row["labels"].get("task") == "miner.log.get")
    assert "an edit announces nothing from the past" in asked(story, "explain", name)["verdict"]["words"]


def test_who_hushes_it_is_named_now_and_for_last_tuesday(story: Story) -> None:
    story.fails(story.miners()[0], name="miner.asset.delete")
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[1])
    story.once()
    then = story.now()
    cause = alert_of(story, "cause")
    found = asked(story, "explain", alert_of(story, "updates"))
    assert found["verdict"]["gate"] == "inhibition"
    assert f"alert {cause} of rule cause speaks for it" in found["verdict"]["words"]
    story.later(days=2)
    story.repairs(story.miners()[0], name="miner.asset.delete", ago=300)
    story.fails(story.miners()[2])
    story.once()
    assert asked(story, "explain", alert_of(story, "updates"))["verdict"]["gate"] is None
    past = asked(story, "explain", alert_of(story, "updates"), "--at", then.isoformat())
    assert past["verdict"] == found["verdict"]
    assert past["evidence"]["tasks"] == 1
    assert {one["reason"] for one in past["decisions"]} == {"inhibited"}


def test_before_a_look_showed_it_nobody_knew_and_before_it_fired_there_is_nothing_to_explain(story: Story) -> None:
    story.fails(story.miners()[0], name=REBOOT, ago=60)
    between = story.now()
    story.later(minutes=5)
    story.once()
    rows = json.loads(ask(story, "alerts", "--json"))
    name = next(row["alert"] for row in rows if row["state"] == "firing")
    assert asked(story, "explain", name, "--at", between.isoformat())["verdict"]["gate"] == "known"
    assert "had not fired yet" in ask(story, "explain", name, "--at", "2026-01-01", code=2)


def test_a_channel_that_does_not_answer_holds_it_back_and_every_attempt_is_told(story: Story) -> None:
    story.receiver.status = 500
    story.fails(story.miners()[0])
    story.once()
    found = asked(story, "explain", alert_of(story, "updates"))
    assert (found["verdict"]["gate"], found["verdict"]["answer"]) == ("outbox", "waits")
    assert "JSON answered 500" in found["verdict"]["words"]
    failing = story.now()
    story.receiver.status = 200
    story.later(hours=1)
    story.once()
    found = asked(story, "explain", alert_of(story, "updates"))
    assert found["verdict"]["gate"] is None
    assert [one["outcome"] for one in found["messages"][0]["targets"][0]["attempts"]] == ["passing", "sent"]
    past = asked(story, "explain", alert_of(story, "updates"), "--at", failing.isoformat())
    assert past["verdict"]["gate"] == "outbox"


def test_of_a_rule_that_is_gone_the_stored_is_told(story: Story) -> None:
    story.fails(story.miners()[0])
    story.once()
    name = alert_of(story, "updates")
    rules = story.folder / "own" / "a.yaml"
    rules.write_text("rules: [{name: other, match: {status: failed}}]\n")
    found = asked(story, "explain", name)
    assert found["notes"] == ["there is no rule updates any more: only what was stored is told"]
    assert found["decisions"]
    rules.write_text("rules: [{name: other, match: {statsu: failed}}]\n")
    broken = asked(story, "explain", name)
    assert "the rules can't be read" in broken["notes"][0]
    assert broken["messages"] == found["messages"]


def test_an_alert_that_there_is_none_of_gets_the_nearest_and_where_they_are_listed(story: Story) -> None:
    story.fails(story.miners()[0])
    story.once()
    name = alert_of(story, "updates")
    said = ask(story, "explain", name[:-1] + ("0" if name[-1] != "0" else "1"), code=2)
    assert f'did you mean "{name}"' in said
    assert "alerts --all" in said
    assert "no alert" in ask(story, "explain", "", code=2)


def test_what_the_api_sent_stays_text(story: Story) -> None:
    story.sim.add_raw(
        story.miners()[0],
        "miner.log.get\x1b]0;owned\x07 [red]@here",
        {"created": story.now(), "failed": story.now()},
    )
    (story.folder / "own" / "b.yaml").write_text(
        "rules: [{name: any, match: {task: 'miner.log.get*', status: failed}}]"
    )
    story.later(minutes=1)
    story.once()
    said = ask(story, "explain", alert_of(story, "any"))
    assert "\x1b" not in said
    assert "miner.log.get [red]" in said


# --- the decisions that are kept


def test_a_change_of_a_decision_is_kept_once_whatever_is_restarted(story: Story) -> None:
    for miner in story.miners()[:3]:
        story.fails(miner, name=REBOOT)
    for _ in range(5):  # each a process of its own
        story.once()
        story.later(minutes=1)
    kept = decisions(story)
    assert sorted(reason for _, reason in kept) == ["baseline", *["first"] * 3, *["unchanged"] * 3]
    for miner in story.miners()[:3]:
        story.repairs(miner, name=REBOOT)
    for _ in range(3):
        story.once()
        story.later(minutes=10)
    later = [reason for one, reason in decisions(story) if (one, reason) not in kept]
    assert later == ["all_ended"] * 3


def test_every_kept_reason_is_one_of_the_known(story: Story) -> None:
    story.fails(story.miners()[0])
    story.once()
    assert {reason for _, reason in decisions(story)} <= {*map(str, Say), *map(str, Hush)}


# --- why-not


def test_a_task_that_does_not_match_tells_the_clause_that_says_no(story: Story) -> None:
    story.repairs(story.miners()[0], name=REBOOT)
    story.once()
    said = ask(story, "why-not", "reboots", "--task", task_of(story, 2))
    assert said.startswith("No: status is succeed, the rule wants failed or timed_out")


def test_a_count_that_was_not_reached_and_what_came_and_what_was_said(story: Story) -> None:
    story.fails(story.miners()[0], name=REBOOT)
    story.repairs(story.miners()[1], name=REBOOT)
    story.once()
    many = asked(story, "why-not", "many", "--task", task_of(story, 2))
    assert many["verdict"]["gate"] == "condition"
    assert "2 within 1h, 5 needed" not in many["verdict"]["words"]
    assert "1 within 1h, 5 needed" in many["verdict"]["words"]
    said = asked(story, "why-not", "reboots", "--task", task_of(story, 2))
    assert said["verdict"]["words"].startswith("It was said on ops, message")
    assert said["alert"] == next(
        row["alert"] for row in json.loads(ask(story, "alerts", "--json")) if row["state"] == "firing"
    )
    came = asked(story, "why-not", "rare", "--task", task_of(story, 3))
    assert "miner.system.reboot succeed came 0s before" in came["verdict"]["words"]


def test_of_a_miner_the_task_that_gets_furthest_is_explained_and_the_others_are_named(story: Story) -> None:
    miner = story.miners()[0]
    story.repairs(miner, name=REBOOT, ago=100)
    story.fails(miner, name=REBOOT)
    story.fails(miner)
    story.once()
    found = asked(story, "why-not", "many", "--miner", miner.id)
    assert (found["task"]["name"], found["task"]["status"]) == (REBOOT, "failed")
    assert {(one["name"], one["status"]) for one in found["others"]} == {(REBOOT, "succeed"), (FIRMWARE, "failed")}
    waiting = asked(story, "why-not", "rare", "--miner", miner.id)
    assert "came" in waiting["verdict"]["words"]
    idle = ask(story, "why-not", "rare", "--miner", story.miners()[5].id)
    assert "none since the watch began" in idle
    assert "no task of this miner" in ask(story, "why-not", "reboots", "--miner", story.miners()[5].id)


def test_what_is_unknown_is_refused_with_the_nearest(story: Story) -> None:
    assert 'did you mean "reboots"' in ask(story, "why-not", "rebots", "--task", "x", code=2)
    assert "there is no task" in ask(story, "why-not", "reboots", "--task", "x", code=2)
    assert "there is no miner" in ask(story, "why-not", "reboots", "--miner", "x", code=2)
    assert "--task" in ask(story, "why-not", "reboots", code=2)


def test_a_rule_about_the_watcher_sees_no_task(story: Story) -> None:
    assert "about the watcher itself" in ask(story, "why-not", "unseen", "--task", "x")


def test_a_trouble_of_the_watcher_itself_tells_its_cause(story: Story) -> None:
    store = Store(open_database(story.folder / "state.db"))
    alert = Alert("0" * 12, "unseen", Severity.CRITICAL, ("blind", None, None), {"rule": "unseen", "watcher": "blind"})
    at = int(story.now().timestamp() * 1000) - 600_000
    with store.atomic():
        store.episodes.write(Episode(0, alert, at, Origin.NEWS, 1, None, None, at, (), at, cause="the API answers 503"))
    store.close()
    found = asked(story, "explain", "0" * 12)
    assert gate(found, "match")["words"] == "the watcher itself: the API answers 503"
    assert found["figures"] == {}
    assert found["verdict"]["gate"] == "timers"
    assert "the watcher itself" in ask(story, "explain", "0" * 12)
