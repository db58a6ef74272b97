"""`unless`: while an alert of one rule fires, those of another are hushed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from watcher.model.alert import Episode
from watcher.model.times import DAY, Millis
from watcher.rules.rule import Rule

_REMEMBERED: Millis = DAY


@dataclass(slots=True)
class Inhibitors:
    """The episodes of the rules that hush others: those that fire, and those that ended of late.

    Args:
        rules: by name.
    """

    rules: Mapping[str, Rule]
    _episodes: dict[str, dict[int, Episode]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {name for rule in self.rules.values() for name in rule.unless}
        self._episodes = {name: {} for name in named}

    @property
    def hushable(self) -> frozenset[str]:
        """The rules that others may hush."""
        return frozenset(rule.name for rule in self.rules.values() if rule.unless) if self._episodes else frozenset()

    def note(self, episode: Episode, now: Millis) -> bool:
        """Take in an episode; whether it is one that hushes others."""
        known = self._episodes.get(episode.alert.rule)
        if known is None:
            return False
        known[episode.id] = episode
        for one in [one for one in known.values() if one.ended_at is not None and one.ended_at < now - _REMEMBERED]:
            del known[one.id]
        return True

    def _of(self, episode: Episode) -> list[Episode]:
        """Those that hush an episode while they fire: they share all labels that its rule names."""
        rule = self.rules.get(episode.alert.rule)
        if rule is None or not rule.unless:
            return []
        wanted = {name: episode.alert.labels.get(name) for name in rule.unless_same}
        if None in wanted.values():
            return []  # missing values never equal each other
        return [
            one
            for name in rule.unless
            for one in self._episodes[name].values()
            if one.id != episode.id and all(one.alert.labels.get(label) == said for label, said in wanted.items())
        ]

    def hush(self, episode: Episode, *, single_events: bool) -> Episode | None:
        """Which one speaks for an episode now, so that nothing is to be said of it.

        One that was hushed when it ended, and one of single events all of which happened while it was hushed, count as
        told by what hushed them.
        """
        found = self._of(episode)
        firing = next((one for one in found if one.firing), None)
        if episode.firing and firing is not None:
            return firing
        first = last = episode.ended_at or episode.started_at
        if episode.firing:
            if not single_events:
                return None
            first, last = episode.first_at or first, episode.last_at or last
        return next((one for one in found if _covers(one, first, last)), None)


def _covers(one: Episode, first: Millis, last: Millis) -> bool:
    return one.started_at <= first and (one.ended_at is None or last <= one.ended_at)
