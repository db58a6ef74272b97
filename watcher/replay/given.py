"""From the rows of a test to tasks: each row continues the miner's latest open task, or begins one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from watcher.model.miner import Farm, Miner
from watcher.model.subject import Subject
from watcher.model.task import CREATED, STATUSES, LogLine, Task, Transition, is_final
from watcher.model.times import Millis, duration_text
from watcher.rules.written_test import GivenPart

DEFAULT_FARM = "Farm"
_OF_MINER = tuple(one.name for one in fields(Miner) if one.name in GivenPart.model_fields and one.name != "id")
"""The `id` of a row is its task's."""
_OF_TASK = ("actor", "agent_status", "error", "payload", "result")


class GivenWrong(Exception):
    """A row of a test that says nothing that could have happened.

    Args:
        row: its place in `given`.
    """

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row


@dataclass(slots=True)
class _Story:
    """One task as told so far."""

    key: int
    id: str
    name: str
    farm: str
    miner: str | None
    batch: str | None = None
    said: dict[str, object] = field(default_factory=dict)
    states: dict[str, Millis] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return not any(is_final(status) for status in self.states)


def subjects_of(rows: Sequence[GivenPart], start: Millis) -> list[Subject]:
    """The tasks that the rows tell of, in the order of their first transitions.

    Raises:
        GivenWrong: a row can't be told to which task it belongs.
    """
    stories: list[_Story] = []
    for place, row in sorted(enumerate(rows), key=lambda pair: pair[1].at):
        for miner in row.miner or (None,):
            story = _of(stories, place, row, miner)
            _take(story, place, row, start + row.at)
    return sorted((_subject(story) for story in stories), key=lambda one: one.transitions[0].at)


def _of(stories: list[_Story], place: int, row: GivenPart, miner: str | None) -> _Story:
    known = [
        story
        for story in stories
        if story.miner == miner
        and row.farm in (None, story.farm)
        and row.batch in (None, story.batch)
        and row.task in (None, story.name)
        and (story.id == row.id if row.id is not None else story.open)
    ]
    if len(known) == 1:
        return known[0]
    who = f"{miner} has" if miner is not None else "there are"
    if known:
        raise GivenWrong(place, f"{who} {len(known)} open tasks then: name the batch or the id of the one you mean")
    if row.task is None:
        raise GivenWrong(place, f"{who} no open task that this could continue: name the task that begins here")
    key = len(stories) + 1
    story = _Story(key, row.id or f"task-{key}", row.task, row.farm or DEFAULT_FARM, miner, row.batch)
    stories.append(story)
    return story


def _take(story: _Story, place: int, row: GivenPart, at: Millis) -> None:
    if not story.open:
        raise GivenWrong(place, f"the task {story.id} has ended before {duration_text(row.at)}")
    story.states.setdefault(CREATED, at)
    story.states.setdefault(row.status, at)
    for name in (*_OF_MINER, *_OF_TASK, "log"):
        value = getattr(row, name)
        if value is not None:
            story.said[name] = value


def _subject(story: _Story) -> Subject:
    facts = {name: story.said[name] for name in _OF_MINER if name in story.said}
    miner = None if story.miner is None else Miner(story.farm, story.miner, **facts)  # type: ignore[arg-type]
    ordered = sorted(story.states.items(), key=lambda pair: (pair[1], _place(pair[0])))
    lines: Iterable[str] = story.said.get("log", ())  # type: ignore[assignment]
    task = Task(
        story.farm,
        story.id,
        story.name,
        ordered[-1][0],
        story.miner,
        story.batch,
        dict(ordered),
        miner=miner,
        logs=tuple(LogLine(line) for line in lines),
        **{name: story.said[name] for name in _OF_TASK if name in story.said},  # type: ignore[arg-type]
    )
    transitions = tuple(Transition(status, at, at) for status, at in ordered)
    return Subject(story.key, task, Farm(story.farm, story.farm), miner, transitions)


def _place(status: str) -> int:
    return STATUSES.index(status) if status in STATUSES else 3
