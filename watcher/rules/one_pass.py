"""The engine over a finished history, in one pass: for tests of rules and replays, where everything is known.

What fires does not depend on when it was looked at (invariant 3), so that a history read in the order of time needs
no log to fall back on and nothing judged twice. The conditions, and how an alert is driven through its events, are
those of the live engine. Rules know nothing of each other: each is run by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from watcher.model.subject import Place, Subject
from watcher.model.times import Millis
from watcher.rules.conditions.condition import Condition, NoPast
from watcher.rules.fields import By, by_values
from watcher.rules.log import Log
from watcher.rules.rule import Rule
from watcher.rules.run import Firing, Run, run_of

_Kind = tuple[str, tuple[str, ...]]
"""A task's name, and the statuses it was in."""


@dataclass(slots=True)
class _Watching:
    """Rules of the same `by` whose watch a task may begin.

    Args:
        begun: values for which all of them have begun.
    """

    runs: tuple[Run, ...]
    by: tuple[str, ...]
    begun: set[By] = field(default_factory=set)

    def note(self, subject: Subject, values: By) -> None:
        begun = [run.begin(subject, values) for run in self.runs]
        if all(begun):
            self.begun.add(values)


@dataclass(frozen=True, slots=True)
class _Concern:
    """What a kind of task may matter to; `matching` with the conditions as they are for this kind."""

    matching: tuple[tuple[Run, Condition], ...]
    heeding: tuple[Run, ...]
    watching: tuple[_Watching, ...]


@dataclass(slots=True)
class OnePass:
    """Takes tasks in the order of their first transitions.

    Args:
        until: nothing after this moment exists.
        traced: stretches remember how their counts went.
    """

    rules: Sequence[Rule]
    until: Millis
    places: Iterable[Place] = ()
    traced: bool = False
    _runs: list[Run] = field(init=False)
    _concerns: dict[_Kind, _Concern] = field(default_factory=dict)
    _watching: dict[tuple[Run, ...], _Watching] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._runs = [run_of(rule, self.until, traced=self.traced) for rule in self.rules if not rule.of_watcher]
        log = Log(NoPast(list(self.places)))
        for run in self._runs:
            for (_, values), (event, _) in log.seeds(run.rule).items():
                run.push(values, event, 0)

    def feed(self, subject: Subject) -> None:
        """The next task, with all that is known of it."""
        transitions = subject.transitions
        if not transitions or transitions[0].at > self.until:
            return
        if transitions[-1].at > self.until:
            subject = _cut(subject, self.until)
            transitions = subject.transitions
        kind = subject.task.name, tuple([transition.status for transition in transitions])
        concern = self._concerns.get(kind) or self._concern(kind)
        values: dict[tuple[str, ...], By] = {}
        for watching in concern.watching:
            by = watching.by
            found = values[by] = by_values(by)(subject, transitions[0])
            if found not in watching.begun:
                watching.note(subject, found)
        for run, condition in concern.matching:
            run.feed(subject, condition, values)
        for run in concern.heeding:
            run.hear(subject)

    def finish(self) -> list[Firing]:
        """Every stretch up to the end, the open ones included, by rule, alert and time."""
        found: list[Firing] = []
        for run in self._runs:
            found += run.finish()
        return found

    def _concern(self, kind: _Kind) -> _Concern:
        name, statuses = kind
        matching = tuple(
            (run, run.rule.condition.narrowed(name, statuses))
            for run in self._runs
            if run.rule.condition.concerns(name, statuses)
        )
        heeding = tuple(run for run in self._runs if run.rule.condition.heeds(name, statuses))
        watchers = [run for run in self._runs if run.rule.condition.begins(name)]
        watching = []
        for _, group in groupby(sorted(watchers, key=lambda run: run.rule.by), key=lambda run: run.rule.by):
            runs = tuple(group)
            watching.append(self._watching.setdefault(runs, _Watching(runs, runs[0].rule.by)))
        found = self._concerns[kind] = _Concern(matching, heeding, tuple(watching))
        return found


def _cut(subject: Subject, until: Millis) -> Subject:
    """The task as it was at a moment."""
    transitions = tuple(one for one in subject.transitions if one.at <= until)
    status = transitions[-1].status
    times = {name: at for name, at in subject.task.times.items() if at <= until}
    return replace(subject, task=replace(subject.task, status=status, times=times), transitions=transitions)


def in_order(subjects: Iterable[Subject]) -> Iterator[Subject]:
    """Tasks in the order of their first transitions."""
    yield from sorted((one for one in subjects if one.transitions), key=lambda one: one.transitions[0].at)


__all__ = ["Firing", "OnePass", "in_order"]
