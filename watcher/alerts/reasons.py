"""What is decided on one alert of a group, out of what the group does: the one place where such a reason is chosen."""

from collections.abc import Iterator

from watcher.alerts.speech import Decision, Group, Hush, Member
from watcher.model.alert import Origin
from watcher.model.decision import Why
from watcher.model.message import Say


def reasons_of(group: Group, decision: Decision) -> Iterator[tuple[Member, Why]]:
    """Why nothing is said of each member now.

    Args:
        decision: what the group as a whole does.
    """
    key = group.destination.key
    timed, untimed = Why(Hush.WAITING, key, decision.due), Why(Hush.WAITING, key)
    unchanged, ended = Why(Hush.UNCHANGED, key, decision.due), Why(Hush.UNCHANGED, key)
    fires = any(member.episode.firing for member in group.members.values())
    for member in group.members.values():
        episode, by = member.episode, member.hushed_by
        if by is not None:
            yield member, Why(Hush.INHIBITED, key, by=by.alert.fingerprint, by_rule=by.alert.rule)
        elif not member.told:
            # What was so already, and what came and went, waits for a complete look rather than for a timer.
            yield member, timed if episode.firing and episode.origin is Origin.NEWS else untimed
        elif episode.firing:
            yield member, unchanged if member.grew_at is None else timed
        elif group.sends_resolved and (fires or member.recovered):
            yield member, untimed if fires else timed
        else:
            yield member, ended


def concerned(member: Member, say: Say) -> bool:
    """Whether a message is sent for this member too, and does not merely count it along."""
    return say is Say.REPEAT or not member.told or not member.episode.firing or member.grew_at is not None


def already(member: Member) -> bool:
    untold = not member.told and not member.hushed
    return untold and member.episode.firing and member.episode.origin is Origin.ALREADY


def came_and_went(member: Member) -> bool:
    untold = not member.told and not member.hushed
    return untold and not member.episode.firing and member.episode.origin is Origin.NEWS


def over_when_known(member: Member) -> bool:
    """What was over before anybody could see it is told in the catch-up alone."""
    return member.episode.known_at == member.episode.end_known_at
