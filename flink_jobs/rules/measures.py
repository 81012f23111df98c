"""The figures that rules compare: each adds up from one-second summaries in whole numbers, so that no order of adding or
taking away changes them (durations in microseconds)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from logverse.summary import DURATION_BOUNDS, Summary, quantile

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

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]: ...
    def figure(self, sums: Sequence[int], peak: float) -> float | None: ...


class Count:
    """Events in the window."""

    unit, subject, blamed, wants_peak = "events", "number", "", False

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

    unit, subject, blamed, wants_peak = "%", "share", "", False

    def __init__(self, min_count: int) -> None:
        self._min_count = max(min_count, 1)

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count if matched else 0

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return 100.0 * sums[1] / sums[0] if sums[0] >= self._min_count else None


class _Durations:
    """Over requests with a duration: blames those slower than the histogram's bound next to the threshold from below."""

    unit, wants_peak = "s", True

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

    blamed, wants_peak = "", False

    def __init__(self, key: str) -> None:
        self._of_size = key == SIZE
        self.unit, self.subject = ("bytes" if self._of_size else "s"), f"sum of {key}"

    def columns(self, summary: Summary, matched: bool) -> tuple[int, ...]:
        return summary.count, summary.count, summary.size_sum if self._of_size else round(summary.duration_sum * _MICRO)

    def figure(self, sums: Sequence[int], peak: float) -> float | None:
        return float(sums[2]) if self._of_size else sums[2] / _MICRO
