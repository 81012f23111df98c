"""What nobody is to blame for, summed up over a batch of summaries before its series hear of it.

Of a busy service's second most summaries are of requests that went well, a hundred routes of them; a rule about the whole service needs
their sums only. Told one by one they were a third of what the Python side costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import add

from flink_jobs.rules.series import Series
from logverse.instant import Millis


class Calm:
    """Sums by series and second, for as long as one batch is counted."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Series, Millis], tuple[Sequence[int], float]] = {}

    def add(self, series: Series, second: Millis, columns: Sequence[int], peak: float) -> None:
        """Counts what has nobody to blame (`columns[1]` is 0) and no values of its own to remember."""
        key = series, second
        if key in self._sums:
            sums, most = self._sums[key]
            columns, peak = list(map(add, sums, columns)), max(peak, most)
        self._sums[key] = columns, peak

    def __iter__(self) -> Iterator[tuple[Series, Millis, Sequence[int], float]]:
        return ((series, second, columns, peak) for (series, second), (columns, peak) in self._sums.items())
