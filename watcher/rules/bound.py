"""A `where` expression bound to the fields of a transition."""

from collections import Counter
from dataclasses import dataclass, field

from watcher.model.subject import Subject
from watcher.model.task import Part, Transition
from watcher.model.times import SECOND
from watcher.rules.fields import FIELDS, UNKNOWN
from watcher.rules.where import Where, WhereFailed

_RAW = {"payload": Part.PAYLOAD, "result": Part.RESULT}


@dataclass(frozen=True, slots=True)
class BoundWhere:
    """Args:
    faults: what went wrong on single tasks, counted; such a task does not match.
    """

    where: Where
    faults: Counter[str] = field(default_factory=Counter, compare=False)

    def holds(self, subject: Subject, transition: Transition) -> bool | None:
        """Whether it is true of a transition; None where that hangs on something not fetched yet."""
        values = self.values(subject, transition)
        if UNKNOWN in values.values():
            return None
        try:
            return self.where(values)
        except WhereFailed as failure:
            self.faults[str(failure)] += 1
            return False

    def values(self, subject: Subject, transition: Transition) -> dict[str, object]:
        """What it looks at."""
        return {name: self._value(name, subject, transition) for name in self.where.names}

    @staticmethod
    def _value(name: str, subject: Subject, transition: Transition) -> object:
        if name in _RAW:
            return UNKNOWN if _RAW[name] in subject.task.lacks else getattr(subject.task, name)
        said = FIELDS[name].get(subject, transition)
        if FIELDS[name].numeric and isinstance(said, int):
            return said / SECOND
        return list(said) if isinstance(said, tuple) else said
