"""`seasonal`: finds a figure that is far from what this hour of the week usually shows: the robust baseline for any measure.

What is expected comes from `season` (recent level, along the shape of the day or the week where there is one), how far off is usual
from `spread` (Student's t with learnt scale and tails: robust, after Lange, Little and Taylor, JASA 84 (1989)). A figure is cut to
the band before the level learns it (winsorised, Tukey 1962), so an outlier does not become the new normal; a new level that lasts
widens the band step by step and is accepted after a few times `memory`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.detectors.detector import Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.season import Forecast, beyond
from flink_jobs.detectors.settings import MEMORY, MIN_STEPS, day_of
from flink_jobs.detectors.spread import Spread
from flink_jobs.rules.options import Option
from logverse.instant import Millis

_GRAIN = 0.005  # of the expected: a difference of half a percent is no news however steady the series

_SEASON_GRAIN = 0.03  # of what it moves anyway: no season is known better


class Seasonal(Kept):
    """Any figure, one a step; steps without one are left out.

    >>> detector = Seasonal({"min_steps": 20}, step_ms=60_000)
    >>> for step in range(100):
    ...     detector.learn(Observation(50.0 + step % 5), at=step * 60_000)
    >>> verdict = detector.score(Observation(80.0), at=6_000_000)
    >>> verdict.score > 4, verdict.direction, 45 < verdict.low < 50 < 54 < verdict.high < 60
    (True, 'above', True)
    """

    options: ClassVar[Mapping[str, Option]] = {"min_steps": MIN_STEPS, "memory": MEMORY}
    needs: ClassVar[Needs] = "value"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        long = day_of(step_ms)
        self._min_steps: int = options.get("min_steps", 60)
        self._forecast = Forecast(float(options.get("memory", 60)), long, factor=False)
        self._spread = Spread(long)

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._forecast.steps / self._min_steps)
        expected, tolerance = self._forecast.expect(at)
        grain = self._grain(expected)
        edge = self._spread.edge(grain) + tolerance
        band = expected - edge, expected + edge
        value = figure(seen.value)
        if value is None or ready < 1:
            return silent(ready, "" if value is not None else "not a number", band)
        score = self._spread.tail(beyond(value - expected, tolerance), grain)
        return Verdict(score, *band, "above" if value > expected else "below", ready)

    def learn(self, seen: Observation, at: Millis) -> None:
        value = figure(seen.value)
        if value is None:
            return
        if self._forecast.steps:
            expected, tolerance = self._forecast.expect(at)
            self._spread.learn(beyond(value - expected, tolerance))
            edge = self._spread.edge(self._grain(expected)) + tolerance
            value = max(expected - edge, min(expected + edge, value))
        self._forecast.learn(value, at)

    def _grain(self, expected: float) -> float:
        return _GRAIN * abs(expected) + _SEASON_GRAIN * self._forecast.restlessness()

    def _memory(self) -> list[Any]:
        return [self._forecast.memory(), self._spread.memory()]

    def _remember(self, memory: list[Any]) -> None:
        forecast, spread = memory
        self._forecast.remember(forecast)
        self._spread.remember(spread)
