"""`change_point`: finds a level that has moved a little and stays there, which no single step gives away.

Two-sided CUSUM (Page, "Continuous Inspection Schemes", Biometrika 41 (1954)): deviations from a slow mean, in units of how far off is
usual, add up as long as they lean to one side. The tail probability of the sum is that of a reflected random walk, P(S >= h) =
exp(-2k(h + 0.583)) (Siegmund, Sequential Analysis, 1985, chapter X). Deviations are normal scores of their tail probability, cut at
4, so one outlier is not taken for a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.detectors.detector import STRANGEST, Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.settings import MIN_STEPS, day_of
from flink_jobs.detectors.spread import Spread
from flink_jobs.detectors.tails import LN10, normal_deviate
from flink_jobs.rules.options import Option, whole
from logverse.instant import Millis

_SLACK = 0.5  # k: half of the change, in standard deviations, that is found soonest
_OVERSHOOT = 0.583
_MOST = 4.0
_GRAIN = 0.005  # of the mean: a difference of half a percent is no news


class ChangePoint(Kept):
    """Any figure, one a step.

    >>> detector = ChangePoint({}, step_ms=60_000)
    >>> for step in range(300):
    ...     detector.learn(Observation(50.0 + step * 7 % 11), at=step * 60_000)
    >>> for step in range(300, 312):
    ...     detector.learn(Observation(57.0 + step * 7 % 11), at=step * 60_000)
    >>> verdict = detector.score(Observation(62.0), at=19_000_000)
    >>> verdict.score > 4, verdict.reasons
    (True, ('above the usual level for 13 steps',))
    """

    options: ClassVar[Mapping[str, Option]] = {
        "min_steps": MIN_STEPS,
        "memory": Option("steps that make the level it compares with", whole(20), "600"),
    }
    needs: ClassVar[Needs] = "value"
    version: ClassVar[int] = 1

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._min_steps: int = options.get("min_steps", 60)
        self._recent = float(options.get("memory", 600))
        self._steps, self._mean = 0, 0.0
        self._spread = Spread(day_of(step_ms))
        self._sums = [0.0, 0.0]  # above, below
        self._since = [0, 0]  # steps since each was 0

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._steps / self._min_steps)
        edge = self._spread.edge(_GRAIN * abs(self._mean))
        band = self._mean - edge, self._mean + edge
        value = figure(seen.value)
        if value is None or ready < 1:
            return silent(ready, "" if value is not None else "not a number", band)
        above, below = self._moved(value)
        side = 0 if above >= below else 1
        highest = max(above, below)
        score = (2 * _SLACK * (highest + _OVERSHOOT) / LN10 - 0.30103) if highest > 0 else 0.0
        direction = ("above", "below")[side]
        reason = f"{direction} the usual level for {self._since[side] + 1} steps"
        return Verdict(min(STRANGEST, max(0.0, score)), *band, direction, ready, (reason,) if score >= 2 else ())

    def learn(self, seen: Observation, at: Millis) -> None:
        value = figure(seen.value)
        if value is None:
            return
        if self._steps:
            self._sums = list(self._moved(value)) if self._steps >= self._min_steps else [0.0, 0.0]
            self._since = [since + 1 if moved else 0 for since, moved in zip(self._since, self._sums, strict=True)]
            self._spread.learn(value - self._mean)
            edge = self._spread.edge(_GRAIN * abs(self._mean))
            value = max(self._mean - edge, min(self._mean + edge, value))
        self._steps += 1
        self._mean += (value - self._mean) / min(self._steps, self._recent)

    def _moved(self, value: float) -> tuple[float, float]:
        """The sums with this value added."""
        off = value - self._mean
        tail = self._spread.tail(off, _GRAIN * abs(self._mean)) + 0.30103
        deviate = min(_MOST, max(0.0, normal_deviate(tail)))
        z = deviate if off > 0 else -deviate
        most = LN10 * STRANGEST / (2 * _SLACK)
        return min(most, max(0.0, self._sums[0] + z - _SLACK)), min(most, max(0.0, self._sums[1] - z - _SLACK))

    def _memory(self) -> list[Any]:
        return [self._steps, self._mean, self._spread.memory(), self._sums, self._since]

    def _remember(self, memory: list[Any]) -> None:
        self._steps, self._mean, spread, self._sums, self._since = memory
        self._spread.remember(spread)
