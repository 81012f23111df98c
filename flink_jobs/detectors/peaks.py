"""The upper tail of a figure, from its own largest values: how improbable is one that was never seen?

Peaks over threshold: what exceeds a high quantile follows a generalised Pareto distribution whatever the figure's own distribution is
(Pickands 1975), as Siffer et al. use it on streams (SPOT, KDD 2017, equation 1). Its parameters come from probability-weighted moments
(Hosking and Wallis, Technometrics 29 (1987)) in place of SPOT's maximum likelihood: in closed form, and steadier for few peaks. The
quantile follows the figure by stochastic approximation (Robbins and Monro 1951), so the memory is bounded: the newest peaks alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, log10

from flink_jobs.detectors.detector import STRANGEST
from flink_jobs.detectors.tails import LN10

_FIRST = 100  # figures from which the first threshold is read
_SHARE = 0.05  # of the figures that are peaks
_PEAKS = 120  # that are kept
_SHAPE, _WEIGHT = 0.1, 15.0  # what is believed of the tail's shape before there are peaks, as if from so many
_TEACHES = 4.0  # a figure beyond this score teaches no more than one at it


class Peaks:
    """The tail of a stream of finite figures that stay about where they are."""

    def __init__(self) -> None:
        self._first: list[float] | None = []
        self._threshold = 0.0
        self._excesses: list[float] = []
        self._shape, self._scale = _SHAPE, 0.0
        self.seen = 0

    def tail(self, figure: float, grain: float) -> float:
        """-log10 P(X >= figure); 0 below the threshold. `grain`: as in `Spread.tail`."""
        excess = figure - self._threshold
        if self._first is not None or excess <= 0:
            return 0.0
        ratio = excess / (self._scale + grain + 1e-9 * abs(self._threshold) + 1e-300)
        shape = self._shape
        spared = log(max(1e-300, 1 + shape * ratio)) / shape if abs(shape) > 1e-6 else ratio
        return min(STRANGEST, -log10(_SHARE) + spared / LN10)

    def quantile(self, score: float) -> float:
        """The figure that has this score (more than 1.3), as far as is known."""
        if self._first is not None:
            return max(self._first, default=0.0)
        spared = LN10 * score + log(_SHARE)
        shape = self._shape
        return self._threshold + self._scale * ((exp(shape * spared) - 1) / shape if abs(shape) > 1e-6 else spared)

    def learn(self, figure: float) -> None:
        self.seen += 1
        if self._first is not None:
            self._first.append(figure)
            if len(self._first) == _FIRST:
                self._begin(sorted(self._first))
            return
        excess = min(figure, self.quantile(_TEACHES)) - self._threshold
        above = excess > 0
        self._threshold += self._scale * ((1 - _SHARE) if above else -_SHARE) / min(self.seen**0.5, 50)
        if above:
            self._excesses = [*self._excesses[1 - _PEAKS :], _short(excess)]
            self._fit()

    def _begin(self, ordered: Sequence[float]) -> None:
        self._first = None
        place = round(_FIRST * (1 - _SHARE))
        self._threshold = (ordered[place - 1] + ordered[place]) / 2
        self._excesses = [_short(figure - self._threshold) for figure in ordered[place:]]
        self._fit()

    def _fit(self) -> None:
        """Hosking and Wallis' a0 and a1, the shape drawn towards what is usual as long as there are few peaks.
        Never below 0: that would mean an end beyond which nothing is possible, which no hundred peaks can tell."""
        ordered, count = sorted(self._excesses), len(self._excesses)
        mean = sum(ordered) / count
        weighted = sum((count - 0.65 - place) * excess for place, excess in enumerate(ordered)) / count / count
        found = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else _SHAPE
        self._shape = (max(0.0, min(0.6, found)) * count + _SHAPE * _WEIGHT) / (count + _WEIGHT)
        self._scale = mean * (1 - self._shape)

    def memory(self) -> list[object]:
        return [self._first, self._threshold, self._excesses, self._shape, self._scale, self.seen]

    def remember(self, memory: Sequence[object]) -> None:
        first, threshold, excesses, shape, scale, seen = memory
        if not (isinstance(first, list | None) and isinstance(excesses, list) and isinstance(seen, int)):
            raise TypeError("not peaks")
        self._first, self._excesses, self.seen = first, excesses, seen
        self._threshold, self._shape, self._scale = (float(number) for number in (threshold, shape, scale))  # type: ignore[arg-type]


def _short(excess: float) -> float:
    """In few digits, so that many of them are a small state."""
    return float(f"{excess:.5g}")
