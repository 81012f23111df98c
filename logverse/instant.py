"""Instants: milliseconds since 1970 in UTC, and their one written form, RFC 3339 with milliseconds and a `Z`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

from logverse.errors import Malformed

Millis: TypeAlias = int

BEGINNING: Millis = -62_135_596_800_000  # 0001-01-01: what lies before it, or after END, has no date
END: Millis = 253_402_300_799_999  # the last millisecond of 9999

_WRITTEN = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def written(at: Millis) -> str:
    """The instant as every topic carries it.

    >>> written(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z"


def read(text: str) -> Millis:
    """The instant that `written` wrote; anything without the `Z` is Malformed (Flink's decoder takes only `Z`).

    >>> read("2023-11-14T22:13:20.123Z")
    1700000000123
    """
    match = _WRITTEN.fullmatch(text)
    if not match:
        raise Malformed(f"not an RFC 3339 time in UTC with a Z: {text[:40]!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Malformed(f"no such time: {text[:40]!r}") from error
    fraction = (match[7] or "").ljust(3, "0")[:3]
    return int(whole.timestamp()) * 1000 + int(fraction)


def now() -> Millis:
    """The wall clock: what processes pass as the `clock` that plain objects take as an argument."""
    return time.time_ns() // 1_000_000
