"""What NAB's table compares with: a detector that detects nothing, and the windowed Gaussian, both as NAB has them; and a clock."""

from __future__ import annotations

import math
from collections.abc import Sequence


def null(values: Sequence[float]) -> list[float]:
    """The same score for every row."""
    return [0.5] * len(values)


def windowed_gaussian(values: Sequence[float], window: int = 6400, step: int = 100) -> list[float]:
    """1 - the normal tail probability of a value, given mean and deviation of the window of values before it.

    NAB's `windowedGaussian` with its published settings: the window grows to `window` values, then moves on by `step`. Both tails
    are one: beyond 8 deviations the score is exactly 1.
    """
    scores: list[float] = []
    begin, count, mean, squares = 0, 0, 0.0, 0.0  # the window is `count` values from `begin` on
    for place, value in enumerate(values):
        scores.append(_likelihood(value, mean, math.sqrt(squares / count)) if count else 0.0)
        if count < window:
            count += 1
            off = value - mean
            mean += off / count
            squares += off * (value - mean)
        elif place + 1 - begin - count == step:
            begin += step
            mean = sum(values[begin : begin + count]) / count
            squares = sum((each - mean) ** 2 for each in values[begin : begin + count])
    return scores


def _likelihood(value: float, mean: float, deviation: float) -> float:
    return 1 - 0.5 * math.erfc(abs(value - mean) / (deviation or 1e-6) / math.sqrt(2))


def daily_clock(values: Sequence[float], rows: int = 288) -> list[float]:
    """An alarm each so many rows: what a detector that never looks at the values is worth."""
    return [1.0 if place % rows == 0 else 0.0 for place in range(len(values))]
