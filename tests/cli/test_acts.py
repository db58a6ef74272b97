"""`silence` and `ack`, on a store as a daemon left it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from watcher.assembly import wall
from watcher.cli.app import app
from watcher.model.act import Ack
from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.decision import Decided, Why
from watcher.model.message import Say, Severity
from watcher.model.times import DAY, HOUR
from watcher.store.database import open_database, open_reader
from watcher.store.store import Store

CONFIG = "nonce: {workspace: org_x}\ntimezone: UTC\n"
RULES = "rules:\n  - {name: failing, match: {status: failed}, labels: {team: ops}}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    store = Store(open_database(tmp_path / "state.db"))
    now = wall()
    with store.atomic():
        for number, farm in enumerate(("North", "South"), 1):
            labels = {"rule": "failing", "severity": "warning", "team": "ops", "farm": farm}
            alert = Alert(f"{number}abc", "failing", Severity.WARNING, (farm,), labels)
            begun = now - number * HOUR
            store.episodes.write(Episode(0, alert, begun, Origin.NEWS, 5, None, begun, begun, (), begun))
            why = Why(Say.FIRST, "g", message=f"m{number}")
            store.speech.decided([Decided(begun, alert.fingerprint, "ops", number, why)])
        both = Why(Say.REPEAT, "g", message="m3")
        store.speech.decided(Decided(now, f"{number}abc", "ops", number, both) for number in (1, 2))
        labels = {"rule": "failing", "severity": "warning", "farm": "North"}
        gone = Alert("3abc", "failing", Severity.WARNING, ("x",), labels)
        old = Episode(0, gone, now - DAY, Origin.NEWS, 1, None, None, None, (), now - DAY, now - HOUR, EndReason.QUIET)
        store.episodes.write(old)
    store.close()
    return path


def run(config: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(config)], env={"USER": "alice", "SUDO_USER": ""})
    assert done.exit_code == code, done.output
    return done.output


def rows(config: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(config, *words, "--json"))
    return found


def test_a_silence_is_made_listed_and_ended_with_who_and_why(config: Path) -> None:
    said = run(config, "silence", "add", "farm=N*", "--for", "2h", "--comment", "rollout")
    assert said.startswith("silence 1 of alice until ")
    assert said.endswith("it is about 1 of the 2 alerts that fire now\n")
    (row,) = rows(config, "silence", "list")
    assert (row["state"], row["match"], row["author"], row["comment"]) == (
        "holds",
        {"farm": ["N*"]},
        "alice",
        "rollout",
    )
    assert row["firing"] == 1
    shown = {row["alert"]: row["silenced"] for row in rows(config, "alerts")}
    assert shown["2abc"] is None
    assert str(shown["1abc"]).startswith("by alice until ")
    assert str(shown["1abc"]).endswith("(silence 1): rollout")
    assert run(config, "silence", "expire", "1") == "silence 1 of alice is over\n"
    assert "was over at" in run(config, "silence", "expire", "1", code=2)
    assert run(config, "silence", "list") == "no silences\n"
    assert [row["state"] for row in rows(config, "silence", "list", "--all")] == ["over"]


def test_a_silence_may_begin_later_in_the_configured_zone_or_a_named_one(config: Path) -> None:
    run(config, "silence", "add", "team=ops", "--from", "2099-01-01T10:00", "--to", "2099-01-01T12:00+02:00", code=2)
    run(config, "silence", "add", "team=ops", "--from", "2099-01-01T10:00", "--to", "2099-01-01T14:00+02:00")
    (row,) = rows(config, "silence", "list")
    assert (row["state"], row["from"], row["to"]) == ("to come", "2099-01-01T10:00:00.000Z", "2099-01-01T12:00:00.000Z")


def test_the_same_label_again_means_either_and_a_negation_is_one(config: Path) -> None:
    run(config, "silence", "add", "farm=North", "farm=South", "rule!=other", "--for", "1h", "--author", "bob")
    (row,) = rows(config, "silence", "list")
    assert row["match"] == {"farm": ["North", "South"], "rule": ["!other"]}
    assert (row["author"], row["firing"]) == ("bob", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fram=North", "--for", "2h"], 'did you mean "farm"'),
        (["North", "--for", "2h"], "write it as LABEL=VALUE"),
        (["farm=~North.*", "--for", "2h"], "is written LABEL=/…/"),
        (["farm=/(/", "--for", "2h"], "is not a regular expression"),
        (["farm=North"], "say how long"),
        (["farm=North", "--for", "2h", "--to", "2099-01-01"], "say how long"),
        (["farm=North", "--for", "2"], "2"),
        (["farm=North", "--to", "soon"], "expected a time"),
        (["farm=North", "--to", "2020-01-01"], "ends after it begins"),
        (["farm=North", "--from", "2019-01-01", "--to", "2020-01-01"], "is over already"),
    ],
)
def test_what_makes_no_silence_is_told(config: Path, words: list[str], said: str) -> None:
    output = " ".join(run(config, "silence", "add", *words, code=2).replace("│", " ").split())
    assert said in output
    assert rows(config, "silence", "list", "--all") == []


def test_a_wrong_edit_of_the_rules_does_not_stop_a_silence(config: Path) -> None:
    (config.parent / "rules" / "a.yaml").write_text("rules: [")
    assert "warning: the labels are not checked" in run(config, "silence", "add", "farm=North", "--for", "2h")


def test_a_preview_tells_which_alerts_and_messages_it_would_have_muted(config: Path) -> None:
    said = json.loads(run(config, "silence", "preview", "farm=North", "--json"))
    assert (said["alerts"], said["messages"]) == ([2, 3], [1, 3])
    assert {row["alert"]: row["messages"] for row in said["muted"]} == {"1abc": 1, "3abc": 0}
    text = run(config, "silence", "preview", "team=ops")
    assert text.startswith("in the last 7d it would have muted 2 of 3 alerts and 3 of 3 messages\n")


def test_an_ack_is_kept_and_shown(config: Path) -> None:
    assert run(config, "ack", "1a", "--comment", "pump").startswith("acknowledged by alice: failing, firing since ")
    shown = {row["alert"]: row["acknowledged"] for row in rows(config, "alerts")}
    assert shown == {"1abc": "by alice: pump", "2abc": None}
    store = Store(open_reader(config.parent / "state.db"))
    (ack,) = store.acts.acks().values()
    store.close()
    assert ack == Ack(1, ack.at, "alice", "pump", 5)


@pytest.mark.parametrize(("alert", "said"), [("9", "no alert"), ("3abc", "does not fire now"), ("", "no alert")])
def test_what_cannot_be_acknowledged_is_told(config: Path, alert: str, said: str) -> None:
    assert said in run(config, "ack", alert, code=2)
