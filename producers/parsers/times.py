"""Times as logs write them, to milliseconds UTC; None for what is no time, so that the caller takes the line's neighbours' time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from logverse.instant import Millis

_MONTHS = dict(zip(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], range(1, 13), strict=True))
_CLF = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(\.\d{1,9})? ([+-])(\d\d)(\d\d)", re.ASCII)
_SHORTEST = len("20261121T1200")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = 253_402_300_799_999  # the end of the year 9999: what RFC 3339 can write
_EARLIEST_S, _LATEST_S = 3 * 10**8, 10**10
_UNITS = (1, 10**3, 10**6, 10**9)  # in a second


def usable(at: Millis) -> Millis | None:
    """The instant if it lies in the years 1970 to 9999, which every part downstream can write."""
    return at if 0 <= at <= _LAST else None


def common_log(text: str) -> Millis | None:
    """The time of a common log line, with its zone.

    >>> common_log("17/May/2015:10:05:03 +0200")
    1431849903000
    """
    match = _CLF.fullmatch(text)
    if not match:
        return rfc3339(text)  # nginx with $time_iso8601 in the brackets
    day, month, year, hour, minute, second, fraction, sign, zone_hours, zone_minutes = match.groups()
    try:
        local = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    except (ValueError, KeyError):
        return None
    offset = (int(zone_hours) * 60 + int(zone_minutes)) * 60_000
    millis = (local - _EPOCH) // _MILLISECOND + int((fraction or ".0")[1:].ljust(3, "0")[:3])
    return usable(millis - offset if sign == "+" else millis + offset)


def of_utc(year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int = 0) -> Millis | None:
    """The instant of this time in UTC; None when there is no such time. A leap second is the one before it."""
    try:
        return (datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - _EPOCH) // _MILLISECOND + millisecond
    except ValueError:
        return None


def rfc3339(text: str) -> Millis | None:
    """A time of RFC 3339 with any offset, UTC when it names none.

    >>> rfc3339("2026-11-21T10:00:00.250+01:00") == rfc3339("2026-11-21 09:00:00.250")
    True
    """
    if len(text) < _SHORTEST:
        return None  # a day or a week alone: what stands beside it says the time of day
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return of_aware(at if at.tzinfo else at.replace(tzinfo=UTC))


def of_aware(at: datetime) -> Millis | None:
    """The instant of a time with its zone."""
    return usable((at - _EPOCH) // _MILLISECOND)


def of_number(value: float) -> Millis | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970; the size of the number tells which.

    None for what is not within the years 1979 to 2286: a count, a duration, or a date without anything between its digits.

    >>> of_number(1431857103) == of_number(1431857103000) == of_number(1431857103000000000)
    True
    >>> of_number(20261121), of_number(202611211000), of_number(20261121100000)
    (None, None, None)
    """
    for unit in _UNITS:
        if _EARLIEST_S * unit <= value < _LATEST_S * unit:
            return round(value * 1000) if unit == 1 else int(value // (unit // 1000))
    return None
