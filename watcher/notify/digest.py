"""What a digest says: how much was folded, what still fires, what is over, the rest in figures."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.digest import AlertLine, Cause, Digest
from watcher.model.message import (
    Severity,
)
from watcher.model.times import Millis, duration_text
from watcher.notify.document import Block, Gives, Line, Listing, Part, Span, Style, plain
from watcher.notify.moments import counted, moment
from watcher.notify.text import clean, inert

_KINDS_SHOWN = 8
_OPENINGS = {
    Cause.BUDGET: "folded into one",
    Cause.OUTAGE: "that could not be delivered in time",
}
_UNSAID = {
    "folded": "folded into digests",
    "inhibited": "left to another alert",
    "silenced": "silenced",
    "muted": "muted by their hours",
    "acknowledged": "acknowledged",
    "flapping": "beginning and ending again and again",
    "too_old": "over for too long when first known",
}


def digest_headline(digest: Digest, present: Millis, zone: tzinfo) -> str:
    """`37 messages folded into one, since 14:02:11 UTC: 3 alerts still fire`."""
    if digest.cause is Cause.DAILY:
        return f"Daily summary: {_standing(digest)}"
    messages = counted(digest.messages, "message")
    return f"{messages} {_OPENINGS[digest.cause]}, since {moment(digest.since, present, zone)}: {_standing(digest)}"


def digest_part(digest: Digest, present: Millis, zone: tzinfo) -> Part:
    total = digest.standing_total + digest.over_total
    short = plain(f"{counted(total, 'alert')}: {_extent(digest)}")
    return Part(None, tuple(_blocks(digest, present, zone)), short, short, 0, total)


def _standing(digest: Digest) -> str:
    count = digest.standing_total
    if digest.cause is Cause.DAILY:
        return f"{counted(count, 'alert')} unrepaired" if count else "nothing stands unrepaired"
    if not count:
        return "nothing of it fires any more"
    return f"{counted(count, 'alert')} still {'fires' if count == 1 else 'fire'}"


def _extent(digest: Digest) -> str:
    parts = [f"{digest.standing_total:,} firing"]
    if digest.over_total:
        parts.append(f"{digest.over_total:,} over")
    if digest.passed:
        parts.append(f"{digest.passed:,} of these came and went")
    return ", ".join(parts)


def _blocks(digest: Digest, present: Millis, zone: tzinfo) -> Iterator[Block]:
    total = digest.standing_total + digest.over_total
    if total:
        yield plain(f"{counted(total, 'alert')}: {_extent(digest)}")
    elif digest.cause is Cause.DAILY:
        yield plain("No alert fires.")
    yield from _alerts("Firing:", digest.standing, digest.standing_total, Gives.REASONS, present, zone)
    yield from _died(digest)
    if digest.unsaid:
        said = ", ".join(f"{count:,} {_UNSAID.get(reason, inert(reason))}" for reason, count in digest.unsaid)
        yield plain(f"Not told by themselves since {moment(digest.since, present, zone)}: {said}")
    if digest.others:
        lines = tuple(plain(inert(line, 200)) for line in digest.others)
        yield Listing(Gives.TASKS, lines, "message", head="Also:")
    yield from _alerts("Over:", digest.over, digest.over_total, Gives.MINERS, present, zone)
    yield from _kinds("By rule:", digest.rules, "rule")
    yield from _kinds("By farm:", digest.farms, "farm")


def _died(digest: Digest) -> Iterator[Line]:
    for channel, reason, count in digest.died:
        yield plain(f"Given up for {inert(channel)}: {counted(count, 'message')}, at last because {inert(reason)}")


def _kinds(head: str, kinds: tuple[tuple[str, int], ...], noun: str) -> Iterator[Block]:
    if len(kinds) > 1:
        lines = tuple(plain(f"{inert(name)} ({count:,})") for name, count in kinds)
        figures = tuple(count for _, count in kinds)
        whole = Listing(Gives.NOTES, lines, noun, head=head, inline=True, figures=figures)
        yield whole.capped(_KINDS_SHOWN)


def _alerts(
    head: str, alerts: tuple[AlertLine, ...], total: int, gives: Gives, present: Millis, zone: tzinfo
) -> Iterator[Block]:
    if alerts:
        lines = tuple(_alert(one, present, zone) for one in alerts)
        yield Listing(gives, lines, "alert", head=head, more=total - len(alerts))


def _alert(alert: AlertLine, present: Millis, zone: tzinfo) -> Line:
    """As in: CRITICAL: Firmware updates are failing, North Barn, M-0001: 12 tasks, since 14:02:11 UTC (7f3a9c)."""
    urgent = "CRITICAL: " if alert.severity is Severity.CRITICAL else ""
    place = "".join(f", {inert(one)}" for one in alert.place)
    since = moment(alert.started_at, present, zone)
    when = f"since {since}"
    if alert.ended_at is not None:
        by = f", {inert(alert.ended_by)}" if alert.ended_by else ""
        when = f"{since}, for {duration_text(alert.ended_at - alert.started_at)}{by}"
    tasks = counted(alert.count, "task")
    return (
        Span(f"{urgent}{inert(alert.rule)}{place}: {tasks}, {when} ("),
        Span(clean(alert.id), Style.CODE),
        Span(")"),
    )
