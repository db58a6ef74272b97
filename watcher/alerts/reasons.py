"""What is decided on one alert of a group, out of what the group does: the one place where such a reason is chosen."""

from watcher.alerts.speech import Decision, Group, Hush, Member
from watcher.model.alert import Origin
from watcher.model.decision import Why
from watcher.model.message import Say


def reason_of(group: Group, member: Member, decision: Decision) -> Why:
    """Why nothing is said of a member now.

    Args:
        group: with `member` among its members.
        decision: what the group as a whole does.
    """
    key, by = group.destination.key, member.hushed_by
    if by is not None:
        return Why(Hush.INHIBITED, key, by=by.alert.fingerprint, by_rule=by.alert.rule)
    due = decision.due
    if not member.told:
        # What was so already, and what came and went, waits for a complete look rather than for a timer.
        timed = member.episode.firing and member.episode.origin is Origin.NEWS
        return Why(Hush.WAITING, key, due if timed else None)
    if member.episode.firing:
        return Why(Hush.UNCHANGED if member.grew_at is None else Hush.WAITING, key, due)
    if not group.sends_resolved or not (member.recovered or group.firing):
        return Why(Hush.UNCHANGED, key)
    return Why(Hush.WAITING, key, None if group.firing else due)


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
