"""The rows of a test become tasks."""

from watcher.replay.given import subjects_of
from watcher.rules.written_test import GivenPart


def test_a_row_may_name_the_id_of_its_miners_task() -> None:
    row = {"at": "1m", "id": "t7", "task": "miner.log.get", "miner": "m1", "model": "S19", "status": "failed"}
    (one,) = subjects_of([GivenPart.model_validate(row)], 0)
    assert one.miner is not None
    assert (one.task.id, one.miner.id, one.miner.model) == ("t7", "m1", "S19")
