"""When a group speaks: the one decision, pure, with its reason. Semantics of the timers as in Alertmanager."""

from dataclasses import dataclass, field

from watcher.alerts.routes import Destination
from watcher.model.alert import EndReason, Episode, Origin
from watcher.model.decision import Hush, Why
from watcher.model.message import Say
from watcher.model.times import Millis


@dataclass(slots=True)
class Member:
    """An episode in a group, and what its channel has heard of it.

    Args:
        single_event: of a rule about single events (`each`): it needs no repeats.
        tells_expiry: its rule names how it ends, so that an end by time is news too.
        told_count: its count when the channel last heard of it; None: it has not.
        grew_at: when its count was first seen doubled since.
        hushed_by: an alert of a rule that its own names in `unless` speaks for it.
        why: what was decided on it last.
    """

    episode: Episode
    single_event: bool = False
    tells_expiry: bool = False
    told_count: int | None = None
    grew_at: Millis | None = None
    hushed_by: Episode | None = None
    why: Why | None = None

    @property
    def hushed(self) -> bool:
        return self.hushed_by is not None

    @property
    def told(self) -> bool:
        return self.told_count is not None

    @property
    def recovered(self) -> bool:
        """Its end is one that is announced for its own sake."""
        reason = self.episode.end_reason
        return reason in (EndReason.RECOVERED, EndReason.QUIET) or (reason is EndReason.EXPIRED and self.tells_expiry)


@dataclass(slots=True)
class Group:
    """The alerts that share a message on one channel.

    Args:
        anchored_at: its first message; `group_interval` ticks from there.
        spoken_at: its last message; None while it has not spoken.
        flushes: how many messages it has sent, for ever: part of each message's identity.
        reason: of its last decision.
    """

    destination: Destination
    sends_resolved: bool = True
    anchored_at: Millis | None = None
    spoken_at: Millis | None = None
    flushes: int = 0
    reason: str | None = None
    members: dict[int, Member] = field(default_factory=dict)

    @property
    def firing(self) -> list[Member]:
        return [member for member in self.members.values() if member.episode.firing]

    @property
    def ended(self) -> list[Member]:
        return [member for member in self.members.values() if not member.episode.firing]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a group does now.

    Args:
        due: when to ask again, if nothing new comes; None for never.
    """

    reason: Say | Hush
    due: Millis | None = None


def decide(group: Group, now: Millis, *, hurry: bool = False) -> Decision:
    """The table "When a group speaks".

    Args:
        group: with its members up to date.
        now: the API's present.
        hurry: `--once`: neither `group_wait` nor `group_interval` is waited for.
    """
    firing = group.firing
    speaking = [member for member in firing if not member.hushed]
    fresh = [member for member in speaking if not member.told and member.episode.origin is Origin.NEWS]
    if group.spoken_at is None or group.anchored_at is None:
        return _first(group, fresh, now, hurry)
    if fresh:
        return _at_tick(group, Say.NEW_ALERTS, min(m.episode.known_at for m in fresh), now, hurry)
    grown = [member.grew_at for member in speaking if member.grew_at is not None]
    if grown:
        return _at_tick(group, Say.GREW, min(grown), now, hurry)
    if not firing:
        ends = [m.episode.end_known_at or now for m in group.ended if m.told and m.recovered]
        if not ends or not group.sends_resolved:
            return Decision(Hush.UNCHANGED)
        return _at_tick(group, Say.ALL_ENDED, min(ends), now, hurry)
    if not speaking:
        return Decision(Hush.INHIBITED)
    repeat = group.destination.timers.repeat_for(single_events=all(m.single_event for m in firing))
    if not repeat:
        return Decision(Hush.UNCHANGED)
    due = group.spoken_at + repeat
    return Decision(Say.REPEAT, due) if now >= due else Decision(Hush.UNCHANGED, due)


def _first(group: Group, fresh: list[Member], now: Millis, hurry: bool) -> Decision:
    if not fresh:
        return Decision(Hush.INHIBITED if any(member.hushed for member in group.firing) else Hush.UNCHANGED)
    wait = group.destination.timers.wait_for(member.episode.alert.severity for member in fresh)
    due = min(member.episode.known_at for member in fresh) + wait
    return Decision(Say.FIRST, due) if hurry or now >= due else Decision(Hush.WAITING, due)


def _at_tick(group: Group, say: Say, since: Millis, now: Millis, hurry: bool) -> Decision:
    """At the first tick of `group_interval` (counted from the group's first message) after the news."""
    if hurry:
        return Decision(say, now)
    anchor, interval = group.anchored_at or 0, group.destination.timers.interval
    after = max(since, (group.spoken_at or 0) + 1)
    ticks = -(-(after - anchor) // interval)
    due = anchor + max(ticks, 1) * interval
    return Decision(say, due) if now >= due else Decision(Hush.WAITING, due)


def grew(member: Member, now: Millis) -> None:
    """Note when an announced alert's own count has doubled since it was last told."""
    doubled = member.told_count is not None and member.episode.count >= 2 * max(member.told_count, 1)
    if not doubled or not member.episode.firing:
        member.grew_at = None
    elif member.grew_at is None:
        member.grew_at = now


__all__ = ["Decision", "Group", "Hush", "Member", "decide", "grew"]
