"""A rule about the watcher itself (`match: {watcher: …}`): it sees no task; `alerts.troubles` judges it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watcher.model.subject import Subject
from watcher.model.times import Millis
from watcher.model.trouble import Trouble
from watcher.rules.conditions.condition import Hit, Silent
from watcher.rules.conditions.count import CountSignal, CountSpec
from watcher.rules.match import Matcher

WATCHER_FIELDS = ("watcher", "farm", "channel")
"""What such a rule may ask for, and what tells its alerts apart."""

_NO_TASKS = Matcher({}, {})


@dataclass(frozen=True, slots=True)
class OfWatcher(Silent):
    """Args:
    tests: of each field that the match names.
    """

    tests: Mapping[str, Callable[[str | None], bool]]
    match: Matcher = _NO_TASKS

    def fits(self, trouble: Trouble, farm_name: str | None) -> bool:
        values = {"watcher": trouble.kind.value, "farm": farm_name, "channel": trouble.channel}
        return all(test(values[name]) for name, test in self.tests.items())

    @property
    def memory(self) -> Millis:
        return 0

    def hits(self, _: Subject) -> list[Hit]:
        return []

    def signal(self) -> CountSignal:
        return CountSignal(CountSpec(at_least=1, within=1))

    def phrase(self) -> str:
        return "while it lasts"
