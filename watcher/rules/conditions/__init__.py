"""The conditions. A new one is a module beside these and a line in `KINDS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from watcher.rules.conditions.absent import Absent, AbsentSpec
from watcher.rules.conditions.condition import Condition
from watcher.rules.conditions.count import Count, CountSpec
from watcher.rules.conditions.each import Each, EachSpec
from watcher.rules.conditions.new import New, NewSpec
from watcher.rules.conditions.ratio import Ratio, RatioSpec
from watcher.rules.conditions.sequence import SequenceSpec, Steps
from watcher.rules.conditions.spike import Spike, SpikeSpec
from watcher.rules.conditions.stuck import Stuck, StuckSpec
from watcher.rules.match import Matcher
from watcher.rules.resolve import Ending


@dataclass(frozen=True, slots=True)
class Kind:
    """One condition of the language.

    Args:
        spec: what the operator writes.
        build: makes the condition of a match, a spec and what the rule says of the end.
        by: the default of `by`.
        matches_by_itself: it says what matters, so that the rule needs no match.
        of_single_events: its alerts are about single events: it takes `resolve`, and needs no repeats.
    """

    spec: type[BaseModel]
    build: Callable[[Matcher, Any, Ending], Condition]
    by: tuple[str, ...] = ("farm",)
    matches_by_itself: bool = False
    of_single_events: bool = False


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "each": Kind(
            EachSpec,
            lambda match, _, ending: Each(match, ending),
            ("farm", "task", "miner"),
            of_single_events=True,
        ),
        "count": Kind(CountSpec, lambda match, spec, _: Count(match, spec)),
        "ratio": Kind(RatioSpec, lambda match, spec, _: Ratio.build(match, spec)),
        "stuck": Kind(
            StuckSpec,
            lambda match, spec, ending: Stuck(match, spec, "status" in ending.by),
            ("farm", "task", "miner"),
        ),
        "absent": Kind(AbsentSpec, Absent.build),
        "sequence": Kind(
            SequenceSpec,
            lambda match, spec, _: Steps.build(match, spec),
            ("farm", "miner"),
            matches_by_itself=True,
        ),
        "spike": Kind(SpikeSpec, Spike.build),
        "new": Kind(NewSpec, New.build, of_single_events=True),
    }
)
DEFAULT_KIND = "each"

__all__ = ["DEFAULT_KIND", "KINDS", "Condition", "Kind"]
