"""`count`: finds steps with far more or far fewer events than this time of the week usually has, small counts included.

The tail probability of a negative binomial: a Poisson count whose rate is itself uncertain and restless (Cameron and Trivedi,
Regression Analysis of Count Data, section 3.3, variance mean + φ·mean²; φ by moments, as Breslow's, Applied Statistics 33 (1984)).
The mean comes from `season`; its own uncertainty, a gamma posterior with Jeffreys' half event, is added to φ. So three errors in a
service that had none for an hour are strange, and 1,060 requests where 1,000 are usual need not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from flink_jobs.detectors.detector import Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.season import Forecast, beyond
from flink_jobs.detectors.settings import MEMORY, MIN_STEPS, day_of
from flink_jobs.detectors.tails import negative_binomial_tails, usual_band
from flink_jobs.rules.options import Option
from logverse.instant import Millis

_LEAST_PHI = 1e-4  # a change of one percent is no news however large the counts are
_EVENTS = 20.0  # a level is made of the steps that hold about so many events, at least
_CUT = 5.0  # deviations beyond which a count teaches no more than one at the border


class CountModel(Kept):
    """Events a step, steps without any included.

    >>> detector = CountModel({"min_steps": 20}, step_ms=10_000)
    >>> for step in range(100):
    ...     detector.learn(Observation(float(100 + step % 7)), at=step * 10_000)
    >>> detector.score(Observation(104.0), at=1_000_000).score < 1 < 6 < detector.score(Observation(250.0), at=1_000_000).score
    True
    """

    options: ClassVar[Mapping[str, Option]] = {"min_steps": MIN_STEPS, "memory": MEMORY}
    needs: ClassVar[Needs] = "count"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._long = day_of(step_ms)
        self._min_steps: int = options.get("min_steps", 60)
        self._memory_steps = float(options.get("memory", 60))
        self._forecast = Forecast(self._memory_steps, self._long, factor=True)
        self._excess = self._weight = 0.0  # means whose ratio is φ

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._forecast.steps / self._min_steps)
        mean, tolerance = self._forecast.expect(at)
        low, _ = usual_band(*self._around(max(0.0, mean - tolerance)))
        _, high = usual_band(*self._around(mean + tolerance))
        count = figure(seen.value)
        if count is None or count < 0 or ready < 1:
            return silent(ready, "" if count is not None and count >= 0 else "not a count", (low, high))
        below, above = negative_binomial_tails(count, *self._around(count - beyond(count - mean, tolerance)))
        return Verdict(max(0.0, max(below, above) - 0.30103), low, high, "above" if above > below else "below", ready)

    def learn(self, seen: Observation, at: Millis) -> None:
        count = figure(seen.value)
        if count is None or count < 0:
            return
        if self._forecast.steps:
            middle, tolerance = self._forecast.expect(at)
            mean, variance = self._around(count - beyond(count - middle, tolerance))
            edge = _CUT * sqrt(variance) + 1
            count = max(mean - edge, min(mean + edge, count))
            share = 1 / min(self._forecast.steps, self._long)
            self._excess += (((count - mean) ** 2 - mean) / mean - self._excess) * share
            self._weight += (mean - self._weight) * share
        overall = self._forecast.overall
        self._forecast.learn(count, at, min(self._long, _EVENTS / (overall + 1e-9)))

    def _around(self, mean: float) -> tuple[float, float]:
        """Mean and variance of the count to come."""
        steps = min(self._forecast.steps, max(self._memory_steps, min(self._long, _EVENTS / (mean + 1e-9)))) + 1.0
        mean += 0.5 / steps
        phi = max(_LEAST_PHI, self._excess / self._weight if self._weight > 0 else 0.0)
        return mean, mean + (phi + 1 / (mean * steps)) * mean * mean

    def _memory(self) -> list[Any]:
        return [self._forecast.memory(), self._excess, self._weight]

    def _remember(self, memory: list[Any]) -> None:
        forecast, self._excess, self._weight = memory
        self._forecast.remember(forecast)
