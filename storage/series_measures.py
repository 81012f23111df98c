"""What a chart can show of a series. To add a measure: one class or line here, one line in MEASURES."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from logverse.summary import DURATION_BOUNDS, quantile
from storage.series_figures import COUNT, DURATION_COUNT, DURATION_MAX, ERRORS, HISTOGRAM, SIZE, STATUS_CLASSES


class Measure(Protocol):
    """A figure over a step, made of the `picks`: places of a total (storage/series_figures.py) that are added up. DURATION_MAX, of which
    the greatest is kept, may only stand at place 1."""

    unit: str
    about: str
    picks: tuple[int, ...]

    def figure(self, sums: Sequence[int], seconds: float) -> float | None:
        """The figure of these sums over so many seconds; None when there is none (a share of nothing)."""


class PerSecond:
    """The mean of something a second, over the whole step: a second without a summary had no events."""

    def __init__(self, unit: str, about: str, place: int) -> None:
        self.unit, self.about = unit, about
        self.picks: tuple[int, ...] = (place,)

    def figure(self, sums: Sequence[int], seconds: float) -> float | None:
        return sums[0] / seconds


class Share:
    """Percent of the events that the places after the first one count."""

    unit = "%"

    def __init__(self, about: str, part: int, whole: Sequence[int]) -> None:
        self.about, self.picks = about, (part, *whole)

    def figure(self, sums: Sequence[int], seconds: float) -> float | None:
        whole = sum(sums[1:])
        return 100.0 * sums[0] / whole if whole else None


class Percentile:
    """A percentile of the request duration from its histogram, see `logverse.summary.quantile`."""

    unit = "s"
    picks = (DURATION_COUNT, DURATION_MAX, *range(HISTOGRAM, HISTOGRAM + len(DURATION_BOUNDS)))

    def __init__(self, percentile: float) -> None:
        self.about, self._quantile = f"p{percentile:g} of http.server.request.duration", percentile / 100

    def figure(self, sums: Sequence[int], seconds: float) -> float | None:
        return quantile(self._quantile, sums[0], sums[2:], sums[1] / 1_000_000) if sums[0] else None


MEASURES: dict[str, Measure] = {
    "rate": PerSecond("events/s", "events a second", COUNT),
    "5xx-share": Share("share of answers with a status of 500 to 599", STATUS_CLASSES + 4, range(STATUS_CLASSES, STATUS_CLASSES + 5)),
    "4xx-share": Share("share of answers with a status of 400 to 499", STATUS_CLASSES + 3, range(STATUS_CLASSES, STATUS_CLASSES + 5)),
    "error-share": Share("share of events of severity ERROR and above", ERRORS, (COUNT,)),
    "p50": Percentile(50),
    "p90": Percentile(90),
    "p95": Percentile(95),
    "p99": Percentile(99),
    "bytes": PerSecond("bytes/s", "bytes of answers a second", SIZE),
}
