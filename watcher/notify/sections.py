"""What a message says of one rule's alerts where the rule has no words of its own."""

from collections.abc import Iterator
from datetime import tzinfo
from urllib.parse import quote

from watcher.model.message import Link, MinerLine, Section, State
from watcher.model.times import Millis, duration_text
from watcher.notify.document import Block, Gives, Line, Listing, Span, Style, joined, plain
from watcher.notify.moments import counted, moment, span
from watcher.notify.text import clean, inert, task_name

_KINDS_OF_TASKS = 4
_TITLE = 200
_LONGEST_RUNBOOK = 400
_OF_URLS = "%/:?#[]@!$&'()*+,;=~-._"
_OBVIOUS = ("rule", "severity", "farm")


def section_blocks(section: Section, marks: tuple[Line, ...], present: Millis, zone: tzinfo) -> Iterator[Block]:
    """The lines of a section, what matters most first: a phone shows the first two.

    Args:
        section: what to tell.
        marks: what is to be said of the message itself, under what happened and why.
        present: the message's time; other days than its own are named.
        zone: in which times are shown.
    """
    place = _place(section)
    if section.cause is not None:
        yield from _of_watcher(section, place, marks, present, zone)
    elif section.state is State.FIRING:
        yield plain(f"{place}{_capital(_extent(section), place)}{_mostly(section)}")
        yield from reasons(section.reasons[1:], section.other_reasons)
        yield from marks
        yield plain(_times(section, present, zone))
        yield from _models(section)
        yield from _tasks(section)
        yield from miners(section.miners, section.miners_total)
    else:
        yield from _end(section, present, zone)
        yield plain(f"{place}It was {_extent(section)}.")
        yield from marks
        yield plain(_times(section, present, zone))
    if section.without:
        yield plain(f"Without {', '.join(inert(farm) for farm in section.without)}: nobody can see it now.")
    yield from _labels(section)
    yield from section_foot(section)


def _place(section: Section) -> str:
    """Where, if the headline is the rule's own words and may not say it."""
    farm = section.labels.get("farm")
    if not clean(section.title or ""):
        return ""
    severity = section.severity.value.capitalize()
    return f"{severity} at {inert(farm)}: " if farm else f"{severity}: "


def _capital(text: str, before: str) -> str:
    return text if before else text[:1].upper() + text[1:]


def _of_watcher(
    section: Section, place: str, marks: tuple[Line, ...], present: Millis, zone: tzinfo
) -> Iterator[Block]:
    """A trouble of the watcher itself: no task, but a cause."""
    if section.state is not State.FIRING:
        yield from _end(section, present, zone)
        place = f"{place}It was: "
    yield plain(f"{place}{inert(section.cause or '', _TITLE * 2)}")
    yield from marks
    if section.state is State.FIRING:
        yield plain(f"Since {moment(section.started_at, present, zone)}")


def brief(section: Section, present: Millis, zone: tzinfo) -> Line:
    """A section in one line, as a catch-up message lists them."""
    end = section.ended_at or section.last_at or section.started_at
    ended = f"; {_words(section.ended_by)}" if section.ended_by else ""
    ended += "; flapping, quiet until it is calm" if section.flaps is not None else ""
    lasted = span(section.started_at, end, present, zone)
    return (
        Span(f"• {headline(section)}: {_extent(section)}, {lasted}{ended} ("),
        *_ids(section),
        Span(")"),
    )


def least(section: Section) -> Line:
    return plain(f"• {_extent(section)}")


def headline(section: Section) -> str:
    """What happened and where: the rule's own title, else its summary and the farm."""
    own = inert(section.title, _TITLE) if section.title else ""
    farm = section.labels.get("farm")
    return own or (f"{inert(section.summary)}, {inert(farm)}" if farm else inert(section.summary))


def section_foot(section: Section) -> Iterator[Block]:
    links = [linked(link) for link in section.links]
    if section.runbook:
        links.append(_runbook(section.runbook))
    if links:
        yield joined(links, " · ")
    yield (Span(f"Rule {inert(section.rule)}, "), *_ids(section))


def _runbook(said: str) -> Line:
    if said.startswith(("https://", "http://")):
        return (Span("Runbook", Style.LINK, quote(said, safe=_OF_URLS, errors="replace")),)
    return plain(f"Runbook: {inert(said, _LONGEST_RUNBOOK)}")


def linked(link: Link) -> Line:
    return (Span(inert(link.text), Style.LINK, link.url),)


def _end(section: Section, present: Millis, zone: tzinfo) -> Iterator[Block]:
    word = "Resolved" if section.state is State.RESOLVED else "Ended"
    if section.ended_at is None:
        yield plain(f"{word}.")
    else:
        lasted = duration_text(section.ended_at - section.started_at)
        yield plain(f"{word} at {moment(section.ended_at, present, zone)}, after {lasted}.")
    if section.unrepaired is not None and section.last_at is not None:
        lacking, total = section.unrepaired
        yield plain(f"No new ones since {moment(section.last_at, present, zone)}; {_still(lacking, total)}.")
    elif section.ended_by and section.cause is None:
        words = _words(section.ended_by)
        sentence = words[:1].upper() + words[1:]
        yield plain(sentence if sentence.endswith((".", "…")) else f"{sentence}.")


