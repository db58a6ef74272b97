"""`mute_times`: the hours of the week in which a route says nothing. Pure, and right on days when the clocks change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from watcher.model.times import DAY, MINUTE, SECOND, Millis, from_datetime, to_datetime
from watcher.rules.wording import quoted, suggestion

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = {name[:3]: number for number, name in enumerate(_NAMES)}
WEEK = frozenset(range(7))
_WHOLE_DAY = (0, 24 * 60)
_BEHIND, _AHEAD = 9, 9
"""Days around a moment that are worked out: more than a week."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Some hours of some days.

    Args:
        weekdays: on which the hours begin; Monday is 0.
        spans: minutes of the day, from and to; where `to` is not after `from`, it is of the next day.
    """

    weekdays: frozenset[int]
    spans: tuple[tuple[int, int], ...]
    zone: tzinfo

    def around(self, at: Millis) -> Iterator[tuple[Millis, Millis]]:
        """The stretches of the days before and after a moment."""
        today = to_datetime(at).astimezone(self.zone).date()
        for number in range(-_BEHIND, _AHEAD + 1):
            day = today + timedelta(days=number)
            if day.weekday() in self.weekdays:
                for first, last in self.spans or (_WHOLE_DAY,):
                    end = day if last > first else day + timedelta(days=1)
                    yield _instant(day, first, self.zone, last=False), _instant(end, last, self.zone, last=True)


@dataclass(slots=True)
class MuteTime:
    """A named set of hours."""

    name: str
    hours: tuple[Hours, ...]
    _known: tuple[Millis, Millis, Millis | None] = (1, 0, None)
    """From and to when the last answer holds, and the answer: it is asked for every group at every moment."""

    def muted_until(self, at: Millis) -> Millis | None:
        """When the stretch that holds a moment ends; None where none does."""
        first, last, answer = self._known
        if not first <= at < last:
            first, last, answer = self._known = self._found(at)
        return answer

    def held(self, since: Millis, until: Millis) -> bool:
        """Whether any stretch holds a moment between these."""
        stretches = (stretch for hours in self.hours for stretch in hours.around(until))
        return any(first < until and last > since for first, last in stretches)

    def _found(self, at: Millis) -> tuple[Millis, Millis, Millis | None]:
        known_to = at + (_AHEAD - 1) * DAY
        before = at
        for first, last in _merged(stretch for hours in self.hours for stretch in hours.around(at)):
            if at < first:
                return before, min(first, known_to), None
            if at < last:
                return first, last, last
            before = last
        return before, known_to, None


@dataclass(frozen=True, slots=True)
class Muted:
    """A route is muted: by what, and until when."""

    names: tuple[str, ...]
    until: Millis


@dataclass(frozen=True, slots=True)
class Mutes:
    """The mute times of a route; any of them mutes it."""

    times: tuple[MuteTime, ...] = ()

    def at(self, moment: Millis) -> Muted | None:
        names = tuple(one.name for one in self.times if one.muted_until(moment) is not None)
        if not names:
            return None
        until = moment
        # One may end where another begins; what never ends is asked for again after a week.
        while until < moment + (_AHEAD - 2) * DAY:
            ends = [end for one in self.times if (end := one.muted_until(until)) is not None]
            if not ends:
                break
            until = max(ends)
        return Muted(names, until)

    def held(self, since: Millis, until: Millis) -> bool:
        """Whether the route was mute at any moment between these, as far as the last week goes."""
        return since < until and any(one.held(since, until) for one in self.times)


NEVER = Mutes()


def parse_weekdays(texts: Sequence[str]) -> frozenset[int]:
    """The days that `sat`, `sunday` or `mon-fri` name; all of them where nothing is named.

    Raises:
        ValueError: with a sentence for the operator.
    """
    found: set[int] = set()
    for text in texts:
        first, dash, last = text.partition("-")
        begin = _day(first)
        end = _day(last) if dash else begin
        found |= {number % 7 for number in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(found) or WEEK


def _day(text: str) -> int:
    said = text.strip().lower()
    number = _SHORT.get(said[:3])
    if number is None or said not in (_NAMES[number], _NAMES[number][:3]):
        near = suggestion(said, [*_SHORT, *_NAMES]) or ": write mon, tue, wed, thu, fri, sat, sun or mon-fri"
        raise ValueError(f"{quoted(text)} is no day of the week{near}")
    return number


def parse_span(text: str) -> tuple[int, int]:
    """The minutes of `22:00-06:00`: where it ends not later than it begins, on the next day.

    Raises:
        ValueError: with a sentence for the operator.
    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    begin, end = (_minute(part) if dash else None for part in (first, last))
    if begin is None or end is None or begin == _WHOLE_DAY[1] or end == 0:
        raise ValueError(f'{quoted(text)} is no span of time: write it like "22:00-06:00" or "00:00-24:00"')
    if begin == end:
        raise ValueError(f'{quoted(text)} begins when it ends: the whole day is "00:00-24:00"')
    return begin, end


def _minute(text: str) -> int | None:
    hour, colon, minute = text.partition(":")
    whole = colon and all(len(part) == 2 and part.isascii() and part.isdigit() for part in (hour, minute))
    found = int(hour) * 60 + int(minute) if whole else _WHOLE_DAY[1] + 1
    return found if found <= _WHOLE_DAY[1] and int(minute) < 60 else None


def _instant(day: date, minute: int, zone: tzinfo, *, last: bool) -> Millis:
    """When a day's minute is. An hour that comes twice begins at the first and ends at the last of them; an hour
    that is left out begins and ends where the clocks go forward."""
    wall = datetime.combine(day + timedelta(days=minute // _WHOLE_DAY[1]), time(), zone)
    wall = wall.replace(hour=minute % _WHOLE_DAY[1] // 60, minute=minute % 60)
    early, late = sorted(from_datetime(wall.replace(fold=fold)) for fold in (0, 1))
    if to_datetime(early).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None, fold=0):
        return late if last else early
    while late - early > SECOND:
        middle = (early + late) // 2
        changed = to_datetime(middle).astimezone(zone).utcoffset() == to_datetime(late).astimezone(zone).utcoffset()
        early, late = (early, middle) if changed else (middle, late)
    return late // MINUTE * MINUTE if late % MINUTE < SECOND else late


def _merged(stretches: Iterable[tuple[Millis, Millis]]) -> list[tuple[Millis, Millis]]:
    found: list[tuple[Millis, Millis]] = []
    for first, last in sorted(stretches):
        if first >= last:
            continue
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found
