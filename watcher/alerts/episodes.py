"""From what the engine says of an alert to its episodes: which goes on, which begins, which ends, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from watcher.model.alert import Alert, EndReason, Episode, Origin
from watcher.model.times import Millis
from watcher.rules.stretch import Stretch
from watcher.rules.tracker import Verdict


class Change(StrEnum):
    """What became of an episode."""

    BEGAN = "began"
    WENT_ON = "went on"
    ENDED = "ended"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class EpisodeChange:
    change: Change
    episode: Episode


@dataclass(frozen=True, slots=True)
class Reading:
    """How a verdict is to be read.

    Args:
        known_at: the API's present.
        vanished: the reason of an episode that the verdict no longer holds.
    """

    known_at: Millis
    vanished: EndReason = EndReason.CORRECTED


def reconcile(alert: Alert, stored: Sequence[Episode], verdict: Verdict, reading: Reading) -> list[EpisodeChange]:
    """Compare what the engine says with the stored episodes of the alert.

    A stretch that overlaps a stored episode is that episode, with its times updated; of merged ones the
    oldest stays. A stored one that no stretch overlaps never was.

    Args:
        alert: whose they are.
        stored: the open ones and, where the verdict replaces what was known, those that ended at or
            after `judged_from`; oldest first.
        verdict: of the engine.
        reading: how to read it.
    """
    border = verdict.judged_from
    stretches = [
        stretch
        for stretch in [*verdict.closed, *([verdict.open] if verdict.open else [])]
        if border is None or stretch.ended_at is None or stretch.ended_at >= border
    ]
    left = [episode for episode in stored if episode.end_reason is not EndReason.CORRECTED]
    changes: list[EpisodeChange] = []
    for stretch in stretches:
        same = next((episode for episode in left if _overlap(episode, stretch)), None)
        if same is None:
            episode = _begun(alert, stretch, reading)
            changes.append(EpisodeChange(Change.BEGAN if stretch.ended_at is None else Change.ENDED, episode))
            continue
        left.remove(same)
        episode = _continued(same, alert, stretch, reading, border)
        if episode != same:
            ended = same.firing and not episode.firing
            changes.append(EpisodeChange(Change.ENDED if ended else Change.WENT_ON, episode))
    judged_to = verdict.judged_to
    left = [one for one in left if judged_to is None or one.started_at <= judged_to]
    if verdict.by_facts:
        # What was so is not unsaid: it only is no longer so.
        recovered = replace(reading, vanished=EndReason.RECOVERED)
        return changes + [EpisodeChange(Change.ENDED, vanished(one, recovered)) for one in left if one.firing]
    changes += [EpisodeChange(Change.CORRECTED, vanished(episode, reading)) for episode in left]
    return changes


def vanished(episode: Episode, reading: Reading) -> Episode:
    """A stored episode that the history, as known now, does not hold."""
    return replace(
        episode,
        ended_at=max(episode.started_at, reading.known_at) if episode.firing else episode.ended_at,
        end_reason=reading.vanished,
        ended_by=_WORDS[reading.vanished],
        end_known_at=reading.known_at,
    )


_WORDS = {
    EndReason.RECOVERED: "what the rule asks for is no longer so",
    EndReason.CORRECTED: "the history was corrected",
    EndReason.EDITED: "the rule was changed",
    EndReason.REMOVED: "the rule or the miner is gone",
}


def _overlap(episode: Episode, stretch: Stretch) -> bool:
    begins_before_its_end = stretch.ended_at is None or episode.started_at < stretch.ended_at
    return begins_before_its_end and (episode.ended_at is None or stretch.started_at < episode.ended_at)


def _begun(alert: Alert, stretch: Stretch, reading: Reading) -> Episode:
    episode = Episode(0, alert, stretch.started_at, stretch.origin, 0, None, None, None, (), reading.known_at)
    return _measured(episode, stretch, reading)


def _continued(same: Episode, alert: Alert, stretch: Stretch, reading: Reading, border: Millis | None) -> Episode:
    origin = min(same.origin, stretch.origin, key=list(Origin).index)
    if same.origin is not Origin.NEWS and origin is Origin.NEWS:
        # It becomes news now, whenever it was learnt: timers count from here.
        same = replace(same, known_at=reading.known_at)
    if border is not None and same.started_at >= border:
        return _measured(replace(same, alert=alert, started_at=stretch.started_at, origin=origin), stretch, reading)
    # A replay reads only as much of the log as it needs to be right from the border on: of what was before,
    # the store knows more.
    known = replace(same, alert=alert, started_at=min(same.started_at, stretch.started_at), origin=origin)
    measured = _measured(known, stretch, reading)
    return replace(
        measured,
        started_at=same.started_at if border is not None else measured.started_at,
        first_at=min((at for at in (same.first_at, stretch.first_at) if at is not None), default=None),
        tasks=tuple(dict.fromkeys((*same.tasks, *stretch.tasks))),
    )


def _measured(episode: Episode, stretch: Stretch, reading: Reading) -> Episode:
    ended = stretch.ended_at is not None
    count, total = stretch.peak if ended else (stretch.count, stretch.total)
    end = stretch.end
    return replace(
        episode,
        count=count,
        total=total,
        first_at=stretch.first_at,
        last_at=stretch.last_at,
        tasks=tuple(stretch.tasks),
        ended_at=stretch.ended_at,
        end_reason=None if end is None or not ended else end.reason,
        ended_by=None if end is None or not ended else end.words,
        end_known_at=(episode.end_known_at or reading.known_at) if ended else None,
    )
