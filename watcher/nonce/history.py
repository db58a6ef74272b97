"""A file of rows of List Miner Tasks, one JSON object a line, each with its farm: `{"farm": {"id", "name"}, …}`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from watcher.errors import WatcherError
from watcher.model.merge import merge
from watcher.model.miner import Farm
from watcher.model.task import Task
from watcher.model.times import Millis
from watcher.nonce.shapes import Name, Shape, TaskShape
from watcher.nonce.translate import task as translated


class FarmOfRow(Shape):
    id: Name
    name: str | None = None


class HistoryRow(TaskShape):
    """A row of 2.1, with what the address of the request says of it in the API."""

    farm: FarmOfRow


class HistoryUnreadable(WatcherError):
    """A history that can't be read; the message says where and why."""


@dataclass(slots=True)
class HistoryFile:
    """Reads a file twice: to see when each task begins, then in that order. What is held of a task is two numbers.

    Args:
        until: the last time of any row.
    """

    path: Path
    until: Millis = 0
    count: int = 0
    _order: list[tuple[Millis, int]] = field(default_factory=list)
    _again: dict[int, list[int]] = field(default_factory=dict)

    def scan(self) -> None:
        """Learn the order of the tasks.

        Raises:
            HistoryUnreadable: the file, or a line of it, can't be read.
        """
        first: dict[int, int] = {}
        try:
            with self.path.open("rb") as file:
                offset = 0
                for number, line in enumerate(file, 1):
                    if line.strip():
                        self._note(line, number, offset, first)
                    offset += len(line)
        except OSError as error:
            raise HistoryUnreadable(f"{self.path}: cannot be read: {error.strerror}") from error
        self._order.sort()
        self.count = len(self._order)

    def _note(self, line: bytes, number: int, offset: int, first: dict[int, int]) -> None:
        task, _ = self._row(line, number)
        if not task.times:
            return
        identity = hash((task.farm_id, task.id))
        if identity in first:
            self._again.setdefault(first[identity], []).append(offset)
        else:
            first[identity] = offset
            self._order.append((min(task.times.values()), offset))
        self.until = max(self.until, *task.times.values())

    def tasks(self) -> Iterator[tuple[Task, Farm]]:
        """Every task in the order of its first time; of one that is there several times, all that was said of it."""
        with self.path.open("rb") as file:
            for _, offset in self._order:
                task, farm = self._at(file, offset)
                for other in self._again.get(offset, ()):
                    task = merge(task, self._at(file, other)[0])
                yield task, farm

    def _at(self, file: BinaryIO, offset: int) -> tuple[Task, Farm]:
        file.seek(offset)
        return self._row(file.readline(), 0)

    def _row(self, line: bytes, number: int) -> tuple[Task, Farm]:
        try:
            row = HistoryRow.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            said = f"{where}: {fault['msg']}" if where else fault["msg"]
            raise HistoryUnreadable(
                f"{self.path}:{number}: no row of List Miner Tasks with its farm ({said}). "
                'Each line is one row as the API tells it, with "farm": {"id": …, "name": …} added'
            ) from None
        farm = Farm(row.farm.id, row.farm.name or row.farm.id)
        found = translated(row, farm.id, "")
        return (found if found.miner_id else replace(found, miner_id=None)), farm
