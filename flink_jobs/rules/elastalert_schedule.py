"""`limit_execution` of ElastAlert2 as a schedule: a cron expression of the hours and days in which its rule runs, on UTC's clocks.

ElastAlert2 judges what came in a pause after it, unless `limit_execution_coverage` is set; a schedule here never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flink_jobs.rules.schedule import DAYS

_MINUTES = re.compile(r"\*(?:/[1-9]\d?)?|0(?:/[1-9]\d?)|0-59", re.ASCII)  # each run looks at all since the one before
_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)
_NAMES = {name: str(number) for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


def schedule_of(cron: object) -> dict[str, object] | None:
    """The schedule of the same hours and days; {} when that is always. None when there is no such: single minutes, days of a month.

    >>> schedule_of("* 7-22 * * 1-5")
    {'days': ['mon', 'tue', 'wed', 'thu', 'fri'], 'hours': ['07:00-23:00'], 'time_zone': 'UTC'}
    >>> schedule_of("0 8 * * 1-5"), schedule_of("* * * * *")
    (None, {})
    """
    if not cron:
        return {}  # no limit there
    parts = str(cron).lower().split()
    if len(parts) != 5 or not _MINUTES.fullmatch(parts[0]) or any(part not in ("*", "?") for part in parts[2:4]):
        return None
    hours = _numbers(parts[1], 23)
    days = _numbers(re.sub("[a-z]{3}", lambda name: _NAMES.get(name[0], name[0]), parts[4]), 7)
    if not hours or not days:
        return None
    schedule: dict[str, object] = {}
    if len(week := sorted({(day - 1) % 7 for day in days})) < 7:
        schedule["days"] = [DAYS[day] for day in week]
    if len(hours) < 24:
        schedule["hours"] = [f"{first:02}:00-{last + 1:02}:00" for first, last in _spans(sorted(hours))]
    return schedule | {"time_zone": "UTC"} if schedule else {}


def _numbers(field: str, most: int) -> set[int] | None:
    """What a field of a cron expression stands for; None when it is none, or has steps."""
    if field in ("*", "?"):
        return set(range(most + 1))
    found: set[int] = set()
    for part in field.split(","):
        given = _RANGE.fullmatch(part)
        if not given:
            return None
        first, last = int(given[1]), int(given[2] or given[1])
        if not first <= last <= most:
            return None
        found |= set(range(first, last + 1))
    return found


def _spans(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = before = numbers[0]
    for number in [*numbers[1:], 99]:
        if number != before + 1:
            yield first, before
            first = number
        before = number
