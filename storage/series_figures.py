"""What one step of a service's series amounts to: sums without dimensions (`total`) and by combination of dimensions (`cells`).

All figures are whole numbers (durations in microseconds), so that adding in any order, over any number of replays, gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nlargest
from operator import add
from typing import Any

import orjson
import zstandard

from logverse import severity
from logverse.errors import Malformed
from logverse.summary import DIMENSIONS, DURATION_BOUNDS

# Dimensions of a cell, in order: those of a summary without the service, which the row has.
CELL_DIMENSIONS = DIMENSIONS[1:]
_STATUS, _SEVERITY = (CELL_DIMENSIONS.index(name) for name in ("http.response.status_code", "severity_number"))

# The figures of a cell, by place; the duration histogram (cumulative, see logverse/summary.py) follows.
COUNT, DURATION_COUNT, DURATION_SUM, DURATION_MAX, SIZE = range(5)
HISTOGRAM = 5
FIGURES = HISTOGRAM + len(DURATION_BOUNDS)
# A total has the same and then: events by status class (1xx to 5xx), those of severity ERROR and above, seconds whose figures came cut
# (too large for their topic), combinations folded into OTHER.
STATUS_CLASSES = FIGURES
ERRORS = STATUS_CLASSES + 5
CUT = ERRORS + 1
FOLDED = CUT + 1
WIDTH = FOLDED + 1

MOST_CELLS = 2000
OTHER: tuple[Any, ...] = ()  # the cell of all combinations that found no place: it keeps the counts
VERSION = 1
_LONGEST = 256  # characters of a dimension's value
_MOST = 2**63 - 1  # sums end here instead of failing: what nobody's log can mean

Cells = dict[tuple[Any, ...], list[int]]


class Sums:
    """Total and cells of a step, or of a part of it."""

    __slots__ = ("cells", "total")

    def __init__(self, total: Sequence[int] = (0,) * WIDTH, cells: Cells | None = None) -> None:
        self.total, self.cells = list(total), {} if cells is None else cells

    def add(self, other: Sums) -> None:
        merge(self.total, other.total)
        cells = self.cells
        for key, figures in other.cells.items():
            kept = cells.get(key)
            if kept is None:
                cells[key] = figures.copy()
            else:
                merge(kept, figures)

    def fold(self, most: int = MOST_CELLS) -> None:
        """Keeps the `most` combinations with the most events; the others become one cell, and are counted in the total."""
        if len(self.cells) - (OTHER in self.cells) <= most:
            return
        named = self.cells.keys() - {OTHER}
        kept = {key: self.cells[key] for key in nlargest(most, named, key=lambda key: (self.cells[key][COUNT], repr(key)))}
        other = [0] * FIGURES
        for key in self.cells.keys() - kept.keys():
            merge(other, self.cells[key])
        self.total[FOLDED] += len(named) - most
        self.cells = {**kept, OTHER: other}


def merge(into: list[int], figures: Sequence[int]) -> None:
    """Adds all figures but the greatest duration, of which it keeps the greater."""
    greatest = max(into[DURATION_MAX], figures[DURATION_MAX])
    into[:] = map(add, into, figures)
    into[DURATION_MAX] = greatest


def summed(several: Iterable[Sums]) -> Sums:
    """All of them in one."""
    result = Sums()
    for sums in several:
        result.add(sums)
    return result


def read_items(items: Any) -> Sums:
    """The sums of one record's `items` (flink_jobs/wire.py writes them); Malformed when they are none. Their samples are left out."""
    cells: Cells = {}
    vectors: list[list[int]] = [[0] * WIDTH]
    try:
        for item in items:
            key, figures = _cell(item)
            vectors.append([*figures, *derived(key, figures[COUNT])])
            if key in cells:
                merge(cells[key], figures)
            else:
                cells[key] = figures
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise Malformed(f"its items are no summaries: {error}") from error
    total = list(map(sum, zip(*vectors, strict=True)))
    total[DURATION_MAX] = max(vector[DURATION_MAX] for vector in vectors)
    return Sums(total, cells)


def _cell(item: Any) -> tuple[tuple[Any, ...], list[int]]:
    places = len(DIMENSIONS)
    count, durations, sum_s, max_s, size, _sample = item[places : places + 6]
    figures = [count, durations, _micro(sum_s), _micro(max_s), size or 0, *item[places + 6 :]]
    if len(figures) != FIGURES or set(map(type, figures)) != {int} or min(figures) < 0:
        raise Malformed("its figures are no whole numbers in the order of a summary")
    return tuple(value[:_LONGEST] if type(value) is str else value for value in item[1:places]), figures


def _micro(seconds: Any) -> int:
    if seconds is None:  # no event had a duration
        return 0
    if not isinstance(seconds, int | float):
        raise Malformed("a duration is no number")
    return round(seconds * 1_000_000)


def derived(key: tuple[Any, ...], count: int) -> list[int]:
    """What a cell adds to the total beside its figures.

    >>> derived(("http", None, None, None, 503, 17, None, None), 2)
    [0, 0, 0, 0, 2, 2, 0, 0]
    """
    if not key:
        return [0] * (WIDTH - FIGURES)
    return [count * one for one in _flags(key[_STATUS], key[_SEVERITY])]


@lru_cache(maxsize=1024)
def _flags(status: Any, level: Any) -> tuple[int, ...]:
    flags = [0] * (WIDTH - FIGURES)
    if type(status) is int and 100 <= status < 600:
        flags[status // 100 - 1] = 1
    flags[ERRORS - FIGURES] = int(type(level) is int and level >= severity.ERROR)
    return tuple(flags)


_compressor, _decompressor = zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor()


def written(sums: Sums, **more: Any) -> tuple[bytes, bytes]:
    """`total` and `cells` of a row. Durations are left out of cells that have none."""
    figures = [values if values[DURATION_COUNT] else [values[COUNT], values[SIZE]] for values in sums.cells.values()]
    cells = {"v": VERSION, "d": list(sums.cells), "f": figures}
    return _json({"v": VERSION, "f": sums.total, **more}), _compressor.compress(_json(cells))


def read_total(total: bytes) -> tuple[list[int], dict[str, Any]]:
    """The figures of a row's `total`, and what else was written there."""
    flat = orjson.loads(total)
    return flat.pop("f"), flat


def read_cells(cells: bytes) -> Iterable[tuple[tuple[Any, ...], list[int]]]:
    """Every cell of a row."""
    flat = orjson.loads(_decompressor.decompress(cells))
    empty = [0] * (FIGURES - SIZE - 1)
    for key, figures in zip(flat["d"], flat["f"], strict=True):
        yield tuple(key), figures if len(figures) == FIGURES else [figures[0], 0, 0, 0, figures[1], *empty]


def read(total: bytes, cells: bytes) -> Sums:
    """The sums that `written` wrote."""
    return Sums(read_total(total)[0], dict(read_cells(cells)))


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number beyond 64 bits
        return orjson.dumps(_bounded(value))


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(part) for part in value]
    return min(value, _MOST) if type(value) is int else value
