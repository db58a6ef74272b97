"""Which figures a message must tell, and which of them a reader does not find: a list that was cut must say how much
of it is missing."""

import re
from collections.abc import Iterator

from watcher.model.message import Closing, Message, Say, Section, State
from watcher.notify.text import BREAK

_REASON = re.compile(r"^([\d,]+)× ", re.MULTILINE)
_REST = r"^(?:and )?([\d,]+) (?:more )?{noun}s?(?: \(([\d,]+)×\))?$"
_IN_LINE = re.compile(r" \(([\d,]+)×?\)(?=, |$)")
_DROPPED = re.compile(r"^(?:and )?([\d,]+) (?:more )?rules?: ([\d,]+) tasks? in ([\d,]+) alerts?$", re.MULTILINE)


def missing(message: Message, seen: str) -> list[str]:
    """What a reader of `seen` is not told.

    Args:
        seen: the text as the service shows it, line by line.
    """
    text = seen.replace(BREAK, "")
    lost = [] if f"Message {message.id}" in text else ["the message's id"]
    if message.closing is not None:
        return [*lost, *_of_closing(message.closing, text)]
    lines = text.split("\n")
    begin = whole = 0
    for section in message.sections:
        foot = next((n for n, line in enumerate(lines) if _foot(section, line)), None)
        if foot is None:
            break
        lost += _of_section(section, "\n".join(lines[begin : foot + 1]))
        begin, whole = foot + 1, whole + 1
    lost += _of_the_short(message.sections[whole:], lines[begin:])
    if message.notes:
        told = sum(line.startswith("Note: ") for line in lines) + _rest(text, "note")[0]
        lost += [] if told == len(message.notes) else [f"{len(message.notes)} notes: {told}"]
    if message.since is not None and message.say is not Say.CATCH_UP and whole and _fires(message):
        since = message.since
        figures = f"{since.count:,} → {since.now:,}" if since.count != since.now else f"still {since.now:,}"
        lost += [] if figures in text else [figures]
    return lost


def _fires(message: Message) -> bool:
    return any(section.state is State.FIRING for section in message.sections)


def _foot(section: Section, line: str) -> bool:
    return line.startswith("Rule ") and section.alert_ids[0] in line


def _of_the_short(sections: tuple[Section, ...], lines: list[str]) -> Iterator[str]:
    """Of sections that have one line each, or are added up."""
    dropped = _DROPPED.search("\n".join(lines))
    gone = _number(dropped[1]) if dropped else 0
    shown, summed = sections[: len(sections) - gone], sections[len(sections) - gone :]
    if dropped:
        wanted = sum(one.count for one in summed), sum(one.alerts for one in summed)
        if wanted != (_number(dropped[2]), _number(dropped[3])):
            yield f"{wanted} of {gone} rules: {dropped[0]}"
    points = [line for line in lines if line.startswith("• ")]
    if len(points) < len(shown):
        yield f"{len(shown)} rules in short: {len(points)}"
    for section, point in zip(shown, points, strict=False):
        if extent(section) not in point:
            yield extent(section)


def extent(section: Section) -> str:
    part = "" if section.total is None else f" of {section.total:,}"
    word = "task" if (section.count if section.total is None else section.total) == 1 else "tasks"
    miners = _counted(section.miners_total, "miner")
    on = f" on {miners}" if section.miners_total else ""
    alerts = f", in {section.alerts:,} alerts" if section.alerts > 1 else ""
    new = f", {section.new:,} of them new" if 0 < section.new < section.alerts else ""
    return f"{section.count:,}{part} {word}{on}{alerts}{new}"


def _of_section(section: Section, text: str) -> Iterator[str]:
    """Of one that is told at length; a rule's own words stand for themselves."""
    for one in section.alert_ids[:3]:
        if one not in text:
            yield f"alert {one}"
    more = section.alerts - min(3, len(section.alert_ids))
    if more > 0 and f" and {more:,} more" not in text:
        yield f"{more} more alerts"
    if section.body or section.cause is not None:
        return
    if extent(section) not in text:
        yield extent(section)
    if section.state is not State.FIRING:
        lacking = section.unrepaired
        if lacking and section.ended_at and f"{lacking[0]:,} of {_counted(lacking[1], 'miner')} still" not in text:
            yield f"{lacking} unrepaired"
        return
    if section.reasons:
        first = section.reasons[0][1]
        if f"{extent(section)}: {first:,}× " not in text:
            yield f"the commonest reason, {first}×"
        others = sum(count for _, count in section.reasons[1:]) + section.other_reasons[1]
        yield from _sum("reasons", others, _reasons(text))
    if len(section.models) > 1:
        yield from _sum("models", sum(count for _, count in section.models), _in_line(text, "By model:"))
    if section.tasks:
        yield from _sum("tasks", sum(section.tasks.values()), _in_line(text, "Tasks:"))
    if section.miners:
        points = sum(line.startswith("• ") for line in text.split("\n"))
        yield from _sum("miners", section.miners_total, points + _rest(text, "miner")[0])


def _of_closing(closing: Closing, text: str) -> Iterator[str]:
    figures = [f"{closing.succeeded:,} of {closing.total:,} succeeded"]
    figures += [f", {count:,} " for count in closing.statuses.values()]
    figures += [f"{_counted(closing.again_total, 'miner')} to do again"] if closing.again_total else []
    yield from (figure for figure in figures if figure not in text)
    yield from _sum("reasons", sum(count for _, count in closing.reasons) + closing.other_reasons[1], _reasons(text))
    if closing.again:
        points = sum(line.startswith("• ") for line in text.split("\n"))
        yield from _sum("miners", closing.again_total, points + _rest(text, "miner")[0])


def _sum(what: str, wanted: int, told: int) -> Iterator[str]:
    if wanted != told:
        yield f"{what}: {wanted} are told as {told}"


def _reasons(text: str) -> int:
    return sum(_number(one) for one in _REASON.findall(text)) + _rest(text, "reason")[1]


def _in_line(text: str, head: str) -> int:
    line = next((line for line in text.split("\n") if line.startswith(head)), "")
    return sum(_number(one) for one in _IN_LINE.findall(line))


def _rest(text: str, noun: str) -> tuple[int, int]:
    """How many are not shown, and what they stand for."""
    found = re.findall(_REST.format(noun=noun), text, re.MULTILINE)
    return sum(_number(one) for one, _ in found), sum(_number(one or "0") for _, one in found)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
