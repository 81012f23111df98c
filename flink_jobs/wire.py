"""How summaries and matched events cross from SQL to Python, and to topic `summaries`: JSON in the order of the SQL's columns.

A row of a second has `items`, the summaries of view `traffic` (`tables.summary_columns`), and `more`, those of the busiest of the other
views (`tables.busiest.figures`), each with its view in front. What the others of those views had is not sent: `others` works it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from flink_jobs.rules.matched import EVENT_FIELDS, MatchedEvent
from flink_jobs.rules.views import BUSIEST
from flink_jobs.tables import busiest
from logverse.instant import Millis
from logverse.summary import DIMENSIONS, VIEWS, Summary

_D = len(DIMENSIONS)
_FIGURES = {view: busiest.figures(view) for view in BUSIEST}
_ABSENT = {"duration_sum": 0.0, "duration_max": 0.0, "sample": ""}
# Of each view but the first: the place of the name that is cut, and where the other dimensions are in those of `traffic`.
_CUT = {
    view: (VIEWS[view].index(name), [DIMENSIONS.index(other) for other in VIEWS[view] if other != name]) for view, name in BUSIEST.items()
}


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


def named(second: Millis, more: str) -> list[Summary]:
    """The summaries of one second in a `more` text: of those with a name, each in its view."""
    found = []
    for view, *item in orjson.loads(more):
        size = len(VIEWS[view])
        figures: dict[str, Any] = {
            name: _ABSENT.get(name, 0) if value is None else value for name, value in zip(_FIGURES[view], item[size:], strict=True)
        }
        found.append(Summary(second=second, dimensions=tuple(item[:size]), view=view, **figures))
    return found


def more(several: Iterable[Summary]) -> str:
    """The `more` text that `named` reads back."""
    return orjson.dumps([[s.view, *s.dimensions, *(getattr(s, name) for name in _FIGURES[s.view])] for s in several]).decode()


def others(traffic: Sequence[Summary], several: Sequence[Summary], views: Iterable[str]) -> list[Summary]:
    """Of each of these views what all had in a second that are not among `several`, with None as their name: who is not among the
    busiest, who has no name, and what no rule of the view is about.

    That is what `traffic` counted of them less what the busiest had. The greatest duration is that of all.
    """
    return [other for view in views for other in _others(traffic, [s for s in several if s.view == view], view)]


def _others(traffic: Sequence[Summary], several: Sequence[Summary], view: str) -> Iterable[Summary]:
    place, kept = _CUT[view]
    sums: dict[tuple[str | int | None, ...], list[float]] = {}
    for sign, summary in [*((1, one) for one in traffic), *((-1, one) for one in several)]:
        values = summary.dimensions
        key = tuple([values[at] for at in kept]) if sign > 0 else values[:place] + values[place + 1 :]
        total = sums.setdefault(key, [0, 0, 0.0, 0.0, 0])
        total[0] += sign * summary.count
        total[1] += sign * summary.duration_count
        total[2] += sign * summary.duration_sum
        total[3] = max(total[3], summary.duration_max)
        total[4] += sign * summary.size_sum
    for key, (count, timed, spent, longest, size) in sums.items():
        if count > 0:
            dimensions = (*key[:place], None, *key[place:])
            yield Summary(traffic[0].second, dimensions, int(count), int(timed), max(spent, 0.0), longest, size_sum=int(size), view=view)


def matched_event(item: str) -> MatchedEvent:
    """The event in an EVENTS or LATE_EVENTS row."""
    flat = orjson.loads(item)
    fields = {name: flat["fields"].get(name) for name in EVENT_FIELDS}
    return MatchedEvent(clause=flat["clause"], at=flat["at"], fields=fields)
