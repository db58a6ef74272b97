"""The hours of mute times, on common days and on those when the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.alerts.mute_times import WEEK, Hours, Muted, Mutes, MuteTime, parse_span, parse_weekdays
from watcher.model.times import DAY, HOUR, MINUTE, Millis, from_datetime, iso

CHICAGO, SYDNEY, KATHMANDU = (ZoneInfo(name) for name in ("America/Chicago", "Australia/Sydney", "Asia/Kathmandu"))


def at(text: str, zone: ZoneInfo | None = None) -> Millis:
    found = datetime.fromisoformat(text)
    return from_datetime(found if zone is None else found.replace(tzinfo=zone))


def mute(span: str, zone: ZoneInfo, *days: str) -> MuteTime:
    return MuteTime("night", (Hours(parse_weekdays(days), (parse_span(span),), zone),))


# zone, hours, days, the moments (in UTC) at which it becomes mute and no longer is
STRETCHES = [
    # the night in which the clocks go forward is an hour shorter, that in which they go back an hour longer
    (CHICAGO, "22:00-06:00", (), "2026-03-08T04:00Z", "2026-03-08T11:00Z"),
    (CHICAGO, "22:00-06:00", (), "2026-03-09T03:00Z", "2026-03-09T11:00Z"),
    (CHICAGO, "22:00-06:00", (), "2026-11-01T03:00Z", "2026-11-01T12:00Z"),
    (SYDNEY, "22:00-06:00", (), "2026-10-03T12:00Z", "2026-10-03T19:00Z"),
    (SYDNEY, "22:00-06:00", (), "2026-04-04T11:00Z", "2026-04-04T20:00Z"),
    (KATHMANDU, "22:00-06:00", (), "2026-03-08T16:15Z", "2026-03-09T00:15Z"),
    # a quarter past two does not exist: it begins, or ends, where the clocks go forward
    (CHICAGO, "02:15-05:00", (), "2026-03-08T08:00Z", "2026-03-08T10:00Z"),
    (CHICAGO, "01:00-02:15", (), "2026-03-08T07:00Z", "2026-03-08T08:00Z"),
    # half past one comes twice: it begins at the first and ends at the last
    (CHICAGO, "01:30-02:30", (), "2026-11-01T06:30Z", "2026-11-01T08:30Z"),
    (CHICAGO, "00:30-01:30", (), "2026-11-01T05:30Z", "2026-11-01T07:30Z"),
    # days that follow each other are one stretch, and hours belong to the day on which they begin
    (CHICAGO, "00:00-24:00", ("sat", "sun"), "2026-10-31T05:00Z", "2026-11-02T06:00Z"),
    (CHICAGO, "22:00-06:00", ("fri",), "2026-03-07T04:00Z", "2026-03-07T12:00Z"),
    (CHICAGO, "00:00-24:00", ("fri-mon",), "2026-03-06T06:00Z", "2026-03-10T05:00Z"),
]


@pytest.mark.parametrize(("zone", "span", "days", "first", "last"), STRETCHES)
def test_the_hours_are_those_of_the_wall_clock(
    zone: ZoneInfo, span: str, days: tuple[str, ...], first: str, last: str
) -> None:
    begin, end = at(first.replace("Z", "+00:00")), at(last.replace("Z", "+00:00"))
    times = mute(span, zone, *days)
    assert times.muted_until(begin - 1) is None
    for moment in (begin, (begin + end) // 2, end - 1):
        found = times.muted_until(moment)
        assert found is not None
        assert iso(found) == iso(end)
    assert times.muted_until(end) is None


@given(
    moment=st.integers(
        from_datetime(datetime(2025, 1, 1, tzinfo=UTC)), from_datetime(datetime(2027, 1, 1, tzinfo=UTC))
    ),
    span=st.sampled_from(["22:00-06:00", "00:00-24:00", "13:00-13:30", "01:15-02:45"]),
    days=st.sampled_from([(), ("sat", "sun"), ("mon-fri",), ("wed",)]),
    zone=st.sampled_from([CHICAGO, SYDNEY, KATHMANDU, ZoneInfo("Africa/Cairo"), ZoneInfo("America/St_Johns")]),
)
def test_an_answer_does_not_hang_on_what_was_asked_before(
    moment: Millis, span: str, days: tuple[str, ...], zone: ZoneInfo
) -> None:
    asked = mute(span, zone, *days)
    asked.muted_until(moment - 2 * DAY)
    asked.muted_until(moment + HOUR)
    until = asked.muted_until(moment)
    alone = mute(span, zone, *days).muted_until(moment)
    assert (until is None) == (alone is None)
    if until is not None and until < moment + 6 * DAY:
        assert until == alone
        assert asked.muted_until(until - 1) == until
        assert asked.muted_until(until) is None


def test_a_route_is_mute_by_any_of_its_times_until_the_last_of_them_ends() -> None:
    evening = MuteTime("evening", (Hours(WEEK, (parse_span("20:00-22:00"),), CHICAGO),))
    mutes = Mutes((evening, mute("22:00-06:00", CHICAGO)))
    begin = at("2026-06-01T20:30", CHICAGO)
    assert mutes.at(begin) == Muted(("evening",), at("2026-06-02T06:00", CHICAGO))
    assert mutes.at(begin - HOUR) is None
    assert mutes.held(begin - HOUR, begin)
    assert not mutes.held(begin - 2 * HOUR, begin - HOUR)


def test_a_route_that_is_always_mute_is_asked_again_after_a_week() -> None:
    now = at("2026-06-03T12:00", CHICAGO)
    found = Mutes((mute("00:00-24:00", CHICAGO),)).at(now)
    assert found is not None
    assert found.until - now > 6 * DAY


def test_asking_for_every_group_costs_no_calendar() -> None:
    times = mute("22:00-06:00", CHICAGO)
    first = at("2026-06-03T12:00", CHICAGO)
    assert all(times.muted_until(first + step * MINUTE) is None for step in range(500))


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        (["sat", "sun"], {5, 6}),
        (["mon-fri"], {0, 1, 2, 3, 4}),
        (["Sunday"], {6}),
        (["fri-mon"], {4, 5, 6, 0}),
        ([], set(range(7))),
    ],
)
def test_weekdays(days: list[str], numbers: set[int]) -> None:
    assert parse_weekdays(days) == numbers


@pytest.mark.parametrize("text", ["", "sut", "mon-", "mond", "1"])
def test_no_weekday(text: str) -> None:
    with pytest.raises(ValueError, match="is no day of the week"):
        parse_weekdays([text])


@pytest.mark.parametrize(
    "text", ["", "22", "22:00", "22:00-", "25:00-26:00", "22:60-23:00", "24:00-06:00", "1:00-2:00"]
)
def test_no_span(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no span of time"):
        parse_span(text)


def test_a_span_is_longer_than_nothing() -> None:
    with pytest.raises(ValueError, match="begins when it ends"):
        parse_span("06:00-06:00")
    assert timedelta(minutes=parse_span("06:00-24:00")[1]) == timedelta(days=1)
