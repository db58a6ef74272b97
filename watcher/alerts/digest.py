"""Many alerts in one message: what still fires, what is over, how many of what. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watcher.model.alert import Episode
from watcher.model.digest import AlertLine, Cause, Digest
from watcher.model.message import (
    Message,
    Say,
    Severity,
)
from watcher.model.times import Millis
from watcher.rules.rule import Rule

MOST_LINES = 300
"""Of each kind; the others are counted."""
_MOST_KINDS = 50
_NO_PLACE = frozenset({"rule", "severity", "farm_id"})


@dataclass(frozen=True, slots=True)
class Digester:
    """Args:
    rules: by name, for their words; an alert of a rule that is gone is named by the rule.
    """

    rules: Mapping[str, Rule]

    def digest(
        self,
        episodes: Iterable[Episode],
        *,
        cause: Cause,
        messages: int,
        since: Millis,
        others: Sequence[str] = (),
        unsaid: Sequence[tuple[str, int]] = (),
        died: Sequence[tuple[str, str, int]] = (),
    ) -> Digest:
        """What these episodes come to.

        Args:
            messages: how many messages it stands for.
            since: when the first of them was made.
            others: see `Digest`, as for `unsaid` and `died`.
        """
        episodes = list(episodes)
        standing = sorted((one for one in episodes if one.firing), key=_by_urgency)
        over = sorted((one for one in episodes if not one.firing), key=lambda one: (one.started_at, one.id))
        farms = Counter(farm for one in episodes if (farm := one.alert.labels.get("farm")))
        return Digest(
            cause=cause,
            messages=messages,
            since=since,
            standing=tuple(_line(one, self.rules) for one in standing[:MOST_LINES]),
            standing_total=len(standing),
            over=tuple(_line(one, self.rules) for one in over[:MOST_LINES]),
            over_total=len(over),
            passed=sum(one.known_at >= since for one in over),
            rules=tuple(Counter(one.alert.rule for one in episodes).most_common(_MOST_KINDS)),
            farms=tuple(farms.most_common(_MOST_KINDS)),
            others=tuple(others),
            unsaid=tuple(unsaid),
            died=tuple(died),
        )


def digest_message(digest: Digest, *, id_: str, channel: str, at: Millis, notes: Sequence[str] = ()) -> Message:
    """The message of a digest, as severe as the worst that still fires."""
    severity = max((line.severity for line in digest.standing), key=lambda one: one.rank, default=Severity.INFO)
    say = Say.DAILY if digest.cause is Cause.DAILY else Say.DIGEST
    return Message(id_, say, channel, severity, (), at, tuple(notes), digest=digest)


def _by_urgency(episode: Episode) -> tuple[bool, Millis, int]:
    return episode.alert.severity is not Severity.CRITICAL, episode.started_at, episode.id


def _line(episode: Episode, rules: Mapping[str, Rule]) -> AlertLine:
    labels = episode.alert.labels
    rule = rules.get(episode.alert.rule)
    own = set() if rule is None else rule.labels.keys()
    farm = labels.get("farm")
    others = [
        value
        for name, value in labels.items()
        if value and name not in _NO_PLACE and name not in own and name != "farm"
    ]
    return AlertLine(
        id=episode.alert.fingerprint,
        rule=(rule.summary if rule is not None else None) or episode.alert.rule,
        severity=episode.alert.severity,
        place=(*([farm] if farm else []), *others),
        count=episode.count,
        started_at=episode.started_at,
        ended_at=episode.ended_at,
        ended_by=episode.ended_by,
    )
