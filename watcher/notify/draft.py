"""A message laid out as a document: what happened, where, how much of it, why, since when. The first two lines are
all that a locked phone shows."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.message import Message, Say, Section, Severity, Since, State
from watcher.model.times import Millis, duration_text
from watcher.notify.acts import act_line, flapping
from watcher.notify.closing import closing_headline, closing_part
from watcher.notify.digest import digest_headline, digest_part
from watcher.notify.document import Block, Document, Gives, Line, Listing, Part, Span, Style, plain
from watcher.notify.fit import cut
from watcher.notify.moments import counted, moment, span
from watcher.notify.sections import brief, headline, least, section_blocks, section_foot
from watcher.notify.text import Kind, clean, inert, inert_lines

_TITLE = 200
_KINDS = {Severity.INFO: Kind.INFO, Severity.WARNING: Kind.WARNING, Severity.CRITICAL: Kind.FAILURE}
_SIGNS = {Kind.FAILURE: "🔴", Kind.WARNING: "🟠", Kind.SUCCESS: "🟢", Kind.INFO: "🔵"}
_OPENINGS = {
    Say.ALREADY: "Already so when I started: ",
    Say.GREW: "Growing: ",
    Say.REPEAT: "Still firing: ",
    Say.ESCALATED: "Nobody has acknowledged this: ",
    Say.UNMUTED: "Still firing, no longer muted: ",
    Say.SAMPLE: "Sample, nothing has happened: ",
}


def draft(message: Message, zone: tzinfo, *, may_repeat: bool) -> Document:
    """The message as a document.

    Args:
        zone: in which times are shown.
        may_repeat: an earlier attempt may have delivered it already; the foot says so.
    """
    kind = _kind(message)
    closing = () if message.closing is None else message.closing.rows
    repeat = " (may be a repeat of a message you already have)" if may_repeat else ""
    return Document(
        kind=kind,
        sign=_SIGNS[kind],
        headline=headline_of(message, zone),
        parts=tuple(_parts(message, zone)),
        notes=Listing(
            Gives.NOTES, tuple(plain(f"Note: {inert(note, _TITLE)}") for note in message.notes), "note", bullets=False
        ),
        foot=(Span("Message "), Span(clean(message.id), Style.CODE), *(plain(repeat) if repeat else ())),
        name=message.id,
        rows=(*closing, *(row for section in message.sections for row in section.rows)),
    )


def headline_of(message: Message, zone: tzinfo) -> str:
    """What the message is about, in one line."""
    instead = "" if message.undelivered is None else f"Could not be delivered to {inert(message.undelivered)}: "
    return cut(f"{instead}{_headline(message, zone)}", _TITLE)


def _kind(message: Message) -> Kind:
    if message.closing is not None and message.severity is Severity.INFO:
        return Kind.SUCCESS
    if message.sections and not _firing(message):
        resolved = all(section.state is State.RESOLVED for section in message.sections)
        return Kind.SUCCESS if resolved else Kind.INFO
    return _KINDS[message.severity]


def _firing(message: Message) -> list[Section]:
    return [section for section in message.sections if section.state is State.FIRING]


def _headline(message: Message, zone: tzinfo) -> str:
    if message.closing is not None:
        return closing_headline(message.closing)
    if message.digest is not None:
        return digest_headline(message.digest, message.at, zone)
    if message.say is Say.CATCH_UP and message.unseen:
        return _while_blind(message, message.unseen, zone)
    if not message.sections:
        return (inert(message.notes[0]) if message.notes else "") or "A note from nonce-watcher"
    firing = _firing(message)
    told = firing or message.sections
    first = told[0]
    if firing and first.flaps is not None:
        opening = "Flapping: "
    elif firing and clean(first.title or "") and message.say not in _OPENINGS:
        opening = ""  # the rule's own title stands for itself
    elif firing:
        opening = _OPENINGS.get(message.say, f"{message.severity.value.capitalize()}: ")
    elif message.say is Say.CATCH_UP:
        opening = "Already over: "
    else:
        opening = "Resolved: " if first.state is State.RESOLVED else "Ended: "
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f"{opening}{headline(first)}{more}"


def _while_blind(message: Message, unseen: tuple[Millis, Millis], zone: tzinfo) -> str:
    alerts = sum(section.alerts for section in message.sections)
    return f"While I could not see, {span(*unseen, message.at, zone)}: {counted(alerts, 'alert')} came and went"


def _parts(message: Message, zone: tzinfo) -> Iterator[Part]:
    if message.closing is not None:
        yield closing_part(message.closing, message.at, zone)
    if message.digest is not None:
        yield digest_part(message.digest, message.at, zone)
    for number, section in enumerate(message.sections):
        short = brief(section, message.at, zone)
        if message.say is Say.CATCH_UP:
            yield Part(None, (short,), short, least(section), section.count, section.alerts)
            continue
        heading = None
        if number:  # of the first, the message's headline tells it
            state = section.severity.value if section.state is State.FIRING else section.state.value
            heading = plain(f"{state.upper()}: {headline(section)}")
        since = (
            () if message.since is None or number or not _firing(message) else (_since(message.since, message, zone),)
        )
        done = tuple(act_line(act, message.at, zone) for act in section.acts)
        blocks = tuple(_blocks(section, (*flapping(section), *done, *since), message, zone))
        yield Part(heading, blocks, short, least(section), section.count, section.alerts)


def _since(since: Since, message: Message, zone: tzinfo) -> Line:
    """As in: Since the last message, 22:06 CST: 2 new alerts, 1 ended, 300 → 640 tasks."""
    changes = [f"{counted(since.new, 'new alert')}"] if since.new else []
    changes += [f"{since.ended:,} ended"] if since.ended else []
    tasks = f"{since.count:,} → {since.now:,}" if since.now != since.count else f"still {since.count:,}"
    whole = " in all" if len(message.sections) > 1 else ""
    changes.append(f"{tasks} task{'' if since.now == 1 else 's'}{whole}")
    return plain(f"Since the last message, {moment(since.at, message.at, zone)}: {', '.join(changes)}")


def _blocks(section: Section, since: tuple[Line, ...], message: Message, zone: tzinfo) -> Iterator[Block]:
    late: tuple[Line, ...] = ()
    if section.late:
        began = section.started_at if section.fired_at is None else section.fired_at
        fired, after = moment(began, message.at, zone), duration_text(message.at - began)
        late = (plain(f"Late: fired at {fired}, told {after} after."),)
    own = inert_lines(section.body) if section.body else ""
    if own:
        yield from late
        yield from since
        lines = tuple(plain(line) for line in own.split("\n"))
        yield Listing(Gives.OWN_WORDS, lines, "line", bullets=False)
        yield from section_foot(section)
    else:
        yield from section_blocks(section, (*late, *since), message.at, zone)
