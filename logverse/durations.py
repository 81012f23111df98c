"""Durations as rule files and flags write them (`30s`, `5m`, `1h30m`) and as sentences say them."""

from __future__ import annotations

import re

from logverse.errors import WrongSettings
from logverse.instant import Millis

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_WRITTEN = re.compile(r"(?:\d+(?:ms|[smhdwy]))+", re.ASCII)
_PART = re.compile(r"(\d+)(ms|[smhdwy])", re.ASCII)


def read(text: str) -> Millis:
    """Milliseconds of a duration as Prometheus writes it; ValueError when it is none.

    >>> read("1m30s")
    90000
    """
    if text == "0":
        return 0
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def given(text: str, where: str, field: str = "", least: Millis = 0, most: Millis | None = None) -> Millis:
    """Milliseconds of a duration that the user gave with a flag; WrongSettings names the flag (and the field within it).

    >>> given("1m30s", "--for")
    90000
    """
    try:
        span = read(text)
    except ValueError:
        problem = f"{field or 'it'} is {text[:40]!r}, not a duration"
        raise WrongSettings(problem, where=where, remedy="500ms, 45s, 10m, 1h30m or 2d") from None
    if span < least:
        raise WrongSettings(f"{field or 'it'} is {text[:40]!r}", where=where, remedy=f"at least {written(least)}")
    if most is not None and span > most:
        raise WrongSettings(f"{field or 'it'} is {text[:40]!r}", where=where, remedy=f"at most {written(most)}")
    return span


def written(span: Millis) -> str:
    """The duration in the units a rule file takes.

    >>> written(90_000), written(0)
    ('1m30s', '0s')
    """
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        number, span = divmod(span, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def said(span: Millis) -> str:
    """The duration as a sentence says it, to the second, at most its two largest units.

    >>> said(263_000), said(60_000), said(38_000)
    ('4 min 23 s', '1 min', '38 s')
    """
    seconds = round(span / 1000)
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in [part for part in parts if part[0]][:2]) or "0 s"
