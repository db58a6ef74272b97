"""A message in plain words, for any channel: what happened, where, how much of it, why, since when."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.message import Message, Say, Section, Severity, State
from watcher.model.times import duration_text
from watcher.notify.fit import LIMIT, cut, fit
from watcher.notify.moments import counted, moment, span
from watcher.notify.sections import headline, section_foot, section_line, section_lines
from watcher.notify.text import Kind, Text, clean, clean_lines

_TITLE = 200
_KINDS = {Severity.INFO: Kind.INFO, Severity.WARNING: Kind.WARNING, Severity.CRITICAL: Kind.FAILURE}
_OPENINGS = {
    Say.ALREADY: "Already so when I started: ",
    Say.GREW: "Growing: ",
    Say.REPEAT: "Still firing: ",
    Say.SAMPLE: "Sample, nothing has happened: ",
}


def render(message: Message, zone: tzinfo, *, may_repeat: bool, limit: int = LIMIT) -> Text:
    """The message as plain text.

    Args:
        message: what to say.
        zone: in which times are shown.
        may_repeat: an earlier attempt may have delivered it already; the text says so.
        limit: how long the body may be, in UTF-16 units.
    """
    title = cut(_title(message, zone), _TITLE)
    foot = f"Message {message.id}"
    if may_repeat:
        foot += " (may be a repeat of a message you already have)"
    return Text(title, fit(list(_lines(message, zone)), ["", foot], limit), _kind(message))


def _kind(message: Message) -> Kind:
    if message.sections and not _firing(message):
        resolved = all(section.state is State.RESOLVED for section in message.sections)
        return Kind.SUCCESS if resolved else Kind.INFO
    return _KINDS[message.severity]


def _firing(message: Message) -> list[Section]:
    return [section for section in message.sections if section.state is State.FIRING]


def _title(message: Message, zone: tzinfo) -> str:
    if message.say is Say.CATCH_UP:
        return _while_blind(message, zone)
    if not message.sections:
        return clean(message.notes[0]) if message.notes else "A note from nonce-watcher"
    firing = _firing(message)
    told = firing or message.sections
    first = told[0]
    if firing and clean(first.title or "") and message.say not in _OPENINGS:
        opening = ""  # the rule's own title stands for itself
    elif firing:
        opening = _OPENINGS.get(message.say, f"{message.severity.value.capitalize()}: ")
    else:
        opening = "Resolved: " if first.state is State.RESOLVED else "Ended: "
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f"{opening}{headline(first)}{more}"


def _while_blind(message: Message, zone: tzinfo) -> str:
    unseen = f", {span(*message.unseen, message.at, zone)}" if message.unseen else ""
    alerts = sum(section.alerts for section in message.sections)
    return f"While I could not see{unseen}: {counted(alerts, 'alert')} came and went"


def _lines(message: Message, zone: tzinfo) -> Iterator[str]:
    if message.say is Say.CATCH_UP:
        for section in message.sections:
            yield section_line(section, message.at, zone)
    else:
        for number, section in enumerate(message.sections):
            if number:
                yield ""
            yield from _block(section, message, zone)
    for note in message.notes:
        yield f"Note: {clean(note, _TITLE)}"


def _block(section: Section, message: Message, zone: tzinfo) -> Iterator[str]:
    if len(message.sections) > 1:
        state = section.severity.value if section.state is State.FIRING else section.state.value
        yield f"{state.upper()}: {headline(section)}"
    if section.late:
        fired = moment(section.started_at, message.at, zone)
        after = duration_text(message.at - section.started_at)
        yield f"Late: fired at {fired}, told {after} after."
    own = clean_lines(section.body) if section.body else ""
    if own:
        yield from own.split("\n")
        yield from section_foot(section)
    else:
        yield from section_lines(section, message.at, zone)
