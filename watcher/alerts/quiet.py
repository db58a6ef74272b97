"""What keeps the members of a group quiet now: another alert, a silence, that they flap, that their route is mute.

The table of speech only reads it.
"""

from collections.abc import Iterable, Mapping

from watcher.alerts.flapping import Damping, Flapping
from watcher.alerts.inhibition import Inhibitors
from watcher.alerts.silences import Silences, holding, last_over, next_change
from watcher.alerts.speech import Group, Member
from watcher.model.act import Ack, Silence
from watcher.model.alert import Episode, Origin
from watcher.model.decision import Hush
from watcher.model.times import Millis
from watcher.rules.rule import Rule


class Quiet:
    """Args:
    rules: by name.
    damping: None: no alert counts as flapping.
    """

    def __init__(self, rules: Mapping[str, Rule], damping: Damping | None) -> None:
        self._rules = rules
        self.inhibitors = Inhibitors(rules)
        self.flapping = Flapping(damping)
        self.silences = Silences()
        self.acks: dict[int, Ack] = {}
        self._told: dict[tuple[str, str], Millis] = {}
        """When a channel last heard of an alert that flaps."""

    def clear(self) -> None:
        """Forget what episodes did; the acts of people stay."""
        self.inhibitors = Inhibitors(self._rules)
        self.flapping = Flapping(self.flapping.damping)
        self._told.clear()

    def note(self, episode: Episode, now: Millis) -> bool:
        """Take in an episode that began, changed or ended; whether others may be hushed by it, or no longer."""
        self.flapping.note(episode, now)
        return self.inhibitors.note(episode, now)

    def heard(self, alert: str, channel: str, at: Millis) -> None:
        """A channel heard of an alert that flaps, or did."""
        self._told[alert, channel] = max(at, self._told.get((alert, channel), at))

    def place(self, member: Member) -> None:
        """Find the silences about a member, which is new or which they are new to."""
        member.silences = self.silences.of(member.episode.alert.labels)

    def act(self, silences: Iterable[Silence], acks: Mapping[int, Ack]) -> bool:
        """Take in what people did; whether it is other than what was known."""
        silences = tuple(silences)
        if silences == self.silences.known and acks == self.acks:
            return False
        self.silences, self.acks = Silences(silences), dict(acks)
        return True

    def mind(self, group: Group, now: Millis) -> None:
        """Bring the members of a group up to date."""
        hushable = self.inhibitors.hushable
        flapping = self.flapping.damping is not None
        mutes = bool(group.destination.mutes.times)
        for member in group.members.values():
            member.again_at = None
            member.ack = self.acks.get(member.episode.id) if self.acks else None
            if member.episode.alert.rule in hushable:
                member.hushed_by = self.inhibitors.hush(member.episode, single_events=member.single_event)
            if self.silences.known:
                _mind_silences(member, now)
            if flapping:
                self._mind_flaps(member, group.destination.channel, now)
            if mutes:
                _mind_mutes(member, group, now)

    def _mind_flaps(self, member: Member, channel: str, now: Millis) -> None:
        episode = member.episode
        if not (episode.firing or member.told):
            # It was one of many and is over: that stays so when the alert is calm again.
            if member.damped or (member.why is not None and member.why.reason is Hush.FLAPPING):
                member.damped = True
                return
            member.flaps = self.flapping.of(episode, episode.ended_at or now)
        else:
            member.flaps = self.flapping.of(episode, now)
        if member.flaps is None:
            member.damped = False
            return
        told = self._told.get((episode.alert.fingerprint, channel))
        member.damped = told is not None and told >= member.flaps.known_at
        _again(member, member.flaps.until, now)


def _mind_silences(member: Member, now: Millis) -> None:
    episode = member.episode
    at = now if episode.firing or member.told else (episode.end_known_at or now)
    member.silence = holding(member.silences, at)
    member.released = last_over(member.silences, now, episode.known_at) if episode.firing else None
    _again(member, next_change(member.silences, now), now)


def _mind_mutes(member: Member, group: Group, now: Millis) -> None:
    """Of firing news the group as a whole decides."""
    episode, mutes = member.episode, group.destination.mutes
    member.muted = None
    if not member.told and not episode.firing:
        member.muted = mutes.at(episode.end_known_at or now)
    elif not member.told and episode.origin is Origin.ALREADY:
        member.muted = mutes.at(now)
        _again(member, None if member.muted is None else member.muted.until, now)


def _again(member: Member, at: Millis | None, now: Millis) -> None:
    if at is not None and at > now and (member.again_at is None or at < member.again_at):
        member.again_at = at
