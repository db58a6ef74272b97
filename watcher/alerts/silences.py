"""Which alerts a silence is about. Pure; silences are kept by the store and made by a command."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from watcher.model.act import Silence
from watcher.model.times import Millis
from watcher.rules.match import any_test


@dataclass(frozen=True, slots=True)
class Matcher:
    """A silence's match, compiled.

    Raises:
        ValueError: in a sentence, for a pattern that can't be compiled.
    """

    match: Mapping[str, Sequence[str]]
    _tests: tuple[tuple[str, Callable[[str | None], bool]], ...] = field(init=False)

    def __post_init__(self) -> None:
        tests = tuple((label, any_test(patterns)) for label, patterns in self.match.items())
        object.__setattr__(self, "_tests", tests)

    def takes(self, labels: Mapping[str, str | None]) -> bool:
        return all(test(labels.get(label)) for label, test in self._tests)


class Silences:
    """All that were made and are still of interest; compiled once."""

    def __init__(self, silences: Iterable[Silence] = ()) -> None:
        self.known = tuple(silences)
        self._compiled = [(silence, Matcher(silence.match)) for silence in self.known]

    def of(self, labels: Mapping[str, str | None]) -> tuple[Silence, ...]:
        """Those about an alert with these labels, whenever they hold."""
        return tuple(silence for silence, matcher in self._compiled if matcher.takes(labels))


def holding(silences: Iterable[Silence], at: Millis) -> Silence | None:
    """Of those that hold at a moment, the one that holds for longest."""
    return max((one for one in silences if one.holds(at)), key=lambda one: one.ends_at, default=None)


def last_over(silences: Iterable[Silence], at: Millis, since: Millis) -> Silence | None:
    """Of those that were over by a moment and had not been at an earlier one, the one that ended last."""
    over = (one for one in silences if since < one.ends_at <= at and one.starts_at < one.ends_at)
    return max(over, key=lambda one: one.ends_at, default=None)


def next_change(silences: Iterable[Silence], at: Millis) -> Millis | None:
    """When the next of them begins or ends."""
    moments = (moment for one in silences for moment in (one.starts_at, one.ends_at) if moment > at)
    return min(moments, default=None)
