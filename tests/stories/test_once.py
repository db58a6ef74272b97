"""`run --once`, again and again, as an operator's timer would."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watcher.model.codec import from_json
from watcher.sim import Switches
from watcher.store.database import open_database
from watcher.store.store import Store

if TYPE_CHECKING:
    from tests.stories.conftest import Story
else:
    Story = Any

Tell = Callable[..., Story]
FIRMWARE = "miner.firmware.update"
REBOOT = "miner.system.reboot"


def awkward(tell: Tell) -> Story:
    """Two farms with a row shape each, small pages, Bearer only, no batches, a server 30 s behind."""
    story = tell(
        farms=2,
        miners=60,
        offset=-30,
        switches=Switches(page_cap=10, auth="bearer", batches=404),
    )
    second = list(story.sim.farms)[1]
    story.sim.switches.farm_shapes = {second: "newer"}
    return story


def test_a_week_of_failures_is_learnt_in_silence_and_then_each_trouble_is_one_message(tell: Tell) -> None:
    story = awkward(tell)
    for number, miner in enumerate(story.sim.miners()):
        for day in range(6):
            story.fails(miner, name=REBOOT, ends="timed_out", ago=day * 80_000 + number * 60 + 100)
    assert story.once() == 0
    assert story.receiver.take() == []

    story.later(minutes=5)
    for farm in (0, 1):
        for miner in story.miners(farm)[:7]:
            story.fails(miner)
    assert story.once() == 0
    assert story.receiver.titles() == [
        "Warning: Firmware updates failed, Cedar Creek",
        "Warning: Firmware updates failed, North Barn",
    ]

    story.later(minutes=5)
    assert story.once() == 0
    assert story.receiver.take() == []

    story.later(minutes=5)
    for farm in (0, 1):
        for miner in story.miners(farm)[:7]:
            story.repairs(miner)
    assert story.once() == 0
    assert story.receiver.titles() == [
        "Resolved: Firmware updates failed, Cedar Creek",
        "Resolved: Firmware updates failed, North Barn",
    ]
    story.later(minutes=5)
    assert story.once() == 0
    assert story.receiver.take() == []


def test_a_repair_of_this_very_moment_is_told_by_the_same_look(tell: Tell) -> None:
    story = tell()
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.once()
    story.receiver.take()
    story.later(minutes=1)
    story.repairs(story.miners()[0], ago=0)
    story.once()
    assert story.receiver.titles() == ["Resolved: Firmware updates failed, Cedar Creek"]


def test_three_hundred_failures_are_one_message_that_counts_them(tell: Tell) -> None:
    story = tell(miners=310)
    story.once()
    story.later(minutes=1)
    for miner in story.miners()[:300]:
        story.fails(miner, name="miner.log.get")
    story.once()
    (message,) = story.receiver.take()
    assert "300 tasks on 300 miners" in message["message"]
    assert "and 290 more" in message["message"]
    assert "300× checksum mismatch at block <n>" in message["message"]


def test_after_two_hours_off_one_message_tells_what_came_and_went(tell: Tell) -> None:
    story = tell(miners=20)
    story.once()
    story.later(hours=2)
    for miner in story.miners()[:5]:
        story.fails(miner, ago=5000)
        story.repairs(miner, ago=3000)
    for miner in story.miners()[5:8]:
        story.fails(miner, ago=4000)
    story.once()
    first, second = sorted(story.receiver.take(), key=lambda message: str(message["title"]))
    assert first["title"] == "Warning: Firmware updates failed, Cedar Creek"
    assert "3 tasks on 3 miners" in first["message"]
    assert "Late: fired at" in first["message"]
    assert second["title"] == "While I could not see, 02:59–04:59 UTC: 5 alerts came and went"
    story.later(minutes=10)
    story.once()
    assert story.receiver.take() == []


def test_a_channel_that_is_down_gets_its_messages_later_and_in_order(tell: Tell) -> None:
    story = tell()
    story.once()
    story.receiver.status = 500
    story.later(minutes=1)
    story.fails(story.miners()[0])
    assert story.once() == 3
    story.later(minutes=6)
    story.repairs(story.miners()[0])
    assert story.once() == 3
    story.receiver.status = 200
    story.later(minutes=10)
    assert story.once() == 0
    assert [message["title"].split(":")[0] for message in story.receiver.take()] == ["Warning", "Resolved"]


def test_a_channel_that_wants_no_ends_hears_none(tell: Tell) -> None:
    story = tell()
    story.config.write_text(story.config.read_text().replace("rate: 1000/s", "rate: 1000/s, send_resolved: false"))
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.once()
    assert len(story.receiver.take()) == 1
    story.later(minutes=10)
    story.repairs(story.miners()[0])
    story.once()
    assert story.receiver.take() == []
    story.later(minutes=10)
    story.fails(story.miners()[0])
    story.once()
    assert [message["title"] for message in story.receiver.take()] == ["Warning: Firmware updates failed, Cedar Creek"]


def test_what_is_stuck_already_comes_in_one_message(tell: Tell) -> None:
    story = tell(miners=30)
    now = story.now()
    from datetime import timedelta

    for miner in story.miners()[:9]:
        story.sim.add_raw(miner, REBOOT, {"created": now - timedelta(hours=5), "pending": now - timedelta(hours=5)})
    for miner in story.miners()[9:12]:
        story.sim.add_raw(miner, REBOOT, {"created": now - timedelta(hours=4)})
    story.once()
    (message,) = story.receiver.take()
    assert message["title"].startswith("Already so when I started")
    story.later(hours=1)
    story.once()
    assert story.receiver.take() == []


def test_a_farm_that_cannot_be_read_ends_with_three_and_disturbs_nothing_else(tell: Tell) -> None:
    story = tell()
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.sim.fail_next(1000, "503", "/tasks")
    assert story.once() == 3
    assert story.receiver.take() == []
    story.sim.faults.clear()
    story.later(minutes=5)
    assert story.once() == 0
    assert story.receiver.titles() == ["Warning: Firmware updates failed, Cedar Creek"]


def test_passing_faults_and_odd_answers_cost_nothing(tell: Tell) -> None:
    story = tell()
    story.once()
    story.later(minutes=1)
    for miner in story.miners()[:3]:
        story.fails(miner)
    for kind in ("500", "html", "truncated", "empty", "wrong_type", "redirect", "reset"):
        story.sim.fail_next(1, kind, "/tasks")
        assert story.once() == 0
        story.later(minutes=1)
    assert story.receiver.titles() == ["Warning: Firmware updates failed, Cedar Creek"]


def test_the_host_clock_may_be_an_hour_off_either_way(tell: Tell) -> None:
    story = tell()
    story.once()
    for error in (3_600_000, -3_600_000, 86_400_000, 0):
        story.wall_error = error
        story.later(minutes=1)
        story.once()
    assert story.receiver.take() == []
    story.fails(story.miners()[0])
    story.once()
    assert len(story.receiver.take()) == 1


def test_an_edited_rule_announces_nothing_from_the_past(tell: Tell, tmp_path: Path) -> None:
    story = tell()
    rules = tmp_path / "my rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("rules: [{name: reboots, match: {task: miner.system.reboot, status: failed}}]\n")
    story.configure(rules=rules)
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.fails(story.miners()[1], name=REBOOT)
    story.once()
    assert len(story.receiver.take()) == 1
    (rules / "a.yaml").write_text("rules: [{name: reboots, match: {status: failed}}]\n")
    story.later(minutes=1)
    story.once()
    assert story.receiver.take() == []
    story.later(minutes=10)
    story.fails(story.miners()[2])
    story.once()
    (message,) = story.receiver.take()
    assert "rule reboots changed" in message["message"]
    assert story.miners()[2].id in message["message"]


def test_a_host_clock_years_ahead_at_the_start_costs_no_history_and_no_message(tell: Tell) -> None:
    """Before the first look tells the API's time, nothing is judged old by the host's."""
    story = tell()
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.receiver.status = 500
    assert story.once() == 3
    story.later(minutes=1)
    story.receiver.status = 200
    story.wall_error = 12 * 365 * 86_400_000
    story.fails(story.miners()[1])
    story.repairs(story.miners()[1], ago=5)
    assert story.once() == 0
    said = " ".join(message["message"] for message in story.receiver.take())
    assert story.miners()[0].id in said


def test_a_message_links_to_the_miners_in_the_operator_s_app(tell: Tell) -> None:
    story = tell()
    written = story.config.read_text()
    story.config.write_text(written.replace("nonce: {", "nonce: {app_url: 'https://app.example/{farm}/m/{miner}', "))
    story.once()
    story.later(minutes=1)
    miner = story.miners()[0]
    story.fails(miner)
    story.once()
    store = Store(open_database(story.folder / "state.db"))
    (kept,) = [from_json(record.message) for record in store.outbox.records(states=["sent"])]
    store.close()
    (section,) = kept.sections
    (farm,) = story.sim.farms
    assert [one.url for one in section.miners] == [f"https://app.example/{farm}/m/{miner.id}"]
    assert [(row.miner, row.status) for row in section.rows] == [(miner.id, "failed")]
