"""Times in the forms that logs write them in, with what they say of zone and year and no more than that."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from logverse.instant import Millis
from producers.parsers import times
from producers.parsers.local_time import Local

_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:[.,:](?P<fraction>\d{1,9}))?"
_ZONE = r"(?: ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?|[A-Z]{2,5}))?"
_MONTH = r"(?P<month>[A-Za-z]{3})"
_WEEKDAY = r"(?:[A-Z][a-z]{2},? )?"

# What each form looks like, for people and for the regular expressions that hold one.
FORMS: dict[str, str] = {
    "2026-11-21T10:00:00.123+01:00": rf"(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]{_CLOCK}{_ZONE}",
    "21/Nov/2026:10:00:00 +0100": rf"(?P<day>\d{{1,2}})[/ -]{_MONTH}[/ -](?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}",
    "Sat Nov 21 10:00:00.123 2026": rf"{_WEEKDAY}{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<year>\d{{4}})",
    "Nov 21 10:00:00": rf"{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) (?:(?P<year>\d{{4}}) )?{_CLOCK}{_ZONE}",
    "261121 100000": r"(?P<short>\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d) (?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)",
    "1121 10:00:00.123456": rf"(?P<month>[01]\d)(?P<day>[0-3]\d) {_CLOCK}",
}
_FORMS = [re.compile(form, re.ASCII) for form in FORMS.values()]
_NUMBER = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
_SHORTEST, _LONGEST = len("20261121T1200"), 64


@lru_cache(maxsize=4096)
def read(text: str) -> Millis | Local | None:
    """The instant; what is known of it when the zone or the year is missing; None for what is no time.

    >>> read("2026-11-21T10:00:00.250+01:00"), read("Nov 21 10:00:00")
    (1795251600250, Local(year=None, month=11, day=21, hour=10, minute=0, second=0, millisecond=0, zone=''))
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _made(match.groupdict())
    return times.of_number(float(text)) if _NUMBER.fullmatch(text) else None


def of_member(text: str) -> Millis | Local | None:
    """The same for a member of JSON, where ISO 8601 is by far the most frequent, so it is tried first."""
    if len(text) < _SHORTEST:
        return None  # a day or a week alone: what stands beside it says the time of day
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return read(text)
    if at.tzinfo is None:
        return Local(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000)
    return times.of_aware(at)


def _made(parts: dict[str, str | None]) -> Millis | Local | None:
    month = parts["month"] or ""
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower())
    if number is None:
        return None
    zone = parts.get("zone") or ""
    at = Local(
        _year(parts), number, int(parts["day"] or 0), int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0),
        int((parts.get("fraction") or "0").ljust(3, "0")[:3]), zone,
    )  # fmt: skip
    if zone in ("Z", "UTC", "GMT", "UT"):
        return _instant(at, 0)
    return _instant(at, _minutes(zone)) if zone[:1] in ("+", "-") else at


def _year(parts: dict[str, str | None]) -> int | None:
    """Of two digits, 69 to 99 are of the last century: POSIX, strptime's %y."""
    if short := parts.get("short"):
        return int(short) + (1900 if int(short) >= 69 else 2000)
    return int(parts["year"]) if parts.get("year") else None  # type: ignore[arg-type]


def _minutes(zone: str) -> int:
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (1 if zone[0] == "+" else -1)


def _instant(at: Local, minutes_ahead: int) -> Millis | Local | None:
    if at.year is None:
        return at._replace(zone="UTC") if not minutes_ahead else None
    utc = times.of_utc(at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond)
    return None if utc is None else times.usable(utc - minutes_ahead * 60_000)
