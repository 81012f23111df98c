"""A rule with a schedule is judged when its people's clocks say so, also on the days when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.rules.schedule import DAYS, on, problems, read
from logverse.errors import Malformed

OFFICE = {"days": ["mon-fri"], "hours": ["08:00-12:00", "13:00-18:00"], "time_zone": "Europe/Berlin"}
NIGHT = {"days": "fri", "hours": "22:00-06:00", "time_zone": "Europe/Berlin"}


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1000


@pytest.mark.parametrize(
    ("schedule", "when", "judged"),
    [
        ({}, "2026-11-22T03:00", True),
        (OFFICE, "2026-11-20T08:00", True),  # a Friday
        (OFFICE, "2026-11-20T07:59:59", False),
        (OFFICE, "2026-11-20T12:00", False),
        (OFFICE, "2026-11-20T17:59:59", True),
        (OFFICE, "2026-11-21T10:00", False),  # Saturday
        (OFFICE, "2026-07-17T08:00", True),  # the same clock in summer
        (NIGHT, "2026-11-20T22:00", True),
        (NIGHT, "2026-11-21T05:59", True),  # what began on Friday
        (NIGHT, "2026-11-21T06:00", False),
        (NIGHT, "2026-11-20T05:00", False),  # what would have begun on Thursday
        ({"days": "sat-mon"}, "2026-11-23T12:00", True),
        ({"days": "sat-mon"}, "2026-11-24T12:00", False),
        ({"hours": "00:00-24:00"}, "2026-11-24T23:59", True),
    ],
)
def test_the_clock_on_the_wall_decides(schedule, when, judged):
    """Days, hours, midnight between them, and the season."""
    assert on(schedule, at(when)) is judged


def test_an_hour_that_is_skipped_never_comes_and_one_that_is_repeated_comes_twice():
    """2026-03-29 has no 02:30 in Berlin; 2026-10-25 has two."""
    two = {"hours": "02:00-03:00", "time_zone": "Europe/Berlin"}

    def minutes_of(day: str) -> int:
        start = at(day)
        return sum(on(two, start + minute * 60_000) for minute in range(26 * 60) if datetime.fromtimestamp(
            start / 1000 + minute * 60, ZoneInfo("Europe/Berlin")).date().isoformat() == day)  # fmt: skip

    assert (minutes_of("2026-03-28"), minutes_of("2026-03-29"), minutes_of("2026-10-25")) == (60, 0, 120)


def test_without_a_zone_it_is_utc():
    """And nothing else that a machine may be set to."""
    assert on({"hours": "12:00-13:00"}, at("2026-11-20T12:30", "UTC"))
    assert not on({"hours": "12:00-13:00"}, at("2026-11-20T12:30"))


@settings(deadline=None)
@given(
    days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=3), start=st.integers(0, 23), end=st.integers(0, 23),
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)), zone=st.sampled_from(["America/New_York", "Asia/Kathmandu", "UTC"]),
)  # fmt: skip
def test_it_agrees_with_counting_hours_by_hand(days, start, end, moment, zone):
    """Against a slow walk over the days' hours, in zones east and west."""
    if start == end:
        return
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    hours = list(range(start, end if end > start else end + 24))

    judged = on(
        {"days": days, "hours": f"{start:02}:00-{end:02}:00", "time_zone": zone}, int(moment.replace(tzinfo=UTC).timestamp()) * 1000
    )

    began = [(local.replace(tzinfo=None) - timedelta(hours=24 * back)) for back in (0, 1)]
    expected = any(DAYS[day.weekday()] in days and local.hour + 24 * back in hours for back, day in enumerate(began))
    assert judged is expected


@pytest.mark.parametrize(
    ("schedule", "key", "says"),
    [
        ({"days": "monday"}, "days", "days: [mon-fri, sun]"),
        ({"days": []}, "days", "never be judged"),
        ({"hours": "8-18"}, "hours", "08:00-18:00"),
        ({"hours": "08:00-08:00"}, "hours", "is none"),
        ({"hours": ["08:00-24:30"]}, "hours", "is none"),
        ({"time_zone": "Europe/Berlim"}, "time_zone", "did you mean Europe/Berlin?"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "is none"),
        ({"time_zone": 5}, "time_zone", "is none"),
        ({"timezone": "UTC"}, "timezone", "did you mean time_zone?"),
        ([], "", "not a mapping"),
    ],
)
def test_what_is_no_schedule_is_told_with_its_remedy(schedule, key, says):
    """At its key, with what to write."""
    found = list(problems(schedule))

    assert [one.key for one in found] == [key]
    assert says in f"{found[0].problem} {found[0].remedy}"


def test_a_broken_schedule_on_the_topic_is_malformed():
    """The job refuses the rule instead of judging it at the wrong time."""
    with pytest.raises(Malformed, match="days"):
        read({"days": "someday"})


def test_it_knows_when_it_turns():
    """Whoever waits for it need not ask each second: on at eight o'clock in Berlin, off at five past six, over a weekend too."""
    berlin = read({"days": "mon-fri", "hours": "08:00-18:05", "time_zone": "Europe/Berlin"})
    friday_noon = 1_790_337_600_000  # 2026-09-25 12:00 UTC

    off = berlin.turns(friday_noon)
    on_again = berlin.turns(off)

    assert (off, on_again) == (friday_noon + (4 * 60 + 5) * 60_000, friday_noon + (2 * 24 + 18) * 3_600_000)
    assert read({"days": "mon-sun"}).turns(friday_noon) is None
