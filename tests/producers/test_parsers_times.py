"""Times that leave out the year or the zone: from the file's own times and a setting, never invented."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logverse.errors import WrongSettings
from logverse.instant import read, written
from producers.parsers import stamps
from producers.parsers.local_time import DAY_MS, Calendar, Local, zone_named

NOW = read("2026-11-21T12:00:00.000Z")
BERLIN = Calendar(zone_named("Europe/Berlin"))


def at(
    text: str, calendar: Calendar = BERLIN, last: str = "", begun: str = "2026-11-21T12:00:00.000Z", now: str = "2026-11-21T12:00:00.000Z"
) -> str | None:
    """The instant of a time as a log writes it, behind one at `last`, in a file that was written to at `begun`, read at `now`."""
    local = stamps.read(text)
    assert isinstance(local, Local)
    found = calendar.instant(local, read(last) if last else None, read(begun), read(now))
    return None if found is None else written(found)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T13:00:00.250+01:00", "2026-11-21T12:00:00.250Z"), ("21/Nov/2026:12:00:00 +0000", "2026-11-21T12:00:00.000Z"),
        ("2026-11-21 07:00:00-05", "2026-11-21T12:00:00.000Z"), ("2026-11-21 12:00:00,999 UTC", "2026-11-21T12:00:00.999Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"), ("1795262400", "2026-11-21T12:00:00.000Z"),
    ],
)  # fmt: skip
def test_whole_times_need_nothing(text: str, instant: str) -> None:
    """A time that names year and zone is an instant, a leap second the one before it."""
    found = stamps.read(text)

    assert isinstance(found, int)
    assert written(found) == instant


@pytest.mark.parametrize(
    "text", ["2026-02-30 12:00:00", "Feb 30 12:00:00", "Nov 21 25:00:00", "0000-01-01 00:00:00", "1969-12-31 12:00:00", "Nov 31 10:00:00"]
)
def test_times_that_are_none(text: str) -> None:
    """What is in no calendar is no time, and is not moved to a day that is."""
    assert at(text) is None


def test_the_hour_that_comes_twice() -> None:
    """When clocks go back the order of the lines tells the second hour from the first; an abbreviation tells it by itself."""
    assert at("Oct 25 02:30:00") == "2026-10-25T00:30:00.000Z"
    assert at("Oct 25 02:30:00", last="2026-10-25T00:29:59.000Z") == "2026-10-25T00:30:00.000Z"
    assert at("Oct 25 02:00:00", last="2026-10-25T00:59:59.000Z") == "2026-10-25T01:00:00.000Z"
    assert at("Oct 25 02:59:59", last="2026-10-25T01:58:00.000Z") == "2026-10-25T01:59:59.000Z"
    assert at("2026-10-25 02:30:00 CEST") == "2026-10-25T00:30:00.000Z"
    assert at("2026-10-25 02:30:00 CET") == "2026-10-25T01:30:00.000Z"


def test_disorder_within_the_hour_that_comes_twice() -> None:
    """A line that is a few minutes late in the first hour is not of the second one, and none is of a time that has not come yet."""
    assert at("2026-10-25 02:37:00", last="2026-10-25T00:40:00.000Z") == "2026-10-25T00:37:00.000Z"
    assert at("Oct 25 02:37:00", last="2026-10-25T01:40:00.000Z") == "2026-10-25T01:37:00.000Z"
    late = "2026-10-25T00:45:00.000Z"
    assert at("2026-10-25 02:10:00", last=late, now=late) == "2026-10-25T00:10:00.000Z"


def test_the_hour_that_is_left_out() -> None:
    """When clocks go forward a clock that was not told goes on."""
    assert at("Mar 29 02:30:00") == "2026-03-29T01:30:00.000Z"
    assert at("Mar 29 03:30:00") == "2026-03-29T01:30:00.000Z"


def test_abbreviation_that_nobody_knows() -> None:
    """A zone that is neither the source's nor known all over the world gives no time rather than a wrong one."""
    assert at("2026-11-21 12:00:00 XST") is None
    assert at("2026-11-21 12:00:00 EST") == "2026-11-21T17:00:00.000Z"


def test_two_digit_years_are_of_posix() -> None:
    """69 to 99 are of the last century."""
    assert (at("081109 203615", Calendar()), at("690101 000000", Calendar())) == ("2008-11-09T20:36:15.000Z", None)
    assert at("991231 235959", Calendar()) == "1999-12-31T23:59:59.000Z"


def test_new_year() -> None:
    """December is of the old year and January of the new one, also when lines of both are mixed."""
    utc = Calendar()

    assert at("Jan  1 00:00:00", utc, last="2025-12-31T23:59:59.000Z") == "2026-01-01T00:00:00.000Z"
    assert at("Dec 31 23:59:58", utc, last="2026-01-01T00:00:01.000Z") == "2025-12-31T23:59:58.000Z"
    assert at("Dec 31 23:59:58", utc, begun="2026-01-01T00:00:00.000Z") == "2025-12-31T23:59:58.000Z"


