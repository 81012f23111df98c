"""How summaries and matched events cross from SQL to Python, and to topic `summaries`: JSON in the order of `tables.summary_columns`."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from logverse.instant import Millis
from logverse.summary import DIMENSIONS, Summary

_D = len(DIMENSIONS)


def summaries(second: Millis, items: str) -> list[Summary]:
    """The summaries of one second in an `items` text. Absent figures (no event had a duration) are zero."""
    return [
        Summary(
            second=second,
            dimensions=tuple(item[:_D]),
            count=item[_D],
            duration_count=item[_D + 1],
            duration_sum=item[_D + 2] or 0.0,
            duration_max=item[_D + 3] or 0.0,
            size_sum=item[_D + 4] or 0,
            sample=item[_D + 5] or "",
            histogram=tuple(item[_D + 6 :]),
        )
        for item in orjson.loads(items)
    ]


def items(several: Iterable[Summary]) -> str:
    """The `items` text that `summaries` reads back."""
    rows = [[*s.dimensions, s.count, s.duration_count, s.duration_sum, s.duration_max, s.size_sum, s.sample, *s.histogram] for s in several]
    return orjson.dumps(rows).decode()


def matched_event(item: str) -> MatchedEvent:
    """The event in an EVENTS or LATE_EVENTS row."""
    flat = orjson.loads(item)
    fields = {name: flat["fields"].get(name) for name in EVENT_FIELDS}
    return MatchedEvent(clause=flat["clause"], at=flat["at"], fields=fields)
