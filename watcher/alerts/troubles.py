"""Rules about the watcher itself: from its troubles now to the episodes of their alerts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watcher.alerts.episodes import Change, EpisodeChange
from watcher.alerts.identity import alert_of, fingerprint
from watcher.model.alert import EndReason, Episode, Origin
from watcher.model.times import Millis
from watcher.model.trouble import Trouble
from watcher.rules.conditions.watcher import OfWatcher
from watcher.rules.rule import Rule

Key = tuple[str, tuple[str | None, ...]]


@dataclass(slots=True)
class Troubles:
    """Judges the rules that match the watcher's own state.

    Args:
        rules: those of the loaded set that do.
        since: when each standing trouble was first seen, for `for`.
    """

    rules: Sequence[Rule]
    since: dict[Key, Millis] = field(default_factory=dict)

    def judge(
        self, troubles: Iterable[Trouble], standing: Iterable[Episode], names: Mapping[str, str], now: Millis
    ) -> list[EpisodeChange]:
        """What begins, changes its cause, or ends.

        Args:
            troubles: all there are now.
            standing: the open episodes of these rules.
            names: of the farms, by id.
        """
        wanted = self._wanted(troubles, names)
        self.since = {key: self.since.get(key, now) for key in wanted}
        left = {episode.alert.fingerprint: episode for episode in standing}
        changes: list[EpisodeChange] = []
        for key, (rule, trouble) in wanted.items():
            episode = left.pop(fingerprint(*key), None)
            if episode is not None:
                if episode.cause != trouble.cause:
                    changes.append(EpisodeChange(Change.WENT_ON, replace(episode, cause=trouble.cause)))
            elif now - self.since[key] >= rule.hold:
                changes.append(EpisodeChange(Change.BEGAN, _begun(rule, key, trouble, names, now)))
        changes += [EpisodeChange(Change.ENDED, _ended(episode, now)) for episode in left.values()]
        return changes

    def _wanted(self, troubles: Iterable[Trouble], names: Mapping[str, str]) -> dict[Key, tuple[Rule, Trouble]]:
        wanted: dict[Key, tuple[Rule, Trouble]] = {}
        for trouble in troubles:
            farm_name = None if trouble.farm_id is None else names.get(trouble.farm_id, trouble.farm_id)
            for rule in self.rules:
                if isinstance(rule.condition, OfWatcher) and rule.condition.fits(trouble, farm_name):
                    key = (rule.name, (trouble.kind.value, trouble.farm_id, trouble.channel))
                    wanted.setdefault(key, (rule, trouble))
        return wanted


def _begun(rule: Rule, key: Key, trouble: Trouble, names: Mapping[str, str], now: Millis) -> Episode:
    return Episode(
        id=0,
        alert=alert_of(rule, key[1], dict(names)),
        started_at=min(trouble.since, now),
        origin=Origin.NEWS,
        count=1,
        total=None,
        first_at=None,
        last_at=now,
        tasks=(),
        known_at=now,
        cause=trouble.cause,
    )


def _ended(episode: Episode, now: Millis) -> Episode:
    return replace(
        episode,
        ended_at=now,
        end_reason=EndReason.RECOVERED,
        ended_by="it is over",
        end_known_at=now,
    )
