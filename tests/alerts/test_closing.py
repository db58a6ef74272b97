from watcher.alerts.closing import closing_message, closing_of
from watcher.alerts.links import AppLinks
from watcher.model.batch import Batch
from watcher.model.fact import TaskFact
from watcher.model.message import Link, MinerLine, Say, Severity

BATCH = Batch("f1", "b-17", "miner.firmware.update", "completed", created_at=1000, actor="ann")
LINKS = AppLinks("https://app.farm.example/{batch}")


def task(
    number: int, status: str, *, miner: str = "", model: str | None = "S21", reason: str | None = None
) -> TaskFact:
    return TaskFact(number, BATCH.name, status, "f1", miner or f"M-{number}", model, None, reason, "b-17")


TASKS = [
    *(task(number, "succeed") for number in range(6)),
    task(6, "failed", reason="checksum mismatch"),
    task(7, "failed", reason="checksum mismatch", model="S19"),
    task(8, "timed_out", model="S19"),
    task(9, "failed", miner="M-1", reason="busy", model=None),  # another try on it succeeded
]


def test_a_batch_s_end_tells_how_many_of_how_many_why_and_whom_to_do_again() -> None:
    closing = closing_of(BATCH, "North Barn", TASKS, ended_at=9000, links=LINKS)
    assert (closing.succeeded, closing.total) == (6, 10)
    assert closing.statuses == {"failed": 3, "timed_out": 1}
    assert closing.models == (("S19", 0, 2), ("S21", 6, 7))
    assert closing.reasons == (("checksum mismatch", 2), ("busy", 1))
    assert closing.again == (MinerLine("M-6", "S21"), MinerLine("M-7", "S19"), MinerLine("M-8", "S19"))
    assert closing.again_total == 3
    assert closing.links == (Link("Batch b-17", "https://app.farm.example/b-17"),)
    assert [row.miner for row in closing.rows] == ["M-6", "M-7", "M-8", "M-1"]


def test_a_batch_without_a_failure_is_no_warning() -> None:
    def severity(tasks: list[TaskFact]) -> Severity:
        closing = closing_of(BATCH, "North Barn", tasks, ended_at=9000, links=LINKS)
        message = closing_message(closing, name="b1", channel="ops", at=9000)
        assert message.say is Say.BATCH_ENDED
        return message.severity

    assert severity(TASKS) is Severity.WARNING
    assert severity(TASKS[:6]) is Severity.INFO
