"""What keeps the members of a group quiet now: another alert, a silence, that they flap, that their route is mute.

The table of speech only reads it.
"""

from collections.abc import Iterable, Mapping

from watcher.alerts.flapping import Damping, Flapping
from watcher.alerts.inhibition import Inhibitors
from watcher.alerts.mute_times import Mutes
from watcher.alerts.silences import Silences, holding, last_over, next_change
from watcher.alerts.speech import Group, Member
from watcher.model.act import Ack, Silence
from watcher.model.alert import Episode, Origin
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
        self._silenced = self._acked = False
        """There are silences, and acknowledgements, or there were."""
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
        self._silenced, self._acked = self._silenced or bool(silences), self._acked or bool(acks)
        return True

    def mind(self, group: Group, now: Millis) -> None:
        """Bring the members of a group up to date; it may have very many of them."""
        group.again_at = None
        members = group.members.values()
        if hushable := self.inhibitors.hushable:
            for member in members:
                if member.episode.alert.rule in hushable:
                    member.hushed_by = self.inhibitors.hush(member.episode, single_events=member.single_event)
        if self._acked:
            for member in members:
                member.ack = self.acks.get(member.episode.id)
        if self._silenced:
            for member in members:
                _again(group, _mind_silences(member, now), now)
        if self.flapping.damping is not None:
            channel, changed = group.destination.channel, self.flapping.changed
            for member in members:
                if member.flaps is not None or member.why_flapping or member.episode.alert.fingerprint in changed:
                    _again(group, self._mind_flaps(member, channel, now), now)
        if group.destination.mutes.times:
            for member in members:
                _again(group, _mind_mutes(member, group.destination.mutes, now), now)

    def _mind_flaps(self, member: Member, channel: str, now: Millis) -> Millis | None:
        episode = member.episode
        if not (episode.firing or member.told):
            # It was one of many and is over: that stays so when the alert is calm again.
            if member.damped or member.why_flapping:
                member.damped = True
                return None
            member.flaps = self.flapping.of(episode, episode.ended_at or now)
        else:
            member.flaps = self.flapping.of(episode, now)
        if member.flaps is None:
            member.damped = False
            return None
        told = self._told.get((episode.alert.fingerprint, channel))
        member.damped = told is not None and told >= member.flaps.known_at
        return member.flaps.until


def _mind_silences(member: Member, now: Millis) -> Millis | None:
    episode = member.episode
    at = now if episode.firing or member.told else (episode.end_known_at or now)
    member.silence = holding(member.silences, at)
    member.released = last_over(member.silences, now, episode.known_at) if episode.firing else None
    return next_change(member.silences, now)


def _mind_mutes(member: Member, mutes: Mutes, now: Millis) -> Millis | None:
    """Of firing news the group as a whole decides."""
    episode = member.episode
    member.muted = None
    if not member.told and not episode.firing:
        member.muted = mutes.at(episode.end_known_at or now)
    elif not member.told and episode.origin is Origin.ALREADY:
        member.muted = mutes.at(now)
        return None if member.muted is None else member.muted.until
    return None


def _again(group: Group, at: Millis | None, now: Millis) -> None:
    if at is not None and at > now and (group.again_at is None or at < group.again_at):
        group.again_at = at
