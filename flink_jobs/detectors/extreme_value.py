"""`extreme_value`: finds values more extreme than the series' own extremes foretell, whatever its distribution: no band to set.

DSPOT on both sides (Siffer, Fouque, Termier, Largouët, "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017, sections
4.3 and 4.4): the deviation from the recent mean, and for each side the tail of `peaks`. For figures that neither a season nor a
bell describes: queue lengths, sizes, memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.detectors.detector import Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.peaks import Peaks
from flink_jobs.detectors.settings import MEMORY
from flink_jobs.rules.options import Option, whole
from logverse.instant import Millis

_GRAIN = 0.005  # of the mean: a difference of half a percent is no news


class ExtremeValue(Kept):
    """Any figure, one a step.

    >>> detector = ExtremeValue({}, step_ms=60_000)
    >>> for step in range(400):
    ...     detector.learn(Observation(50.0 + step * 7 % 11), at=step * 60_000)
    >>> detector.score(Observation(59.0), at=24_000_000).score < 2 < 5 < detector.score(Observation(100.0), at=24_000_000).score
    True
    """

    options: ClassVar[Mapping[str, Option]] = {
        "min_steps": Option("steps that it must have learnt before it judges", whole(100), "300"),
        "memory": MEMORY,
    }
    needs: ClassVar[Needs] = "value"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._min_steps: int = options.get("min_steps", 300)
        self._recent = float(options.get("memory", 60))
        self._steps, self._mean = 0, 0.0
        self._above, self._below = Peaks(), Peaks()

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._steps / self._min_steps)
        band = self._mean - self._below.quantile(3.3), self._mean + self._above.quantile(3.3)
        value = figure(seen.value)
        if value is None or ready < 1:
            return silent(ready, "" if value is not None else "not a number", band)
        off = value - self._mean
        grain = _GRAIN * abs(self._mean)
        above, below = self._above.tail(off, grain), self._below.tail(-off, grain)
        return Verdict(max(0.0, max(above, below) - 0.30103), *band, "above" if off > 0 else "below", ready)

    def learn(self, seen: Observation, at: Millis) -> None:
        value = figure(seen.value)
        if value is None:
            return
        if self._steps:
            off = value - self._mean
            self._above.learn(off)
            self._below.learn(-off)
            if self._steps >= self._min_steps:
                value = self._mean + max(-self._below.quantile(4), min(self._above.quantile(4), off))
        self._steps += 1
        self._mean += (value - self._mean) / min(self._steps, self._recent)

    def _memory(self) -> list[Any]:
        return [self._steps, self._mean, self._above.memory(), self._below.memory()]

    def _remember(self, memory: list[Any]) -> None:
        self._steps, self._mean, above, below = memory
        self._above.remember(above)
        self._below.remember(below)
