"""What messages say of tasks, from a history in memory."""

from collections.abc import Iterable, Sequence

from watcher.model.fact import TaskFact
from watcher.model.reason import error_text, masked
from watcher.model.subject import Subject
from watcher.model.task import SUCCEED


class Known:
    """Tasks by their numbers."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._subjects = {one.key: one for one in subjects}

    def subject(self, key: int) -> Subject | None:
        return self._subjects.get(key)

    def task_facts(self, keys: Sequence[int]) -> list[TaskFact]:
        return [_fact(self._subjects[key]) for key in keys if key in self._subjects]

    def unrepaired(self, keys: Sequence[int]) -> tuple[int, int]:
        failed = {
            (one.farm.id, one.task.miner_id, one.task.name): one.task.created_at or 0
            for key in keys
            if (one := self._subjects.get(key)) is not None and one.task.miner_id is not None
        }
        repaired = {
            place
            for one in self._subjects.values()
            if one.task.status == SUCCEED
            and (place := (one.farm.id, one.task.miner_id, one.task.name)) in failed
            and (one.task.created_at or 0) > failed[place]
        }
        miners = {place[:2] for place in failed}
        return len(miners - {place[:2] for place in repaired}), len(miners)


def _fact(one: Subject) -> TaskFact:
    miner, said = one.miner, error_text(one.task)
    return TaskFact(
        one.key,
        one.task.name,
        one.task.status,
        one.farm.id,
        one.task.miner_id,
        None if miner is None else miner.model,
        None if miner is None else miner.ip,
        None if said is None else masked(said),
        one.task.batch_id,
    )
