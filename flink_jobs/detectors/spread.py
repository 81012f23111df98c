"""How far a figure usually is from what was expected of it: a scale, and how heavy the tails are.

A mixture of Student's t distributions of a few degrees of freedom, each with a scale of its own followed by the online EM step of
Lange, Little and Taylor, "Robust Statistical Modeling Using the t Distribution", JASA 84 (1989): a residual counts less the farther
out it lies, so one outlier hardly widens the band. How well each has foretold the residuals of late is its weight in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p, pi, sqrt

from flink_jobs.detectors.detector import STRANGEST
from flink_jobs.detectors.tails import LN10, student_tail

_FREEDOMS = (3.0, 6.0, 15.0, 200.0)
# |t| that one in 500 exceeds (both sides): one in a thousand on each
_EDGES = (10.2145, 5.2076, 3.7328, 3.1315)
_CONSTANTS = tuple(lgamma((v + 1) / 2) - lgamma(v / 2) - log(v * pi) / 2 for v in _FREEDOMS)
_KINDS = tuple(enumerate(zip(_FREEDOMS, _CONSTANTS, strict=True)))
_RECALL = 500.0  # residuals by which the weights are judged
_ORDINARY = 2.0  # squared residuals in units of the scale below which the best alone is asked: it is no anomaly to any of them
_TELLING = (
    30.0  # squared residuals in units of the scale beyond which one teaches no more: a glitch makes neither a wide band nor heavy tails
)
_NEGLIGIBLE = 1e-7  # a weight that changes no score
_TINIEST = 1e-18  # of a square: so that nothing divides by zero


class Spread:
    """Scale and tails of residuals around zero. `long`: residuals that the scale is made of."""

    def __init__(self, long: float) -> None:
        self._long = long
        self.count = 0
        self._squares = [0.0] * len(_FREEDOMS)
        self._evidence = [0.0] * len(_FREEDOMS)  # log likelihoods, fading
        self._best = 0  # the one of most evidence

    def scale(self) -> float:
        """Of the distribution that foretells best."""
        return sqrt(self._squares[self._best])

    def tail(self, residual: float, grain: float) -> float:
        """-log10 P(|R| >= |residual|). `grain`: how precisely the figure is worth knowing; it is added to the scale."""
        squared, least = residual * residual, grain * grain + _TINIEST
        best = self._best
        if squared < _ORDINARY * self._squares[best]:
            return student_tail(sqrt(squared / (self._squares[best] + least)), _FREEDOMS[best])
        top = self._evidence[best]
        total = probability = 0.0
        highest = STRANGEST
        for freedom, square, evidence in zip(_FREEDOMS, self._squares, self._evidence, strict=True):
            weight = exp(evidence - top)
            if weight < _NEGLIGIBLE:
                continue
            tail = student_tail(sqrt(squared / (square + least)), freedom)
            total += weight
            probability += weight * exp(-LN10 * tail)
            highest = min(highest, tail - log(weight) / LN10)
        return -log(probability / total) / LN10 if probability > 1e-290 else highest

    def edge(self, grain: float) -> float:
        """The distance from the expected that one residual in a thousand exceeds on either side."""
        best = self._best
        return _EDGES[best] * sqrt(self._squares[best] + grain * grain)

    def learn(self, residual: float) -> None:
        squared = residual * residual
        self.count += 1
        if self.count == 1:
            self._squares = [squared] * len(_FREEDOMS)
            return
        share = 1 / min(self.count, self._long)
        keep = 1 - 1 / min(self.count, _RECALL)
        squares, evidence = self._squares, self._evidence
        for place, (freedom, constant) in _KINDS:
            square = squares[place] + _TINIEST
            ratio = squared / square
            if ratio > _TELLING:
                ratio = _TELLING
            more = freedom + 1
            evidence[place] = evidence[place] * keep + constant - (log(square) + more * log1p(ratio / freedom)) / 2
            squares[place] += (more * ratio * square / (freedom + ratio) - squares[place]) * share
        self._best = evidence.index(max(evidence))

    def memory(self) -> list[object]:
        return [self.count, self._squares, self._evidence]

    def remember(self, memory: Sequence[object]) -> None:
        count, squares, evidence = memory
        if not (isinstance(count, int) and isinstance(squares, list) and isinstance(evidence, list)):
            raise TypeError("not a spread")
        if not len(squares) == len(evidence) == len(_FREEDOMS):
            raise ValueError("a spread of other tails")
        self.count, self._squares, self._evidence = count, squares, evidence
        self._best = evidence.index(max(evidence))