def _words(foreign: str) -> str:
    """As `inert`, but the names of tasks in it can be copied."""
    return " ".join(task_name(word) for word in clean(foreign).split())


def _still(lacking: int, total: int) -> str:
    if not lacking:
        return f"all {counted(total, 'miner')} have had a later success"
    return f"{lacking:,} of {counted(total, 'miner')} still without a later success"


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


def _mostly(section: Section) -> str:
    """The commonest reason, on the line that a phone shows."""
    if not section.reasons:
        return ""
    text, count = section.reasons[0]
    return f": {count:,}× {inert(text)}"


def reasons(told: tuple[tuple[str, int], ...], others: tuple[int, int]) -> Iterator[Block]:
    """Reasons with their counts, and what there is beside them."""
    if told or others[0]:
        yield Listing(
            Gives.REASONS,
            tuple(plain(f"{count:,}× {inert(text)}") for text, count in told),
            "reason",
            figures=tuple(count for _, count in told),
            more=others[0],
            more_figures=others[1],
            bullets=False,
        )


def _models(section: Section) -> Iterator[Block]:
    if len(section.models) > 1:
        yield Listing(
            Gives.MODELS,
            tuple(plain(f"{inert(model)} ({count:,})") for model, count in section.models),
            "model",
            head="By model:",
            inline=True,
            figures=tuple(count for _, count in section.models),
        ).capped(_KINDS_OF_TASKS)


def _tasks(section: Section) -> Iterator[Block]:
    kinds = list(section.tasks.items())
    if kinds:
        yield Listing(
            Gives.TASKS,
            tuple(_task(name, count) for name, count in kinds),
            "kind",
            head="Tasks:",
            inline=True,
            figures=tuple(count for _, count in kinds),
        ).capped(_KINDS_OF_TASKS)


def _task(said: str, count: int) -> Line:
    name, _, status = said.rpartition(" ")
    return (Span(task_name(name), Style.CODE), Span(f" {inert(status)} ({count:,})"))


def miners(told: tuple[MinerLine, ...], total: int, head: str | None = None) -> Iterator[Block]:
    if told:
        yield Listing(
            Gives.MINERS,
            tuple(_miner(miner) for miner in told),
            "miner",
            head=head or ("Miners:" if total > 1 else "Miner:"),
            more=max(0, total - len(told)),
        )


def _miner(miner: MinerLine) -> Line:
    name = Span(inert(miner.id), Style.CODE, miner.url)
    known = [
        *([plain(inert(miner.model))] if miner.model else []),
        *([(Span(inert(miner.ip), Style.CODE),)] if miner.ip else []),
    ]
    return (name, Span(" ("), *joined(known), Span(")")) if known else (name,)


def _times(section: Section, present: Millis, zone: tzinfo) -> str:
    first, last = section.first_at, section.last_at
    if first is None or last is None:
        return f"Since {moment(section.started_at, present, zone)}"
    if first == last:
        return f"At {moment(first, present, zone)}"
    return f"First {moment(first, present, zone)}, last {moment(last, present, zone)}"


def _labels(section: Section) -> Iterator[Block]:
    told = _told_already(section)
    shown = tuple(
        plain(f"{inert(name)}: {_value(name, value)}")
        for name, value in section.labels.items()
        if name not in told and not (section.cause is not None and value is None)
    )
    if shown:
        yield Listing(Gives.LABELS, (joined(shown, " · "),), "line of labels", bullets=False)


def _told_already(section: Section) -> set[str]:
    """The labels whose values stand elsewhere in the message."""
    if section.cause is not None:
        return {*_OBVIOUS, "watcher"}
    one_task = section.state is State.FIRING and len(section.tasks) == 1
    one_miner = section.state is State.FIRING and bool(section.miners) and section.miners_total == 1
    linked_batch = any(link.text == f"Batch {section.labels.get('batch')}" for link in section.links)
    also = {"task": one_task, "miner": one_miner, "batch": linked_batch}
    return {*_OBVIOUS, *(name for name, stands in also.items() if stands)}


def _value(name: str, value: str | None) -> str:
    if value is None:
        return "unknown"
    return task_name(value) if name == "task" else inert(value)


def _ids(section: Section) -> Line:
    shown = joined(((Span(clean(one), Style.CODE),) for one in section.alert_ids[:3]), ", ")
    more = section.alerts - min(len(section.alert_ids), 3)
    word = "alert" if section.alerts == 1 else "alerts"
    return (Span(f"{word} "), *shown, *(plain(f" and {more:,} more") if more > 0 else ()))
