"""Times and counts as a person reads them at night: short, in their zone, with its name."""

from datetime import datetime, tzinfo

from watcher.model.times import Millis, to_datetime


def moment(at: Millis, present: Millis, zone: tzinfo) -> str:
    """`22:04:11 CET`, with its date where that is not the present's: `23 Nov 22:04:11 CET`."""
    local = to_datetime(at).astimezone(zone)
    return f"{_day(local, present, zone)}{local:%H:%M:%S %Z}".rstrip()


def span(start: Millis, end: Millis, present: Millis, zone: tzinfo) -> str:
    """`14:02–16:05 CET`; date and zone are said once where both ends share them."""
    first, last = (to_datetime(at).astimezone(zone) for at in (start, end))
    first_day, last_day = (_day(at, present, zone) for at in (first, last))
    first_zone = f" {first:%Z}" if first.tzname() != last.tzname() else ""
    last_day = "" if first.date() == last.date() else last_day or f"{last.day} {last:%b} "
    return f"{first_day}{first:%H:%M}{first_zone}–{last_day}{last:%H:%M %Z}"


def _day(local: datetime, present: Millis, zone: tzinfo) -> str:
    today = to_datetime(present).astimezone(zone).date()
    if local.date() == today:
        return ""
    return f"{local.day} {local:%b} " if local.year == today.year else f"{local.day} {local:%b %Y} "


def counted(count: int, word: str) -> str:
    """`1 miner`, `300 miners`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
