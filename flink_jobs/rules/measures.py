"""The figures that rules compare: each adds up from one-second summaries in whole numbers, so that no order of adding or
taking away changes them (durations in microseconds)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from logverse.summary import DURATION_BOUNDS, Summary, quantile

if TYPE_CHECKING:
    from flink_jobs.rules.buckets import Rolling

DURATION, SIZE = "http.server.request.duration", "http.response.body.size"
_MICRO = 1_000_000
_BUCKETS = slice(3, 3 + len(DURATION_BOUNDS))


class Measure(Protocol):
    """A figure over a window. `columns` of a summary are added up; the first two are the events it is about and, among
    them, those to blame. `figure` makes the figure of the sums and the greatest `peak` (seconds), None when there is none."""

    unit: str
    subject: str  # what the figure is, in a sentence: "p95 of http.server.request.duration", "share"
    blamed: str  # what the blamed events have in common, when that is more than the rule's `match`: "slower than 1 s"
    wants_peak: bool
    distinct_bits: int  # of the sketch of distinct values that it wants behind the sums as one more column; 0: it wants none

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]: ...
    def figure(self, sums: Sequence[int], peak: float) -> float | None: ...


def figure_of(measure: Measure, window: Rolling) -> float | None:
    """The figure of what a window holds."""
    sums = window.sums
    if window.distinct is not None:
        sums = [*sums, window.distinct.count(measure.distinct_bits)]
    return measure.figure(sums, window.peak() if measure.wants_peak else 0.0)


class Count:
    """Events in the window."""

    unit, subject, blamed, wants_peak, distinct_bits = "events", "number", "", False, 0

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return float(sums[0])


class Rate(Count):
    """Events a second, over the whole window."""

    unit, subject = "events/s", "rate"

    def __init__(self, window_ms: int) -> None:
        self._seconds = window_ms / 1000

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return sums[0] / self._seconds


class Share:
    """How many percent of the events meet `match`; no figure below `min_count` events."""

    unit, subject, blamed, wants_peak, distinct_bits = "%", "share", "", False, 0

    def __init__(self, min_count: int) -> None:
        self._min_count = max(min_count, 1)

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count if matched else 0

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return 100.0 * sums[1] / sums[0] if sums[0] >= self._min_count else None


class _Durations:
    """Over requests with a duration: blames those slower than the histogram's bound next to the threshold from below."""

    unit, wants_peak, distinct_bits = "s", True, 0

    def __init__(self, subject: str, min_count: int, threshold: float | None) -> None:
        self.subject, self._min_count = f"{subject} of {DURATION}", max(min_count, 1)
        place = bisect_right(DURATION_BOUNDS, threshold) - 1 if threshold is not None else None
        self._place = place
        self.blamed = "" if place is None or place < 0 else f"slower than {DURATION_BOUNDS[place]:g} s"

    def _slow(self, summary: Summary) -> int:
        if self._place is None or self._place < 0:
            return summary.duration_count
        return summary.duration_count - summary.histogram[self._place]

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.duration_count, self._slow(summary)

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return peak if sums[0] >= self._min_count else None


class Peak(_Durations):
    """The greatest duration."""


class Average(_Durations):
    """The mean duration."""

    wants_peak = False

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.duration_count, self._slow(summary), round(summary.duration_sum * _MICRO)

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return sums[2] / sums[0] / _MICRO if sums[0] >= self._min_count else None


class Percentile(_Durations):
    """A percentile of the duration from its histogram (see `logverse.summary.quantile`)."""

    def __init__(self, percentile: float, min_count: int, threshold: float | None) -> None:
        super().__init__(f"p{percentile:g}", min_count, threshold)
        self._quantile = percentile / 100

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.duration_count, self._slow(summary), 0, *summary.histogram

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return quantile(self._quantile, sums[0], sums[_BUCKETS], peak) if sums[0] >= self._min_count else None


class Distinct:
    """Distinct values of a field (rules/distinct.py); `bits` is the size of the sketch it is counted by when they are many."""

    unit, blamed, wants_peak = "values", "", False

    def __init__(self, field: str, bits: int) -> None:
        self.subject, self.distinct_bits = f"distinct values of {field}", bits

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return float(sums[-1])


class Several:
    """Several measures of the same events side by side, for a detector that looks at them together. Its own figure is their strangeness."""

    unit, subject, blamed, distinct_bits = "strangeness", "all measures together", "", 0
    wants_peak = True

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = measures
        nothing = Summary(0, (), 0)
        ends = list(accumulate(len(measure.columns(nothing, False)) for measure in measures))
        self._slices = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return tuple(number for measure in self._measures for number in measure.columns(summary, matched))

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return None

    def parts(self, sums: Sequence[int], peak: float) -> tuple[float | None, ...]:
        """The figure of each; None where there is none."""
        return tuple(measure.figure(sums[part], peak) for measure, part in zip(self._measures, self._slices, strict=True))


class AverageSize(_Durations):
    """The mean size of a response, over all its requests (one that gave no size counts as empty)."""

    unit, blamed, wants_peak = "bytes", "", False

    def __init__(self, min_count: int) -> None:
        self.subject, self._min_count = f"avg of {SIZE}", max(min_count, 1)

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count, summary.size_sum

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return sums[2] / sums[0] if sums[0] >= self._min_count else None


class Total:
    """The sum of durations (seconds) or sizes (bytes) in the window."""

    blamed, wants_peak, distinct_bits = "", False, 0

    def __init__(self, key: str) -> None:
        self._of_size = key == SIZE
        self.unit, self.subject = ("bytes" if self._of_size else "s"), f"sum of {key}"

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count, summary.size_sum if self._of_size else round(summary.duration_sum * _MICRO)

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return float(sums[2]) if self._of_size else sums[2] / _MICRO
