"""Shorter stories: who goes, what is lost, other channels, an API that asks for patience."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from watcher.store.database import open_reader
from watcher.store.store import Store

if TYPE_CHECKING:
    from tests.stories.conftest import Story
else:
    Story = Any

Tell = Callable[..., Story]
REBOOT = "miner.system.reboot"


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str, str]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain", "html"))
        self.mails.append((envelope.rcpt_tos, str(mail["Subject"]), "" if text is None else text.get_content()))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def ends(story: Story) -> set[tuple[str, str | None]]:
    with closing(open_reader(story.folder / "state.db")) as reader:
        found = Store(reader).episodes.since(0)
    return {(e.alert.rule, None if e.end_reason is None else e.end_reason.value) for e in found}


def test_two_people_get_the_same_mail_each_on_its_own(tell: Tell, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    story = tell()
    url = f"mailto://watcher@example.test/?smtp=127.0.0.1&port={port}&mode=insecure&from=w@example.test&to=a@example.test,b@example.test"
    story.config.write_text(story.config.read_text().replace("${HOOK}", url))
    story.once()
    story.later(minutes=1)
    story.fails(story.miners()[0])
    assert story.once() == 0
    assert sorted(to for to, _, _ in box.mails) == [["a@example.test"], ["b@example.test"]]
    assert {subject for _, subject, _ in box.mails} == {"Warning: Firmware updates failed, Cedar Creek"}
    assert all(story.miners()[0].id in body for _, _, body in box.mails)


def test_the_alerts_of_a_miner_that_is_gone_end_as_removed(tell: Tell) -> None:
    story = tell()
    story.once()
    story.later(minutes=1)
    gone = story.miners()[0]
    story.fails(gone)
    story.once()
    story.receiver.take()
    story.sim.remove_miner(gone.farm_id, gone.id)
    story.later(hours=1)
    story.once()
    assert story.receiver.take() == []
    assert ends(story) == {("firmware-update-failed", "removed")}
    story.later(hours=1)
    story.once()
    assert story.receiver.take() == []
    assert ends(story) == {("firmware-update-failed", "removed")}


def test_a_task_that_the_api_no_longer_shows_ends_its_alert_as_lost(tell: Tell) -> None:
    story = tell()
    story.once()
    miner = story.miners()[0]
    now = story.now() + timedelta(minutes=1)
    task = story.sim.add_raw(miner, REBOOT, {"created": now, "pending": now})
    story.later(hours=1)
    story.once()
    assert len(story.receiver.take()) == 1
    story.sim.by_miner[miner.id].remove(task)
    batch = story.sim.batches.pop(task.batch_id)
    story.sim.by_farm[batch.farm_id].remove(batch)
    for days in (1, 6, 2, 1):
        story.later(days=days)
        story.once()
    assert ends(story) == {("task-hanging", "lost")}


def test_a_retry_after_is_obeyed(tell: Tell) -> None:
    story = tell()
    story.once()
    story.sim.switches.retry_after = "seconds"
    story.later(minutes=1)
    story.fails(story.miners()[0])
    story.sim.fail_next(1, "429", "/tasks")
    assert story.once() == 0
    assert len(story.receiver.take()) == 1


def test_a_reboot_that_hangs_is_told_and_its_end_too(tell: Tell) -> None:
    story = tell()
    story.once()
    now = story.now() + timedelta(minutes=1)
    task = story.sim.add_raw(story.miners()[0], REBOOT, {"created": now, "pending": now})
    story.later(minutes=30)
    story.once()
    assert story.receiver.take() == []
    story.later(minutes=2)
    story.once()
    (message,) = story.receiver.take()
    assert message["title"] == "Warning: Tasks began and do not end, Cedar Creek"
    story.later(minutes=10)
    story.sim.finish(task, "succeed")
    story.later(minutes=1)
    story.once()
    (message,) = story.receiver.take()
    assert message["title"].startswith("Resolved: Tasks began and do not end")
    assert "moved on to succeed" in message["message"]


def test_a_farm_that_fails_as_a_whole_is_one_critical_message(tell: Tell) -> None:
    story = tell(miners=40)
    story.once()
    story.later(minutes=1)
    for miner in story.miners():
        story.fails(miner, name="miner.power_mode.update")
    story.once()
    assert story.receiver.titles() == [
        "Critical: Many power mode changes are failing, Cedar Creek",
        "Warning: Power mode changes failed, Cedar Creek",
    ]
    story.later(hours=1)
    story.once()
    (quiet,) = story.receiver.take()
    assert quiet["title"] == "Resolved: Many power mode changes are failing, Cedar Creek"
    assert "40 of 40 miners still without a later success" in quiet["message"]
