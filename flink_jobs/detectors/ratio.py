"""`ratio`: finds an error share that is too high (or low) for this series, whatever the number of requests: 1 error of 2 is no incident.

The tail probability of a beta-binomial (Griffiths, "Maximum Likelihood Estimation for the Beta-Binomial Distribution", Biometrics 29
(1973)): failures of `trials`, each failing with a share that itself varies from step to step. Mean share and its restlessness φ (the
correlation within a step) by moments as Kleinman's (JASA 68, 1973), each step weighed by how much it can say of φ (weighted least
squares of the squared residuals: Davidian and Carroll, "Variance Function Estimation", JASA 82 (1987)), over the recent `memory`;
Jeffreys' half failure and half success stand for what was not seen yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import lgamma, log, sqrt
from typing import Any, ClassVar

from flink_jobs.detectors.detector import STRANGEST, Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.settings import MEMORY, MIN_STEPS, day_of
from flink_jobs.detectors.tails import LN10, beta_tail, usual_band
from flink_jobs.rules.options import Option
from logverse.instant import Millis

_LEAST_PHI = 1e-5
_MOST_PHI = 0.5
_USUAL_PHI = 0.01  # a series is no more restless than about this until it has shown it: a normal prior's deviation
_MOST_ADDED = 15.0  # up to this standard deviation (in failures) the tail is added up term by term, beyond it a beta stands for it
_CUT = 5.0  # deviations beyond which a step teaches no more than one at the border
_TRIALS = 2_000.0  # a share is made of the steps that hold about so many trials, at least: rare errors need many


class Ratio(Kept):
    """Failures (`value`) of requests (`trials`) a step; steps without requests say nothing.

    >>> detector = Ratio({"min_steps": 20}, step_ms=10_000)
    >>> for step in range(100):
    ...     detector.learn(Observation(float(step % 2), trials=100), at=step * 10_000)
    >>> few, many = (detector.score(Observation(n, trials=2 * n), at=1_000_000).score for n in (1, 20))
    >>> few < 2.5 < 10 < many
    True
    """

    options: ClassVar[Mapping[str, Option]] = {"min_steps": MIN_STEPS, "memory": MEMORY}
    needs: ClassVar[Needs] = "ratio"
    version: ClassVar[int] = 2

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        self._long = day_of(step_ms)
        self._min_steps: int = options.get("min_steps", 60)
        self._recent = float(options.get("memory", 60))
        self._steps = 0
        self._failures = self._trials = 0.0  # means a step, over the recent ones
        self._excess = self._weight = 0.0  # means whose ratio is φ, over a day

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._steps / self._min_steps)
        usable = _usable(seen)
        trials = usable[1] if usable else self._trials
        mean, phi = self._expected()
        band = _band(mean, phi, max(1.0, trials))
        if usable is None or ready < 1:
            return silent(ready, "" if usable else "not failures of trials", band)
        failures, above = usable[0], usable[0] > trials * mean
        tail = _tail(failures, trials, mean, phi) if above else _tail(trials - failures, trials, 1 - mean, phi)
        return Verdict(max(0.0, tail - 0.30103), *band, "above" if above else "below", ready)

    def learn(self, seen: Observation, at: Millis) -> None:
        usable = _usable(seen)
        if usable is None:
            return
        failures, trials = usable
        if self._steps:
            mean, phi = self._expected()
            single = trials * mean * (1 - mean)
            variance = single * (1 + (trials - 1) * phi)
            edge = _CUT * sqrt(variance) + 1
            failures = max(trials * mean - edge, min(trials * mean + edge, failures))
            share = 1 / min(self._steps, self._long)
            # What φ adds to the square, over the variance of such a square (a Poisson variable's: 2V² + V): one failure of three says next
            # to nothing of φ, one of one nothing at all, and busy steps do not drown the others.
            told = single * (trials - 1)
            weight = told / (2 * variance * variance + variance) if told > 0 else 0.0
            self._excess += (((failures - trials * mean) ** 2 - single) * weight - self._excess) * share
            self._weight += (told * weight - self._weight) * share
        self._steps += 1
        share = 1 / min(self._steps, self._memory_steps())
        self._failures += (failures - self._failures) * share
        self._trials += (trials - self._trials) * share

    def _memory_steps(self) -> float:
        return max(self._recent, min(self._long, _TRIALS / (self._trials + 1e-9)))

    def _expected(self) -> tuple[float, float]:
        """The mean share, and how much of its variance all requests of a step have in common."""
        trials = self._trials * min(self._steps, self._memory_steps())
        failures = self._failures * min(self._steps, self._memory_steps())
        doubt = 1 / (_USUAL_PHI * _USUAL_PHI) / max(1, min(self._steps, self._long))
        phi = self._excess / (self._weight + doubt)
        return (failures + 0.5) / (trials + 1), max(_LEAST_PHI, min(_MOST_PHI, phi)) + 1 / (trials + 2)

    def _memory(self) -> list[Any]:
        return [self._steps, self._failures, self._trials, self._excess, self._weight]

    def _remember(self, memory: list[Any]) -> None:
        self._steps, self._failures, self._trials, self._excess, self._weight = memory


def _usable(seen: Observation) -> tuple[float, float] | None:
    failures, trials = figure(seen.value), figure(seen.trials)
    return (failures, trials) if failures is not None and trials and 0 <= failures <= trials else None


def _tail(failures: float, trials: float, mean: float, phi: float) -> float:
    """-log10 P(X >= failures) of a beta-binomial."""
    if failures <= 0:
        return 0.0
    expected = trials * mean
    variance = expected * (1 - mean) * (1 + (trials - 1) * phi)
    if variance > _MOST_ADDED * _MOST_ADDED or trials > 1e9:
        # As many failures as there are steps between them: the share itself as a beta of the same mean and variance
        size = max(1e-6, mean * (1 - mean) * trials * trials / variance - 1)
        return beta_tail((1 - mean) * size, mean * size, 1 - (failures - 0.5) / trials)
    return _added_up(failures, trials, mean, 1 / phi - 1)


def _added_up(failures: float, trials: float, mean: float, size: float) -> float:
    a, b, k = mean * size, (1 - mean) * size, failures
    first = (
        lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        + lgamma(k + a) + lgamma(trials - k + b) - lgamma(trials + size)
        + lgamma(size) - lgamma(a) - lgamma(b)
    )  # fmt: skip
    total = term = 1.0
    while term > total * 1e-4 and k < trials:
        term *= (trials - k) * (k + a) / ((k + 1) * (trials - k - 1 + b))
        total += term
        k += 1
    return min(STRANGEST, max(0.0, -(first + log(total)) / LN10))


def _band(mean: float, phi: float, trials: float) -> tuple[float, float]:
    """Shares that are usual among so many requests."""
    variance = mean * (1 - mean) * (1 + (trials - 1) * phi) / trials
    if mean <= 0.5:
        low, high = usual_band(mean, variance)
        return low, min(1.0, high)
    low, high = usual_band(1 - mean, variance)
    return max(0.0, 1 - high), 1 - low
