"""What the board knows of channels, says, and remembers of what it said."""

from dataclasses import dataclass

from watcher.alerts.speech import Group, Member
from watcher.model.alert import Episode
from watcher.model.decision import Why
from watcher.model.message import Say
from watcher.model.times import Millis


@dataclass(frozen=True, slots=True)
class Voice:
    """What the board must know of a channel.

    Args:
        sends_resolved: `send_resolved`.
    """

    name: str
    sends_resolved: bool = True


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to be said now on one channel.

    Args:
        id: short, stable over restarts: of the group, the reason and the flush.
        group: its state after the message; None for what a channel hears beside its groups.
        firing: members that fire.
        ended: members that ended.
        unheard: ids of the episodes among both that the channel had not heard of.
        concerned: ids of those that it is sent for; the others are merely counted along.
        before: when the group last spoke, and the events that it then told of; None for its first message.
        outgrown: episodes that have got worse since somebody acknowledged them: that holds no more.
    """

    id: str
    say: Say
    channel: str
    at: Millis
    group: Group
    firing: tuple[Member, ...]
    ended: tuple[Member, ...]
    unheard: frozenset[int]
    concerned: frozenset[int] = frozenset()
    before: tuple[Millis, int] | None = None
    outgrown: frozenset[int] = frozenset()

    @property
    def members(self) -> tuple[Member, ...]:
        return (*self.firing, *self.ended)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a channel was told of an episode, as the store keeps it: first, and last."""

    episode: int
    channel: str
    count: int
    end_told: bool
    first_at: Millis | None = None
    last_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class MemberReason:
    """What is decided now on an episode for a channel, which is not what was decided last."""

    episode: Episode
    channel: str
    why: Why


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group's own state, as the store keeps it."""

    key: str
    anchored_at: Millis | None
    spoken_at: Millis | None
    flushes: int
