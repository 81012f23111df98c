"""`latency`: finds a percentile (or mean) of durations or sizes that is far from usual, by factors and not by seconds.

Durations are skewed and vary by factors, so the baseline works on their logarithm (log-normal: Limpert, Stahel and Abbt, BioScience 51
(2001)), with the same robust parts as `seasonal`. With `trials` (requests in the step) it allows for the sampling noise of a
percentile, which falls with the root of their number (Kendall and Stuart, The Advanced Theory of Statistics, section 10.10): the p95 of
four requests says little.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, sqrt
from typing import Any, ClassVar

from flink_jobs.detectors.detector import MOST, Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.season import Forecast, beyond
from flink_jobs.detectors.settings import MEMORY, MIN_STEPS, day_of
from flink_jobs.detectors.spread import Spread
from flink_jobs.rules.options import Option
from logverse.instant import Millis

_LEAST = 1e-6  # a microsecond: durations below it count as this
_GRAIN = 0.05  # a factor of 1.05 is no news however steady the series


class Latency(Kept):
    """A percentile of durations in seconds (or any positive figure), steps without requests left out.

    >>> detector = Latency({"min_steps": 20}, step_ms=10_000)
    >>> for step in range(100):
    ...     detector.learn(Observation(0.2 + 0.01 * (step % 5), trials=50), at=step * 10_000)
    >>> at = 1_000_000
    >>> detector.score(Observation(2.0, trials=50), at).score > 4 > 2 > detector.score(Observation(0.4, trials=1), at).score
    True
    """

    options: ClassVar[Mapping[str, Option]] = {"min_steps": MIN_STEPS, "memory": MEMORY}
    needs: ClassVar[Needs] = "value"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._long = day_of(step_ms)
        self._min_steps: int = options.get("min_steps", 60)
        self._forecast = Forecast(float(options.get("memory", 60)), self._long, factor=False)
        self._spread = Spread(self._long)
        self._usual_trials = 0.0

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._forecast.steps / self._min_steps)
        (expected, tolerance), noise = self._forecast.expect(at), self._noise(seen.trials)
        edge = self._spread.edge(_GRAIN) * noise + tolerance
        band = _figure(expected - edge), _figure(expected + edge)
        value = _logarithm(seen.value)
        if value is None or ready < 1:
            return silent(ready, "" if value is not None else "not a duration", band)
        score = self._spread.tail(beyond(value - expected, tolerance) / noise, _GRAIN)
        return Verdict(score, *band, "above" if value > expected else "below", ready)

    def learn(self, seen: Observation, at: Millis) -> None:
        value = _logarithm(seen.value)
        if value is None:
            return
        if self._forecast.steps:
            (expected, tolerance), noise = self._forecast.expect(at), self._noise(seen.trials)
            self._spread.learn(beyond(value - expected, tolerance) / noise)
            edge = self._spread.edge(_GRAIN) * noise + tolerance
            value = max(expected - edge, min(expected + edge, value))
        self._forecast.learn(value, at)
        trials = figure(seen.trials) or 0.0
        self._usual_trials += (max(0.0, trials) - self._usual_trials) / min(self._forecast.steps, self._long)

    def _noise(self, trials: float) -> float:
        """How much wider than usual the band is for so few requests: half of the variance is taken to be the sampling's."""
        if not 0 < trials < self._usual_trials:
            return 1.0
        return sqrt((1 + self._usual_trials / trials) / 2)

    def _memory(self) -> list[Any]:
        return [self._forecast.memory(), self._spread.memory(), self._usual_trials]

    def _remember(self, memory: list[Any]) -> None:
        forecast, spread, self._usual_trials = memory
        self._forecast.remember(forecast)
        self._spread.remember(spread)


def _logarithm(value: float) -> float | None:
    bounded = figure(value)
    return None if bounded is None or bounded < 0 else log(max(_LEAST, bounded))


def _figure(logarithm: float) -> float:
    return exp(min(logarithm, log(MOST)))
