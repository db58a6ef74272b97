"""A file of rows of List Miner Tasks, one JSON object a line, each with its farm: `{"farm": {"id", "name"}, …}`."""

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from pydantic import ValidationError

from watcher.errors import WatcherError
from watcher.model.merge import merge
from watcher.model.miner import Farm
from watcher.model.task import Task
from watcher.model.times import Millis
from watcher.nonce.history_row import Head, Row
from watcher.nonce.shapes import Name, Shape, TaskShape
from watcher.nonce.translate import task as translated

_PART = 32 << 20
"""Bytes that are scanned as one."""
_head = msgspec.json.Decoder(Head)
_row = msgspec.json.Decoder(Row)


class FarmOfRow(Shape):
    id: Name
    name: str | None = None


class HistoryRow(TaskShape):
    """A row of 2.1, with what the address of the request says of it in the API."""

    farm: FarmOfRow


class HistoryUnreadable(WatcherError):
    """A history that can't be read; the message says where and why."""


Span = tuple[int, int]
"""Of a file: where it begins, and where the next one does."""


@dataclass(slots=True)
class Heads:
    """Of each line with a time, numbers: which task it is of, when that began, where the line stands, how long it is,
    which of `farms` it is of.

    Args:
        until: the last time of any.
    """

    until: Millis = 0
    tasks: "array[int]" = field(default_factory=lambda: array("q"))
    begun: "array[int]" = field(default_factory=lambda: array("q"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    lengths: "array[int]" = field(default_factory=lambda: array("q"))
    of_farms: "array[int]" = field(default_factory=lambda: array("i"))
    farms: dict[str, int] = field(default_factory=dict)

    def add(self, head: tuple[str, str, Millis, Millis], offset: int, length: int) -> None:
        farm_id, task_id, first, last = head
        self.of_farms.append(self.farms.setdefault(farm_id, len(self.farms)))
        self.tasks.append(hash((farm_id, task_id)))
        self.begun.append(first)
        self.offsets.append(offset)
        self.lengths.append(length)
        self.until = max(self.until, last)


@dataclass(slots=True)
class HistoryFile:
    """Reads a file twice: to see when each task begins, then in that order. What is held of a task is a few numbers.

    Args:
        until: the last time of any row.
    """

    path: Path
    until: Millis = 0
    _offsets: "array[int]" = field(default_factory=lambda: array("q"))
    _lengths: "array[int]" = field(default_factory=lambda: array("q"))
    _order: "array[int]" = field(default_factory=lambda: array("q"))
    _of_farms: "array[int]" = field(default_factory=lambda: array("i"))
    _farm_ids: list[str] = field(default_factory=list)
    _again: dict[int, list[int]] = field(default_factory=dict)
    _farms: dict[str, Farm] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self._order)

    def scan(self, parts: Callable[[Sequence["Span"]], Iterable["Heads"]] | None = None) -> None:
        """Learn the order of the tasks.

        Args:
            parts: how stretches of the file are read (`heads`), all at once perhaps; by itself one after the other.

        Raises:
            HistoryUnreadable: the file, or a line of it, can't be read.
        """
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise self._unreadable(error) from error
        borders = range(0, size, _PART)
        stretches = [(begin, min(begin + _PART, size)) for begin in borders]
        begun, tasks = array("q"), array("q")
        known: dict[str, int] = {}
        for part in map(self.heads, stretches) if parts is None else parts(stretches):
            numbers = [known.setdefault(farm, len(known)) for farm in part.farms]
            self._of_farms.extend(numbers[number] for number in part.of_farms)
            tasks += part.tasks
            begun += part.begun
            self._offsets += part.offsets
            self._lengths += part.lengths
            self.until = max(self.until, part.until)
        self._farm_ids = list(known)
        self._order = array("q", sorted(range(len(begun)), key=begun.__getitem__))
        self._join(tasks)

    def heads(self, stretch: "Span") -> "Heads":
        """What the lines tell that begin within a stretch of the file.

        Raises:
            HistoryUnreadable: see `scan`.
        """
        begin, end = stretch
        found = Heads()
        try:
            with self.path.open("rb") as file:
                offset = max(0, begin - 1)
                file.seek(offset)
                if begin:
                    offset += len(file.readline())  # of a line that began before
                while offset < end and (line := file.readline()):
                    if not line.isspace() and (head := self._head(line, offset)) is not None:
                        found.add(head, offset, len(line))
                    offset += len(line)
        except OSError as error:
            raise self._unreadable(error) from error
        return found

    def _unreadable(self, error: OSError) -> HistoryUnreadable:
        return HistoryUnreadable(f"{self.path}: cannot be read: {error.strerror}")

    def _head(self, line: bytes, offset: int) -> tuple[str, str, Millis, Millis] | None:
        """Which task a line is of, its first time and its last; None where it has no time."""
        try:
            head = _head.decode(line)
            farm_id, task_id, times = head.farm.id, head.id, head.known()
        except ValueError:  # msgspec's own is one too
            task, _ = self._slowly(line, offset)
            farm_id, task_id, times = task.farm_id, task.id, dict(task.times)
        if not times:
            return None
        moments = times.values()
        return farm_id, task_id, min(moments), max(moments)

    def _join(self, tasks: "array[int]") -> None:
        """A task that has several rows stands where its first one does."""
        if len(set(tasks)) == len(tasks):
            return
        first: dict[int, int] = {}
        order = array("q")
        for place in self._order:
            known = first.setdefault(tasks[place], place)
            if known == place:
                order.append(place)
            else:
                self._again.setdefault(known, []).append(place)
        self._order = order

    @property
    def tasks_of_farms(self) -> dict[str, int]:
        """How many tasks each farm has."""
        counted = Counter(self._of_farms[place] for place in self._order)
        return {self._farm_ids[number]: count for number, count in counted.items()}

    def tasks(self, farms: AbstractSet[str] | None = None) -> Iterator[tuple[Task, Farm]]:
        """Every task of these farms (None: of all) in the order of its first time; of one that is there several times,
        all that was said of it."""
        wanted = {number for number, farm in enumerate(self._farm_ids) if farms is None or farm in farms}
        with self.path.open("rb") as file:
            descriptor = file.fileno()
            for place in self._order:
                if self._of_farms[place] not in wanted:
                    continue
                task, farm = self._at(descriptor, place)
                for other in sorted(self._again.get(place, ())):
                    task = merge(task, self._at(descriptor, other)[0])
                yield task, farm

    def _at(self, descriptor: int, place: int) -> tuple[Task, Farm]:
        line = os.pread(descriptor, self._lengths[place], self._offsets[place])
        try:
            row = _row.decode(line)
            return row.task(), self._farm(row.farm.id, row.farm.name)
        except ValueError:
            return self._slowly(line, self._offsets[place])

    def _line_at(self, offset: int) -> int:
        """The number of a line, which nobody counts before something is wrong with it."""
        with self.path.open("rb") as file:
            return file.read(offset).count(b"\n") + 1

    def _slowly(self, line: bytes, offset: int) -> tuple[Task, Farm]:
        """A row of any shape that the API's may have; else what is wrong with it."""
        try:
            row = HistoryRow.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            said = f"{where}: {fault['msg']}" if where else fault["msg"]
            raise HistoryUnreadable(
                f"{self.path}:{self._line_at(offset)}: no row of List Miner Tasks with its farm ({said}). "
                'Each line is one row as the API tells it, with "farm": {"id": …, "name": …} added'
            ) from None
        found = translated(row, row.farm.id, "")
        task = found if found.miner_id else replace(found, miner_id=None)
        return task, self._farm(row.farm.id, row.farm.name)

    def _farm(self, farm_id: str, name: str | None) -> Farm:
        farm = self._farms.get(farm_id)
        if farm is None or farm.name != (name or farm_id):
            farm = self._farms[farm_id] = Farm(farm_id, name or farm_id)
        return farm