def test_first_line_is_not_younger_than_its_file() -> None:
    """An old file's first line is of the last year in which it is not from the future, a 29th of February of a leap year."""
    assert at("Nov 21 12:00:00", Calendar(), begun="2019-12-01T00:00:00.000Z") == "2019-11-21T12:00:00.000Z"
    assert at("Feb 29 12:00:00", Calendar()) == "2024-02-29T12:00:00.000Z"
    assert at("Dec 10 06:55:46", Calendar(year=2015)) == "2015-12-10T06:55:46.000Z"


def test_odd_line_moves_only_itself() -> None:
    """A line of another season does not take the lines after it into another year; none comes from the future."""
    odd = at("Dec 31 00:00:00", Calendar(), last="2026-03-27T13:00:00.000Z")
    assert odd == "2025-12-31T00:00:00.000Z"
    assert at("Mar 27 13:00:01", Calendar(), last=odd) == "2026-03-27T13:00:01.000Z"
    assert at("Jan  1 00:00:05", Calendar(), last="2026-11-20T00:00:00.000Z") == "2026-01-01T00:00:05.000Z"


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2025, 1, 1)),
    steps=st.lists(st.integers(0, 80), max_size=40),
)
def test_yearless_times_in_order_come_back(zone: str, start: datetime, steps: list[int]) -> None:
    """What a clock of any zone writes at noon, at most 80 days apart, is read as it was, over many years."""
    calendar, here = Calendar(zone_named(zone), start.year), ZoneInfo(zone)
    instants, days = [], 0
    for step in [0, *steps]:
        days += step
        instants.append(start.replace(tzinfo=here, hour=12) + timedelta(days=days))

    last = None
    for instant in instants:
        if instant.timestamp() * 1000 > NOW:
            break
        local = Local(None, instant.month, instant.day, instant.hour, instant.minute, instant.second)
        last = calendar.instant(local, last, NOW, NOW)
        assert last == int(instant.astimezone(UTC).replace(microsecond=0).timestamp()) * 1000


@settings(deadline=None)
@given(
    local=st.builds(
        Local, st.none() | st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61),
        st.integers(0, 61), st.integers(0, 999), st.just(""),
    ),
    last=st.none() | st.integers(0, NOW), zone=st.sampled_from(ZONES),
)  # fmt: skip
def test_what_is_made_was_written(local: Local, last: int | None, zone: str) -> None:
    """Whatever is read, the instant shows month, day and minute as they were written, and a guessed year is not ahead of now."""
    found = Calendar(zone_named(zone)).instant(local, last, NOW, NOW)
    if found is None:
        return

    back = datetime.fromtimestamp(found / 1000, ZoneInfo(zone))
    said = datetime(back.year, local.month, local.day, local.hour, local.minute)
    left_out = abs((back.replace(tzinfo=None) - said).total_seconds()) >= 60
    assert not left_out or back.dst()  # the hour that is left out in spring
    assert local.year in (None, back.year) or left_out
    assert local.year is not None or found <= NOW + DAY_MS


@pytest.mark.parametrize(
    ("name", "remedy"), [("berlin", "Europe/Berlin?"), ("Mars/Olympus", "like Europe/Berlin"), ("../../etc/passwd", "like"), ("", "like")]
)
def test_zone_that_is_none(name: str, remedy: str) -> None:
    """A zone that is not known is refused, with the one that was meant."""
    with pytest.raises(WrongSettings) as refused:
        zone_named(name)

    assert remedy in refused.value.remedy


def test_year_of_a_file_is_that_of_its_own_age(workshop: Any) -> None:
    """A syslog of last winter, found today: its first lines are of the year of its last change, the later ones of the next."""
    workshop.write("Dec 31 23:59:59 web-1 cron[1]: a\nJan  1 00:00:01 web-1 cron[1]: b\n", "messages")
    aged = datetime(2024, 1, 2, tzinfo=UTC).timestamp()
    os.utime(workshop.folder / "messages", (aged, aged))

    events = workshop.read_to_end("messages", log_type="syslog")

    assert [event["timestamp"] for event in events] == ["2023-12-31T23:59:59.000Z", "2024-01-01T00:00:01.000Z"]


def test_year_does_not_depend_on_when_a_line_is_read(workshop: Any) -> None:
    """The same lines, read again after a crash years later, have the same times."""
    workshop.publisher.hold = True
    workshop.start("messages", log_type="syslog")
    workshop.write("Nov 20 23:59:59 web-1 a: b\nNov 21 00:00:01 web-1 a: c\n", "messages")
    os.utime(workshop.folder / "messages", (workshop.noon / 1000, workshop.noon / 1000))
    workshop.follow()
    workshop.now += 3 * 365 * DAY_MS
    workshop.start("messages", log_type="syslog")
    workshop.follow()

    events = workshop.events()
    assert len(events) == 4
    assert events[0]["timestamp"] == events[2]["timestamp"] == "2026-11-20T23:59:59.000Z"
    assert [event["log.record.uid"] for event in events[:2]] == [event["log.record.uid"] for event in events[2:]]
