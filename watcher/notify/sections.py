"""What a plain message says of one rule's alerts where the rule has no words of its own."""

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model.message import MinerLine, Section, State
from watcher.model.times import Millis, duration_text
from watcher.notify.moments import counted, moment, span
from watcher.notify.text import clean

_KINDS_OF_TASKS = 4
_REASONS = 4
_TITLE = 200
_OBVIOUS = ("rule", "severity", "farm")


def section_lines(section: Section, present: Millis, zone: tzinfo) -> Iterator[str]:
    """The lines of a section, what matters most first: a phone shows the first four.

    Args:
        section: what to tell.
        present: the message's time; other days than its own are named.
        zone: in which times are shown.
    """
    severity = section.severity.value.capitalize()
    farm = section.labels.get("farm")
    place = f"{severity} at {clean(farm)}" if farm else severity
    if section.cause is not None:
        yield from _of_watcher(section, place, present, zone)
    elif section.state is State.FIRING:
        yield f"{place}: {_extent(section)}."
        yield from _times(section, present, zone)
        yield from _reasons(section)
        yield from _tasks(section)
        yield from _miners(section)
    else:
        yield from _end(section, present, zone)
        yield f"{place}: it was {_extent(section)}."
        yield from _times(section, present, zone)
    if section.without:
        yield f"Without {', '.join(clean(farm) for farm in section.without)}: nobody can see it now."
    yield from _labels(section)
    yield from section_foot(section)


def _of_watcher(section: Section, place: str, present: Millis, zone: tzinfo) -> Iterator[str]:
    """A trouble of the watcher itself: no task, but a cause."""
    if section.state is not State.FIRING:
        yield from _end(section, present, zone)
    yield f"{place}: {clean(section.cause or '')}"
    if section.state is State.FIRING:
        yield f"Since {moment(section.started_at, present, zone)}"


def section_line(section: Section, present: Millis, zone: tzinfo) -> str:
    """A section in one line, as a catch-up message lists them."""
    end = section.ended_at or section.last_at or section.started_at
    ended = f"; {clean(section.ended_by)}" if section.ended_by else ""
    return (
        f"• {headline(section)}: {_extent(section)}, "
        f"{span(section.started_at, end, present, zone)}{ended} ({_ids(section)})"
    )


def headline(section: Section) -> str:
    """What happened and where: the rule's own title, else its summary and the farm."""
    own = clean(section.title, _TITLE) if section.title else ""
    farm = section.labels.get("farm")
    return own or (f"{clean(section.summary)}, {clean(farm)}" if farm else clean(section.summary))


def section_foot(section: Section) -> Iterator[str]:
    if section.runbook:
        yield f"Runbook: {clean(section.runbook, 400)}"
    yield f"Rule {clean(section.rule)}, {_ids(section)}"


def _end(section: Section, present: Millis, zone: tzinfo) -> Iterator[str]:
    word = "Resolved" if section.state is State.RESOLVED else "Ended"
    if section.ended_at is None:
        yield f"{word}."
    else:
        lasted = duration_text(section.ended_at - section.started_at)
        yield f"{word} at {moment(section.ended_at, present, zone)}, after {lasted}."
    if section.unrepaired is not None and section.last_at is not None:
        lacking, miners = section.unrepaired
        yield f"No new ones since {moment(section.last_at, present, zone)}; {_still(lacking, miners)}."
    elif section.ended_by:
        words = clean(section.ended_by)
        sentence = words[:1].upper() + words[1:]
        yield sentence if sentence.endswith((".", "…")) else f"{sentence}."


def _still(lacking: int, miners: int) -> str:
    if not lacking:
        return f"all {counted(miners, 'miner')} have had a later success"
    return f"{lacking:,} of {counted(miners, 'miner')} still without a later success"


def _extent(section: Section) -> str:
    """As in: 300 of 900 tasks on 290 miners, in 3 alerts, 1 of them new."""
    part = f" of {section.total:,}" if section.total is not None else ""
    tasks = section.count if section.total is None else section.total
    parts = [f"{section.count:,}{part} task{'' if tasks == 1 else 's'}"]
    if section.miners_total:
        parts[0] += f" on {counted(section.miners_total, 'miner')}"
    if section.alerts > 1:
        parts.append(f"in {counted(section.alerts, 'alert')}")
        if 0 < section.new < section.alerts:
            parts.append(f"{section.new:,} of them new")
    return ", ".join(parts)


def _reasons(section: Section) -> Iterator[str]:
    for text, count in section.reasons[:_REASONS]:
        yield f"{count:,}× {clean(text)}"
    if len(section.reasons) > _REASONS:
        yield f"and {counted(len(section.reasons) - _REASONS, 'other reason')}"


def _tasks(section: Section) -> Iterator[str]:
    kinds = [f"{clean(name)} ({count:,})" for name, count in section.tasks.items()]
    if kinds:
        more = [f"and {len(kinds) - _KINDS_OF_TASKS} more"] if len(kinds) > _KINDS_OF_TASKS else []
        yield "Tasks: " + ", ".join([*kinds[:_KINDS_OF_TASKS], *more])


def _miners(section: Section) -> Iterator[str]:
    if not section.miners:
        return
    yield "Miners:" if len(section.miners) > 1 or section.miners_total > 1 else "Miner:"
    for miner in section.miners:
        yield f"• {_miner(miner)}"
    more = section.miners_total - len(section.miners)
    if more > 0:
        yield f"and {more:,} more"


def _miner(miner: MinerLine) -> str:
    known = [clean(value) for value in (miner.model, miner.ip) if value]
    return f"{clean(miner.id)} ({', '.join(known)})" if known else clean(miner.id)


def _times(section: Section, present: Millis, zone: tzinfo) -> Iterator[str]:
    first, last = section.first_at, section.last_at
    if first is None or last is None:
        yield f"Since {moment(section.started_at, present, zone)}"
    elif first == last:
        yield f"At {moment(first, present, zone)}"
    else:
        yield f"First {moment(first, present, zone)}, last {moment(last, present, zone)}"


def _labels(section: Section) -> Iterator[str]:
    shown = [
        f"{clean(name)}: {clean(value) if value is not None else 'unknown'}"
        for name, value in section.labels.items()
        if name not in _OBVIOUS
    ]
    if shown:
        yield " · ".join(shown)


def _ids(section: Section) -> str:
    shown = ", ".join(clean(one) for one in section.alert_ids[:3])
    more = section.alerts - min(len(section.alert_ids), 3)
    word = "alert" if section.alerts == 1 else "alerts"
    return f"{word} {shown} and {more:,} more" if more > 0 else f"{word} {shown}"
