"""When a rule is judged: days of the week and hours of the day on the clocks of an IANA time zone.

Written as `schedule: {days: mon-fri, hours: ["08:00-12:00", "13:00-18:00"], time_zone: Europe/Berlin}`; each of the three may be left
out (every day, all day, UTC), one text does for a list. Hours that end before they begin go on after midnight and belong to the day
they begin on. The clocks on the wall decide: an hour that daylight saving time skips never comes, one that it repeats comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import orjson

from flink_jobs.rules.options import Problem
from logverse.errors import Malformed
from logverse.instant import Millis

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = ("days", "hours", "time_zone")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY = 24 * 60
_GRID = 15 * 60_000  # offsets of time zones are whole multiples of it


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule, read. `days` are numbers from Monday (0); `hours` are spans of minutes of the day, the end not included."""

    days: frozenset[int]
    hours: tuple[tuple[int, int], ...]
    zone: tzinfo

    def on(self, at: Millis) -> bool:
        """Whether this instant lies within it."""
        local = datetime.fromtimestamp(at // 1000, self.zone)
        day, minute = local.weekday(), 60 * local.hour + local.minute
        return any(self._within(day, minute, *span) for span in self.hours)

    def turns(self, after: Millis) -> Millis | None:
        """The first instant after this one at which it is otherwise than then; None when it is not within eight days."""
        now, first = self.on(after), after - after % _GRID
        marks = sorted({60_000 * (minute % 15) for span in self.hours for minute in span})
        candidates = (first + step * _GRID + mark for step in range(8 * 96 + 1) for mark in marks)
        return next((at for at in candidates if at > after and self.on(at) != now), None)

    def _within(self, day: int, minute: int, start: int, end: int) -> bool:
        if start < end:
            return day in self.days and start <= minute < end
        return (day in self.days and minute >= start) or ((day - 1) % 7 in self.days and minute < end)


def on(schedule: Mapping[str, Any], at: Millis) -> bool:
    """Whether a rule with this schedule (as `Rule.schedule` carries it; empty: always) is judged at this instant.

    Malformed when it is none.

    >>> on({"days": "sat-sun"}, 1_790_000_000_000)  # a Monday, 13:33 UTC
    False
    """
    return not schedule or read(schedule).on(at)


def read(written: Mapping[str, Any]) -> Schedule:
    """The schedule as a rule file writes it; Malformed when it is none."""
    return _read(orjson.dumps(written, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=1024)
def _read(written: bytes) -> Schedule:
    schedule = orjson.loads(written)
    for problem in problems(schedule):
        raise Malformed(f"schedule: {problem.problem}")
    days = frozenset(day for text in _listed(schedule.get("days", list(DAYS))) for day in _days(text))
    hours = tuple(span for text in _listed(schedule.get("hours", "00:00-24:00")) if (span := _hours(text)) is not None)
    return Schedule(days, hours, _zone(schedule.get("time_zone", "UTC")))


def problems(written: Any) -> Iterator[Problem]:
    """Everything that is wrong with it, with the key below `schedule` that it is about."""
    if not isinstance(written, Mapping) or not written:
        yield Problem("schedule", "is not a mapping of days, hours and time_zone", "schedule: {days: mon-fri, hours: 08:00-18:00}")
        return
    for key in written:
        if key not in KEYS:
            close = get_close_matches(str(key), KEYS, 1)
            yield _about(str(key), f"{key}: is unknown", f"did you mean {close[0]}?" if close else f"one of {', '.join(KEYS)}")
    for key, reads, remedy in (("days", _days, "days: [mon-fri, sun]"), ("hours", _hours, 'hours: ["08:00-18:00", "22:00-06:00"]')):
        texts = _listed(written.get(key, "mon" if key == "days" else "00:00-24:00"))
        if not texts:
            yield _about(key, f"{key}: is empty: the rule would never be judged", remedy)
        for text in texts:
            if not reads(text):
                yield _about(key, f"{key}: {text!r:.40} is none", remedy)
    yield from _zone_problems(written.get("time_zone", "UTC"))


def _zone_problems(name: Any) -> Iterator[Problem]:
    try:
        _zone(name)
    except (KeyError, ValueError, OSError, TypeError):  # ZoneInfo's answers to a name that is none
        near = get_close_matches(str(name), sorted(available_timezones()), 1, 0.4)
        remedy = f"did you mean {near[0]}?" if near else "a name of the IANA time zone database, like Europe/Berlin"
        yield _about("time_zone", f"time_zone: {name!r:.60} is none", remedy)


def _about(key: str, problem: str, remedy: str) -> Problem:
    return Problem("schedule", problem, remedy, key)


def _listed(written: Any) -> list[Any]:
    return list(written) if isinstance(written, list | tuple) else [written]


def _days(text: Any) -> list[int]:
    """The days of `mon`, `mon-fri` or `sat-mon`; none when it is no day."""
    first, dash, last = text.lower().partition("-") if isinstance(text, str) else ("", "", "")
    if first not in DAYS or (dash and last not in DAYS):
        return []
    start, end = DAYS.index(first), DAYS.index(last or first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _hours(text: Any) -> tuple[int, int] | None:
    """The span of minutes of `08:00-18:00`; None when it is none, or as good as none."""
    match = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    start, end = 60 * int(match[1]) + int(match[2]), 60 * int(match[3]) + int(match[4])
    return (start, end) if start != end and end <= _DAY else None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
