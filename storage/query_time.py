"""Moments as people write them: a time, a date, a clock time, or how long ago. All in UTC, as every time that LogVerse shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from logverse import durations, instant
from logverse.errors import WrongSettings
from logverse.instant import Millis

EXAMPLES = "2h (ago), 14:01, today, yesterday, 2026-11-21, 2026-11-21T14:01:30Z or …+01:00; times are UTC"
_DAY = 86_400_000
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)


def moment(text: str, where: str, now: Millis) -> Millis:
    """Milliseconds of a moment that the user wrote at `now`; WrongSettings names the flag.

    A clock time is the last one that has been, so at most a day ago; a date or a day is its beginning.

    >>> now = 1_700_000_000_000  # 2023-11-14 22:13:20
    >>> [(now - moment(text, "--since", now)) // 1000 for text in ("90s", "22:13", "22:14", "today", "2023-11-14T22:00:00Z")]
    [90, 20, 86360, 80000, 800]
    """
    text = text.strip()
    named = {"now": now, "today": now - now % _DAY, "yesterday": now - now % _DAY - _DAY}
    found = named.get(text.lower())
    for read in (_ago, _clock_time, lambda text, _: _written(text)):
        found = read(text, now) if found is None else found
    if found is None:
        raise WrongSettings(f"{text[:40]!r} is no time", where=where, remedy=EXAMPLES)
    if not instant.BEGINNING <= found <= instant.END:
        raise WrongSettings(f"{text[:40]!r} is beyond the calendar", where=where, remedy="a year from 1 to 9999")
    return found


def _ago(text: str, now: Millis) -> Millis | None:
    try:
        return now - durations.read(text.removesuffix(" ago"))
    except ValueError:
        return None


def _clock_time(text: str, now: Millis) -> Millis | None:
    parts = _CLOCK.fullmatch(text)
    if not parts or int(parts[1]) > 23 or int(parts[2]) > 59 or int(parts[3] or 0) > 59:
        return None
    at = now - now % _DAY + ((int(parts[1]) * 60 + int(parts[2])) * 60 + int(parts[3] or 0)) * 1000
    return at if at <= now else at - _DAY


def _written(text: str) -> Millis | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    return (read - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
