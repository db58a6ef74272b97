"""A rule, compiled: what the engine runs and what messages quote."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from watcher.model.message import Severity
from watcher.model.times import Millis
from watcher.rules.conditions import Condition
from watcher.rules.conditions.watcher import OfWatcher
from watcher.rules.template import Template

DEFAULT_UNLESS_SAME = ("farm",)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the loaded set.

    Args:
        name: unique in the set; with the `by` values an alert's identity.
        digest: of all that decides what fires and when; a changed one is an edited rule.
        hold: `for` (ms): the condition must hold this long before firing.
        keep: `keep_firing_for` (ms): it must be gone this long before resolving.
        tells_expiry: an end by `after` or `expire` is news, since the rule names it itself.
        of_single_events: its alerts are about single events and need no repeats.
        unless: rules whose alerts hush this one's, where both have the same values of the labels `unless_same`.
        closing: whoever was told of one of its alerts is told what became of the alert's batch once that is over.
        notify: channels that replace the route's; None where the routes decide.
    """

    name: str
    digest: str
    condition: Condition
    by: tuple[str, ...]
    severity: Severity = Severity.WARNING
    summary: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    hold: Millis = 0
    keep: Millis = 0
    tells_expiry: bool = False
    of_single_events: bool = False
    unless: frozenset[str] = frozenset()
    unless_same: tuple[str, ...] = DEFAULT_UNLESS_SAME
    closing: bool = False
    notify: tuple[str, ...] | None = None
    runbook: str | None = None
    title: Template | None = None
    body: Template | None = None

    @property
    def of_watcher(self) -> bool:
        """It is about the watcher itself, not about tasks."""
        return isinstance(self.condition, OfWatcher)

    @property
    def within_farm(self) -> bool:
        """What happens in one farm is nothing to its alerts in another."""
        return bool({"farm", "farm_id"} & set(self.by)) and self.condition.within_farm

    @property
    def memory(self) -> Millis | None:
        """How far back the log must be read to know this rule's alerts exactly (ms); None: all of it."""
        memory = self.condition.memory
        if memory is None or (self.hold and self.keep):
            # Truths that are each too short to fire prolong an alert that does, without an end.
            return None
        return memory + self.hold + self.keep

    @property
    def label_names(self) -> frozenset[str]:
        return frozenset({"rule", "severity", *self.labels, *self.by})
