"""Not to the sleeping: real looks at a farm, with nights, silences, acknowledgements and escalation."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from watcher.cli.app import app
from watcher.model.act import Silence
from watcher.model.times import from_datetime
from watcher.store.database import open_writer
from watcher.store.store import Store

if TYPE_CHECKING:
    from tests.stories.conftest import Story
else:
    Story = Any

Tell = Callable[..., Story]
REBOOT = "miner.system.reboot"
RULES = "rules:\n  - {name: reboots, match: {task: miner.system.reboot, status: failed}, summary: Reboots fail}\n"


@pytest.fixture
def begin(tell: Tell, tmp_path: Path) -> Callable[[str], Story]:
    """A story with one rule; the first look is done. It is three in the night."""

    def make(extra: str) -> Story:
        story = tell()
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "a.yaml").write_text(RULES)
        story.configure(rules=tmp_path / "own", extra=extra)
        story.once()
        story.later(minutes=5)
        return story

    return make


def ask(story: Story, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(story.config)], env={"USER": "alice", "SUDO_USER": ""})
    assert done.exit_code == 0, done.output
    return done.output


def explained(story: Story, alert: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(story, "explain", alert, "--json"))
    return found


def the_alert(story: Story) -> str:
    return str(json.loads(ask(story, "alerts", "--all", "--since", "4000d", "--json"))[0]["alert"])


def test_a_night_is_quiet_and_the_morning_tells_what_still_fires(begin: Callable[[str], Story]) -> None:
    story = begin(
        "mute_times: {nights: [{times: ['22:00-06:00']}]}\nroutes: [{channels: [ops], mute_times: [nights]}]\n"
    )
    story.fails(story.miners()[0], name=REBOOT)
    story.fails(story.miners()[1], name=REBOOT)
    story.once()
    assert story.receiver.take() == []
    found = explained(story, the_alert(story))
    assert found["verdict"]["gate"] == "mute"
    assert "mute_times nights" in found["verdict"]["words"]
    assert "06:00:00" in ask(story, "explain", the_alert(story))
    story.later(hours=1)
    story.repairs(story.miners()[1], name=REBOOT)
    story.once()
    story.later(hours=2)
    story.once()
    (message,) = story.receiver.take()
    assert message["title"].endswith("Still firing, no longer muted: Reboots fail, Cedar Creek")
    assert story.miners()[0].id in message["message"]
    assert story.miners()[1].id not in message["message"]


def silenced(story: Story, comment: str) -> None:
    """For two hours; by the farm's time, which is not that of the machine, so that no command would take it."""
    begin, end = (from_datetime(story.now() + timedelta(hours=shift)) for shift in (-1, 2))
    store = Store(open_writer(story.folder / "state.db"))
    with store.atomic():
        store.acts.add(Silence(0, {"rule": ("reboots",)}, begin, end, "alice", comment), begin)
    store.close()


def test_a_silence_says_who_and_why_wherever_it_acts(begin: Callable[[str], Story]) -> None:
    story = begin("")
    silenced(story, "rollout <b>@here</b>")
    story.fails(story.miners()[0], name=REBOOT)
    story.once()
    assert story.receiver.take() == []
    found = explained(story, the_alert(story))
    assert found["verdict"]["gate"] == "silence"
    assert "silence 1 of alice until" in found["verdict"]["words"]
    assert "rollout" in found["verdict"]["words"]
    assert [one["reason"] for one in found["decisions"]] == ["silenced"]
    story.later(hours=3)
    story.once()
    (message,) = story.receiver.take()
    assert "The silence of alice ended at" in message["message"]
    assert "rollout" in message["message"]
    assert "@here" not in message["message"], "what people write is no mention either"


def test_an_ack_stops_repeats_and_is_shown(begin: Callable[[str], Story]) -> None:
    story = begin("routes: [{channels: [ops], repeat_interval: 1h}]\n")
    story.fails(story.miners()[0], name=REBOOT)
    story.once()
    assert len(story.receiver.take()) == 1
    ask(story, "ack", the_alert(story), "--comment", "on my way")
    story.later(hours=2)
    story.once()
    assert story.receiver.take() == []
    assert "acknowledged by alice (on my way)" in ask(story, "explain", the_alert(story))
    story.fails(story.miners()[1], name=REBOOT)
    story.once()
    (message,) = story.receiver.take()
    assert "Acknowledged by alice at" in message["message"]
    assert "on my way" in message["message"]


def test_what_nobody_acknowledges_goes_to_the_next_channel(begin: Callable[[str], Story]) -> None:
    story = begin("")
    text = story.config.read_text().replace("channels: {", "channels: {oncall: {url: '${HOOK}', rate: 1000/s}, ")
    story.config.write_text(f"{text}routes: [{{channels: [ops], escalate: {{after: 20m, channels: [oncall]}}}}]\n")
    story.fails(story.miners()[0], name=REBOOT)
    story.once()
    assert len(story.receiver.take()) == 1
    story.later(minutes=21)
    story.once()
    (message,) = story.receiver.take()
    assert "Nobody has acknowledged this: Reboots fail" in message["title"]
    story.repairs(story.miners()[0], name=REBOOT)
    story.later(minutes=10)
    story.once()
    assert len(story.receiver.take()) == 2, "both hear of the end"
