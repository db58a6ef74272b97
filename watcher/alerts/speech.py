"""When a group speaks: the one decision, pure, with its reason. Semantics of the timers as in Alertmanager."""

from dataclasses import dataclass, field, replace

from watcher.alerts.flapping import Flaps
from watcher.alerts.mute_times import Muted
from watcher.alerts.routes import Destination
from watcher.model.act import Ack, Silence
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
        told_at: when the channel first heard of it.
        grew_at: when its count was first seen doubled since.
        second_hand: of an escalation: told here only if nobody acts on it where it was told first.
        escalates_at: when that is; None while it was told nowhere.
        hushed_by: an alert of a rule that its own names in `unless` speaks for it.
        silences: all that are about it, whenever they hold.
        silence: the one that holds now; for what ended untold, that held then.
        released: the last one that held while it fired and is over.
        flaps: its alert flaps now; of what ended untold, did then.
        damped: the channel knows that, and hears no more of it until it is calm.
        muted: nothing is said of it beside its group, for the route is mute, or was when it ended untold.
        ack: somebody has taken it on.
        why: what was decided on it last.
    """

    episode: Episode
    single_event: bool = False
    tells_expiry: bool = False
    told_count: int | None = None
    grew_at: Millis | None = None
    hushed_by: Episode | None = None
    why: Why | None = None
    told_at: Millis | None = None
    second_hand: bool = False
    escalates_at: Millis | None = None
    silences: tuple[Silence, ...] = ()
    silence: Silence | None = None
    released: Silence | None = None
    flaps: Flaps | None = None
    damped: bool = False
    muted: Muted | None = None
    ack: Ack | None = None

    @property
    def hush(self) -> Hush | None:
        """Why nothing is said of it, whatever its group does. An end that is owed is only kept back while it flaps."""
        if self.hushed_by is not None:
            return Hush.INHIBITED
        owed = self.told and not self.episode.firing
        if self.silence is not None and not owed:
            return Hush.SILENCED
        if self.damped:
            return Hush.FLAPPING
        return Hush.MUTED if self.muted is not None and not owed else None

    @property
    def hushed(self) -> bool:
        if self.hushed_by is None and self.silence is None and self.muted is None and not self.damped:
            return False  # as nearly always, and of very many
        return self.hush is not None

    @property
    def told(self) -> bool:
        return self.told_count is not None

    @property
    def acknowledged(self) -> bool:
        return self.ack is not None and not self.ack.outgrown(self.episode.count)

    @property
    def why_flapping(self) -> bool:
        """It was decided, perhaps before a restart, that it is one of many."""
        return self.why is not None and self.why.reason is Hush.FLAPPING

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
        again_at: when time alone changes what keeps a member quiet.
    """

    destination: Destination
    sends_resolved: bool = True
    anchored_at: Millis | None = None
    spoken_at: Millis | None = None
    flushes: int = 0
    reason: str | None = None
    members: dict[int, Member] = field(default_factory=dict)
    again_at: Millis | None = None

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
        muted: by what, where that is the reason.
        speaks_at: when it speaks, if it is asked again sooner for another reason.
    """

    reason: Say | Hush
    due: Millis | None = None
    muted: Muted | None = None
    speaks_at: Millis | None = None


def decide(group: Group, now: Millis, *, hurry: bool = False) -> Decision:
    """The table "When a group speaks".

    Args:
        group: with its members up to date.
        now: the API's present.
        hurry: `--once`: neither `group_wait` nor `group_interval` is waited for.
    """
    decision = _mute(group, _wanted(group, now, hurry), now)
    if group.again_at is None or isinstance(decision.reason, Say):
        return decision
    return _asked_by(decision, group.again_at)


def _mute(group: Group, wanted: Decision, now: Millis) -> Decision:
    """What becomes of a decision under the route's mute times, and of one that they or a silence held back.

    Whoever heard that something fires hears of its end whatever the hour.
    """
    if wanted.reason is Say.ALL_ENDED or not group.firing:
        return wanted
    mutes = group.destination.mutes
    muted = mutes.at(now) if mutes.times else None
    if muted is None:
        if wanted.reason in _HELD_BACK and wanted.due is not None and _held_back(group, wanted.due, now):
            return Decision(Say.UNMUTED, wanted.due)
        return wanted
    waits = wanted.reason is Hush.WAITING and wanted.due is not None and wanted.due < muted.until
    if isinstance(wanted.reason, Say) or waits:
        return Decision(Hush.MUTED, muted.until, muted)
    return _asked_by(wanted, muted.until)


_HELD_BACK = (Say.FIRST, Say.NEW_ALERTS, Say.GREW, Say.REPEAT)


def _held_back(group: Group, due: Millis, now: Millis) -> bool:
    """Whether a mute time or a silence, which is over, held it back when it was to be said."""
    if group.destination.mutes.times and group.destination.mutes.held(due, now):
        return True
    return any(one.released is not None and one.released.ends_at > due for one in group.firing if not one.hushed)


def _asked_by(decision: Decision, at: Millis) -> Decision:
    if decision.due is None:
        return replace(decision, due=at)
    if decision.due <= at:
        return decision
    return replace(decision, due=at, speaks_at=decision.speaks_at or decision.due)


def _wanted(group: Group, now: Millis, hurry: bool) -> Decision:
    """What the group would do if its route were never mute."""
    speaking = [member for member in group.firing if not member.hushed]
    if group.destination.after is not None:
        return _escalated(group, speaking, now, hurry)
    fresh = [member for member in speaking if not member.told and member.episode.origin is Origin.NEWS]
    if group.spoken_at is None or group.anchored_at is None:
        return _first(group, fresh, now, hurry)
    if fresh:
        return _at_tick(group, Say.NEW_ALERTS, min(m.episode.known_at for m in fresh), now, hurry)
    grown = [member.grew_at for member in speaking if member.grew_at is not None]
    if grown:
        return _at_tick(group, Say.GREW, min(grown), now, hurry)
    if not speaking:
        return _ended(group, now, hurry)
    repeat = group.destination.timers.repeat_for(single_events=all(m.single_event for m in speaking))
    if not repeat:
        return Decision(Hush.UNCHANGED)
    if all(member.acknowledged for member in speaking):
        return Decision(Hush.ACKNOWLEDGED)
    due = group.spoken_at + repeat
    return Decision(Say.REPEAT, due) if now >= due else Decision(Hush.UNCHANGED, due)


def _escalated(group: Group, speaking: list[Member], now: Millis, hurry: bool) -> Decision:
    """Those are told whom nobody has told yet, when nobody has acknowledged it for so long."""
    waiting = [m for m in speaking if not m.told and not m.acknowledged and m.escalates_at is not None]
    due = min((m.escalates_at for m in waiting if m.escalates_at is not None), default=None)
    if due is not None:
        return Decision(Say.ESCALATED, due) if now >= due else Decision(Hush.WAITING, due)
    if not any(member.told for member in speaking):
        return _ended(group, now, hurry)
    return Decision(Hush.UNCHANGED)


def _ended(group: Group, now: Millis, hurry: bool) -> Decision:
    """Nothing fires any more of which anything is to be said."""
    told = [m for m in group.ended if m.told and m.recovered and not m.damped]
    if told and group.sends_resolved and group.spoken_at is not None:
        return _at_tick(group, Say.ALL_ENDED, min(m.episode.end_known_at or now for m in told), now, hurry)
    return Decision(_why_hushed(group) or Hush.UNCHANGED)


def _why_hushed(group: Group) -> Hush | None:
    """Why nothing is said of what fires, or of an end that is owed."""
    kept = (member for member in group.members.values() if member.episode.firing or member.told)
    return next((member.hush for member in kept if member.hushed), None)


def _first(group: Group, fresh: list[Member], now: Millis, hurry: bool) -> Decision:
    if not fresh:
        return Decision(_why_hushed(group) or Hush.UNCHANGED)
    wait = group.destination.timers.wait_for(member.episode.alert.severity for member in fresh)
    due = min(member.episode.known_at for member in fresh) + wait
    return Decision(Say.FIRST, due) if hurry or now >= due else Decision(Hush.WAITING, due)


def _at_tick(group: Group, say: Say, since: Millis, now: Millis, hurry: bool) -> Decision:
    """At the first tick of `group_interval` (counted from the group's first message) after the news."""
    anchor, interval = group.anchored_at or 0, group.destination.timers.interval
    after = max(since, (group.spoken_at or 0) + 1)
    ticks = -(-(after - anchor) // interval)
    due = anchor + max(ticks, 1) * interval
    return Decision(say, due) if hurry or now >= due else Decision(Hush.WAITING, due)


def grew(member: Member, now: Millis) -> None:
    """Note when an announced alert's own count has doubled since it was last told."""
    doubled = member.told_count is not None and member.episode.count >= 2 * max(member.told_count, 1)
    if not doubled or not member.episode.firing:
        member.grew_at = None
    elif member.grew_at is None:
        member.grew_at = now


__all__ = ["Decision", "Group", "Hush", "Member", "decide", "grew"]
