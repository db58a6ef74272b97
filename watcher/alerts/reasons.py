"""What is decided on one alert of a group, out of what the group does: the one place where such a reason is chosen."""

from collections.abc import Iterator

from watcher.alerts.speech import Decision, Group, Hush, Member
from watcher.model.alert import Origin
from watcher.model.decision import Why
from watcher.model.message import Say
from watcher.model.times import duration_text


def reasons_of(group: Group, decision: Decision) -> Iterator[tuple[Member, Why]]:
    """Why nothing is said of each member now.

    Args:
        decision: what the group as a whole does.
    """
    key = group.destination.key
    speaks_at = decision.speaks_at or decision.due
    timed, untimed = Why(Hush.WAITING, key, speaks_at), Why(Hush.WAITING, key)
    unchanged, ended = Why(Hush.UNCHANGED, key, speaks_at), Why(Hush.UNCHANGED, key)
    fires = any(member.episode.firing for member in group.members.values())
    muted = None
    if decision.muted is not None:
        muted = Why(Hush.MUTED, key, decision.muted.until, what=", ".join(decision.muted.names))
    news = muted is not None and any(m.episode.firing and _is_news(m) for m in group.members.values())
    for member in group.members.values():
        episode = member.episode
        if member.hushed:
            yield member, _hushed(member, key)
        elif member.ack is not None and member.acknowledged and episode.firing and not _is_news(member):
            yield member, Why(Hush.ACKNOWLEDGED, key, author=member.ack.author, comment=member.ack.comment)
        elif muted is not None and episode.firing and (_is_news(member) or not news):
            yield member, muted
        elif member.second_hand and not member.told:
            yield member, Why(Hush.WAITING, key, member.escalates_at, what=ESCALATION)
        elif not member.told:
            # What was so already, and what came and went, waits for a complete look rather than for a timer.
            yield member, timed if episode.firing and episode.origin is Origin.NEWS else untimed
        elif episode.firing:
            yield member, unchanged if member.grew_at is None else timed
        elif group.sends_resolved and (fires or member.recovered):
            yield member, untimed if fires else timed
        else:
            yield member, ended


ESCALATION = "escalation"
"""What one waits for that is told elsewhere first."""


def _is_news(member: Member) -> bool:
    """To its channel; of an escalation, one that was acknowledged is none."""
    return member.grew_at is not None or not (member.told or (member.second_hand and member.acknowledged))


def _hushed(member: Member, key: str) -> Why:
    by, silence, flaps, muted = member.hushed_by, member.silence, member.flaps, member.muted
    match member.hush:
        case Hush.INHIBITED if by is not None:
            return Why(Hush.INHIBITED, key, by=by.alert.fingerprint, by_rule=by.alert.rule)
        case Hush.SILENCED if silence is not None:
            until = silence.ends_at if member.episode.firing else None
            said = silence.author, silence.comment
            return Why(Hush.SILENCED, key, until, what=str(silence.id), author=said[0], comment=said[1])
        case Hush.MUTED if muted is not None:
            until = muted.until if member.episode.firing else None
            return Why(Hush.MUTED, key, until, what=", ".join(muted.names))
    if flaps is None:
        return Why(Hush.FLAPPING, key)
    often = f"{flaps.changes} changes within {duration_text(flaps.within)}"
    return Why(Hush.FLAPPING, key, flaps.until if member.episode.firing or member.told else None, what=often)


def concerned(member: Member, say: Say) -> bool:
    """Whether a message is sent for this member too, and does not merely count it along."""
    whole = say in (Say.REPEAT, Say.UNMUTED, Say.ESCALATED)
    return whole or not member.told or not member.episode.firing or member.grew_at is not None


def already(member: Member) -> bool:
    untold = not (member.told or member.hushed or member.second_hand)
    return untold and member.episode.firing and member.episode.origin is Origin.ALREADY


def came_and_went(member: Member) -> bool:
    untold = not (member.told or member.hushed or member.second_hand)
    return untold and not member.episode.firing and member.episode.origin is Origin.NEWS


def spoken_of(member: Member) -> bool:
    """Whether a message of its group names it while it fires."""
    if member.hush not in (None, Hush.INHIBITED):
        return False
    if member.told:
        return True
    if member.second_hand:
        return member.escalates_at is not None and not (member.acknowledged or member.hushed)
    return member.episode.origin is Origin.NEWS and not member.hushed


def end_spoken_of(member: Member) -> bool:
    """Whether a message of its group names its end."""
    return not member.damped if member.told else came_and_went(member) and not over_when_known(member)


def over_when_known(member: Member) -> bool:
    """What was over before anybody could see it is told in the catch-up alone."""
    return member.episode.known_at == member.episode.end_known_at
