"""A chart of a service's series over minutes to years: which rows to read, and the points they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from logverse import durations
from logverse.errors import WrongSettings
from logverse.instant import Millis
from storage.series_figures import CELL_DIMENSIONS, COUNT, CUT, DURATION_MAX, FOLDED, OTHER, derived, read_cells, read_total
from storage.series_measures import MEASURES, Measure
from storage.series_rows import STEPS, SeriesRow, SeriesStore, Step

MOST_POINTS = 11_000  # as Prometheus' query_range
_WANTED = 750  # points of a chart whose step is ours to choose
_ROUND = [n * unit for unit, several in ((1000, (1, 5, 10, 15, 30)), (60_000, (1, 2, 5, 10, 15, 30)), (3_600_000, (1, 2, 3, 6, 12)),
          (86_400_000, (1, 7, 30))) for n in several]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One step from `at` on. `value` is None where nothing is known, or where there is no such figure (a share of nothing)."""

    at: Millis
    value: float | None
    events: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines by name (`by`'s values, most events first; one without name when there is no `by`), a point a step.

    `known`: steps of which the store knows anything; the others are gaps in every line. `cut`: seconds whose figures are lost since they
    were too large for their topic; `folded`: combinations that had no cell of their own in a row, a lower bound of what `by` and filters
    do not see.
    """

    measure: str
    unit: str
    step: Millis
    rows: str  # the resolution that was read: 1s, 1m, 1h
    lines: dict[str, list[Point]]
    known: int
    cut: int
    folded: int


@dataclass(slots=True)
class _Gathered:
    known: set[Millis] = field(default_factory=set)
    sums: dict[str, dict[Millis, list[int]]] = field(default_factory=dict)  # line → step → [events, *picks]
    cut: int = 0
    folded: int = 0

    def add(self, line: str, at: Millis, events: int, picked: list[int], greatest: bool) -> None:
        steps = self.sums.setdefault(line, {})
        kept = steps.get(at)
        if kept is None:
            steps[at] = [events, *picked]
            return
        peak = max(kept[2], picked[1]) if greatest else 0
        kept[0] += events
        for place, number in enumerate(picked, 1):
            kept[place] += number
        if greatest:
            kept[2] = peak


def chart(
    store: SeriesStore, service: str, since: Millis, until: Millis, measure: str, now: Millis, kept: Mapping[str, Millis],
    step: Millis | None = None, by: str | None = None, filters: Mapping[str, str] = {},
) -> Chart:  # fmt: skip
    """The measure (a name of MEASURES) over [since, until), in event time, a point each `step` (chosen by the range when None).

    `kept` says how long rows of each step live (1s, 1m, 1h). `by` names one of CELL_DIMENSIONS; `filters` such names with the value
    wanted, where `5xx` stands for a class of status. WrongSettings for a step that cannot be. Without `by` and filters only totals are
    read: thirty days are 720 small rows. A step of which no row is known is a gap, not a zero; where rows are known, no event is a zero.
    """
    made, rows = resolution(since, until, now, kept, step)
    shown, gathered = MEASURES[measure], _Gathered()
    wanted = _selection(filters)
    start = since - since % made
    for row in store.read(rows, service, start, until, cells=bool(by or filters)):
        _gather(gathered, row, row.at - row.at % made, shown, CELL_DIMENSIONS.index(by) if by else None, wanted)
    starts = range(start, min(until, now + 1), made)
    lines = {
        line: [_point(at, steps.get(at), at in gathered.known, shown, (min(at + made, max(now, at + 1)) - at) / 1000) for at in starts]
        for line, steps in sorted(gathered.sums.items(), key=lambda item: (-sum(sums[0] for sums in item[1].values()), item[0]))
    }
    return Chart(measure, shown.unit, made, rows.name, lines, len(gathered.known), gathered.cut, gathered.folded)


def resolution(since: Millis, until: Millis, now: Millis, kept: Mapping[str, Millis], step: Millis | None) -> tuple[Millis, Step]:
    """The step of the points, and the coarsest rows that make them up exactly.

    Chosen by the range: the finest round step that makes at most 750 points, of rows that are still there at its beginning. A step that
    the user names is taken as it is, also when rows so old are only there because they were written late.
    """
    if since >= until:
        raise WrongSettings("the range is empty", where="--since, --until", remedy="--since must be before --until")
    if step is not None:
        return step, _named(until - since, step)
    for rows in STEPS:
        made = next((one for one in _ROUND if one >= rows.ms and (until - since) / one <= _WANTED), _ROUND[-1])
        coarsest = next(each for each in reversed(STEPS) if made % each.ms == 0)
        if coarsest is STEPS[-1] or since >= now - kept[coarsest.name]:
            break
    return made, coarsest


def _named(span: Millis, step: Millis) -> Step:
    if step < STEPS[0].ms or step % STEPS[0].ms:
        raise WrongSettings(f"it is {durations.written(step)}", where="--step", remedy="whole seconds: 1s, 30s, 5m, 1h, 1d")
    if span / step > MOST_POINTS:
        least = next((one for one in _ROUND if span / one <= MOST_POINTS), _ROUND[-1])
        raise WrongSettings(
            f"{durations.written(step)} makes {span // step:,} points, {MOST_POINTS:,} is the most",
            where="--step",
            remedy=f"--step {durations.written(least)}, or a shorter range",
        )
    return next(each for each in reversed(STEPS) if step % each.ms == 0)


def _gather(
    gathered: _Gathered, row: SeriesRow, at: Millis, shown: Measure, place: int | None, wanted: Mapping[int, Callable[[Any], bool]]
) -> None:
    total, _ = read_total(row.total)
    gathered.known.add(at)
    gathered.cut += total[CUT]
    gathered.folded += total[FOLDED]
    greatest = DURATION_MAX in shown.picks
    if not row.cells:
        return gathered.add("", at, total[COUNT], [total[pick] for pick in shown.picks], greatest)
    for key, figures in read_cells(row.cells):
        if key == OTHER:
            if wanted:
                continue  # nobody knows which of them were meant
            line = "(other)" if place is not None else ""
        elif all(fits(key[which]) for which, fits in wanted.items()):
            line = "" if place is None else _shown(key[place])
        else:
            continue
        vector = [*figures, *derived(key, figures[COUNT])]
        gathered.add(line, at, figures[COUNT], [vector[pick] for pick in shown.picks], greatest)
    if place is None:
        gathered.sums.setdefault("", {})


def _point(at: Millis, sums: list[int] | None, known: bool, shown: Measure, seconds: float) -> Point:
    if not known:
        return Point(at, None, 0)
    found = sums or [0] * (len(shown.picks) + 1)
    return Point(at, shown.figure(found[1:], seconds), found[0])


def _selection(filters: Mapping[str, str]) -> dict[int, Callable[[Any], bool]]:
    """
    >>> [fits(503) for fits in _selection({"http.response.status_code": "5xx"}).values()]
    [True]
    """
    return {CELL_DIMENSIONS.index(name): _fits(value) for name, value in filters.items()}


def _fits(wanted: str) -> Callable[[Any], bool]:
    if len(wanted) == 3 and wanted[0] in "12345" and wanted[1:].lower() == "xx":
        return lambda value: type(value) is int and value // 100 == int(wanted[0])
    return lambda value: _shown(value) == wanted


def _shown(value: Any) -> str:
    return "(none)" if value is None else str(value)
