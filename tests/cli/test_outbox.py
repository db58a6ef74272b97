"""`outbox`: what is on its way, seen and steered beside the daemon."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.notify.conftest import MESSAGE
from watcher.cli.app import app
from watcher.model.codec import to_json
from watcher.store.database import open_database
from watcher.store.store import Store

Told = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a row of each state: 1 dead, 2 waits, 3 in flight, 4 sent, 5 folded into 2."""
    (tmp_path / "config.yaml").write_text("nonce: {workspace: org_1}\n")
    monkeypatch.chdir(tmp_path)
    with closing(Store(open_database(tmp_path / "state.db"))) as store, store.atomic():
        for number in range(1, 6):
            store.outbox.add(f"m{number}/ops/slack-1", "ops", "slack-1", to_json(MESSAGE), 1000)
        for number in (1, 3, 4):
            store.outbox.begin(number, 2000)
        store.outbox.delivery(1, 3000, "permanent", "Slack answered 404 Not Found: no_service")
        store.outbox.dead(1, 3000, "Slack answered 404 Not Found: no_service")
        store.outbox.sent(4, 3000)
        store.folds.fold([5], 2, 3000)
        store.outbox.add("m6/mail/mailto-1", "mail", "mailto-1", to_json(MESSAGE), 4000, fallback_of=1)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["outbox", *arguments])
    return done.exit_code, done.output


def states(folder: Path) -> dict[int, str]:
    with closing(Store(open_database(folder / "state.db"))) as store:
        every = ("queued", "sending", "sent", "dead", "folded", "dropped")
        return {one.id: one.state for one in store.outbox.records(states=every)}


@pytest.mark.parametrize("words", [("list",), ()])
def test_it_lists_what_waits_and_the_dead_letters(folder: Path, words: tuple[str, ...]) -> None:
    code, said = run(*words, "--json")
    assert code == 0
    assert [(one["id"], one["state"]) for one in json.loads(said)] == [
        (6, "queued"),
        (3, "sending"),
        (2, "queued"),
        (1, "dead"),
    ]


def test_all_is_listed_when_asked_for(folder: Path) -> None:
    assert {one["state"] for one in json.loads(run("list", "--all", "--json")[1])} == set(states(folder).values())


def test_one_is_shown_with_the_service_s_answer_and_its_text(folder: Path) -> None:
    code, said = run("show", "1")
    assert code == 0
    assert "permanent: Slack answered 404 Not Found: no_service" in said
    assert "instead:          6 to mail (mailto-1), queued" in said
    assert "Critical: Firmware updates are failing, North Barn" in said
    shown = json.loads(run("show", "5", "--json")[1])
    assert (shown["state"], shown["told by"]) == ("folded", 2)
    assert json.loads(run("show", "2", "--json")[1])["tells"] == [5]


def test_a_dead_letter_is_tried_again(folder: Path) -> None:
    assert run("retry", "1") == (0, "message 1 is tried again\n")
    assert states(folder)[1] == "queued"


def test_a_message_is_dropped(folder: Path) -> None:
    assert run("drop", "1", "2") == (0, "message 1 is dropped\nmessage 2 is dropped\n")
    assert (states(folder)[1], states(folder)[2]) == ("dropped", "dropped")


@pytest.mark.parametrize("work", ["retry", "drop"])
def test_all_or_nothing_is_done(folder: Path, work: str) -> None:
    before = states(folder)
    code, said = run(work, "1", "3", "4", "5", "9")
    assert code == 2
    assert said.splitlines() == [
        "message 3 is being sent just now: try again in half a minute",
        "message 4 was sent already",
        "message 5 is told by message 2: name that one",
        "there is no message 9 in the outbox: see `outbox list --all`",
    ]
    assert states(folder) == before


def test_what_is_not_there_cannot_be_shown(folder: Path) -> None:
    assert run("show", "99")[0] == 2


def test_dead_letters_stand_in_the_status(folder: Path) -> None:
    said = CliRunner().invoke(app, ["status"]).output
    assert "ops: 1 given up, at last: Slack answered 404 Not Found: no_service (see `outbox list`)" in said
