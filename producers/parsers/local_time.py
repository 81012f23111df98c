"""Times that leave something out: the zone, the year. What is missing comes from a setting and from the file's own times, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from logverse.errors import WrongSettings
from logverse.instant import Millis

DAY_MS = 86_400_000
_LAST = 253_402_300_799_999  # the end of the year 9999
_BACK_MS = 120_000  # within the hour that comes twice: lines older than the one before by more may be of the second time
_AHEAD_MS = 120_000  # of now: how far clocks differ
_LEAP = 8  # years between two 29ths of February, at most
# What RFC 2822 and common usage agree on, in hours; other abbreviations mean several zones and want the setting.
_ABBREVIATIONS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
                  "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9}  # fmt: skip


class Local(NamedTuple):
    """A time as it was written: `year` None when the line has none, `zone` an abbreviation (CET) or empty."""

    year: int | None
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int = 0
    zone: str = ""


class Calendar:
    """Makes instants of what sources of one zone write. `year` is that of a text's first line, when the user knows it."""

    def __init__(self, zone: tzinfo = UTC, year: int | None = None) -> None:
        self._zone, self._year = zone, year
        self.assumed = False  # whether a time came that named no zone, and was taken to be of ours

    def instant(self, local: Local, last: Millis | None, written: Millis, now: Millis) -> Millis | None:
        """Milliseconds UTC; None when there is no such time.

        `last`: the newest good time before it in its text (event time). Without one, `written`: when the text was last written to,
        or first seen, whichever is earlier (processing time): its first line is not younger. `now`: a year is never guessed so that
        the line comes from the future. The year is the one nearest to `last`, so it moves on at New Year, and an odd line in
        between moves it for itself alone.

        >>> Calendar().instant(Local(None, 1, 1, 0, 0, 5), 1_798_761_599_000, 0, 1_798_761_700_000) # after 2026-12-31T23:59:59Z
        1798761605000
        """
        self.assumed = self.assumed or not local.zone
        if local.year is not None:
            return self._at(local, local.year, last, now)
        if last is None:
            return self._first(local, min(written, now) + DAY_MS, now)
        year = _year(last)
        found = (self._at(local, number, last, now) for number in (year - 1, year, year + 1))
        near = [at for at in found if at is not None and at <= now + DAY_MS]
        return min(near, key=lambda at: abs(at - last), default=None)

    def _first(self, local: Local, latest: Millis, now: Millis) -> Millis | None:
        if self._year is not None:
            return self._at(local, self._year, None, now)
        year = _year(latest)
        found = (self._at(local, number, None, now) for number in range(year, year - _LEAP - 1, -1))
        return next((at for at in found if at is not None and at <= latest), None)

    def _at(self, local: Local, year: int, last: Millis | None, now: Millis) -> Millis | None:
        """The instant in this year. In the hour that a change of the clocks brings twice, the one nearer to `last` that has come."""
        _, month, day, hour, minute, second, millisecond, zone = local
        found = _offsets(self._zone, year, month, day, hour, minute, zone)
        if found is None or not 0 <= second <= 60:
            return None
        naive, offsets = found
        first, *again = (naive - offset + min(second, 59) * 1000 + millisecond for offset in offsets)
        at = again[0] if again and last is not None and _is_second(first, again[0], last, now) else first
        return at if 0 <= at <= _LAST else None


IN_UTC = Calendar()


def _is_second(first: Millis, second: Millis, last: Millis, now: Millis) -> bool:
    return first < last - _BACK_MS and second - last < last - first and second <= now + _AHEAD_MS


@lru_cache(maxsize=4096)
def _offsets(zone: tzinfo, year: int, month: int, day: int, hour: int, minute: int, name: str) -> tuple[int, tuple[int, ...]] | None:
    """The minute as if it were UTC, and how far it may be ahead of UTC there, the earlier instant first; milliseconds."""
    if name == "UTC":
        zone = UTC
    try:
        first = datetime(year, month, day, hour, minute, tzinfo=zone)
        instants = {(at.tzname(), at.utcoffset() or timedelta()) for at in (first, first.replace(fold=1))}
    except (ValueError, OverflowError):
        return None
    naive = int(first.replace(tzinfo=UTC).timestamp()) * 1000
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != first.replace(tzinfo=None):
        instants = {(first.tzname(), first.utcoffset() or timedelta())}  # the hour that is left out: as if the clock had not been changed
    offsets = tuple(_named(name, instants))
    return (naive, offsets) if offsets else None


def _named(name: str, instants: Iterable[tuple[str | None, timedelta]]) -> list[int]:
    found = [offset for zone, offset in instants if not name or zone == name]
    if not found and name in _ABBREVIATIONS:
        found = [timedelta(hours=_ABBREVIATIONS[name])]
    return sorted((offset // timedelta(milliseconds=1) for offset in found), reverse=True)


def _year(at: Millis) -> int:
    return datetime.fromtimestamp(at / 1000, UTC).year


def zone_named(name: str, where: str = "--timezone") -> tzinfo:
    """The zone of this name (`Europe/Berlin`, `UTC`, `+02:00`). WrongSettings, with those that sound alike, when there is none."""
    if len(name) == 6 and name[0] in "+-" and name[3] == ":" and (name[1:3] + name[4:]).isdigit() and name[1:] < "24:00" and name[4] < "6":
        minutes = int(name[1:3]) * 60 + int(name[4:])
        return timezone(timedelta(minutes=minutes if name[0] == "+" else -minutes))
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        alike = sorted(zone for zone in available_timezones() if name and zone.rpartition("/")[2].lower() == name.lower())
        raise WrongSettings(
            f"no time zone {name!r}", where=where, remedy=f"{alike[0]}?" if alike else "like Europe/Berlin, America/New_York, +02:00 or UTC"
        ) from None
