"""How unlike all before the figures of the last steps are together: a spread, a burst or a lull that no single step gives away.

Distance to the nearest known window and its rank among earlier distances, a conformal p-value: Burnaev and Ishimtsev, "Conformalized
density- and distance-based anomaly detection in time-series data" (KNN-CAD), arXiv:1608.04585 (2016). Two things are cheaper than there:
a window is four figures, the means of its quarters once sorted, so when in it something happened is of no account; and near ones are
known by one of them, the leader of Hartigan's algorithm (Clustering Algorithms, 1975, chapter 3), whose radius grows so that they stay few.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import combinations
from math import log10

_LENGTH = 40  # steps of a window
_EVERY = 5  # steps after which the next one is looked at
_QUARTER = _LENGTH // 4
_KNOWN = 64  # windows that are kept
_WIDER = 1.3  # by which the radius grows when there are more
_FARTHEST = 100  # distances that are kept: ranks beyond are not asked for
_FIRST = 60  # distances before a rank says anything
_LONG = 20_000  # distances that ranks are among, at most; older ones count half
_LASTS = 1.08  # log10 of 12: a rare window is seen in a dozen looks, so it is as often rare a step as a twelfth


class Windows:
    """Memory of a stream of finite figures."""

    def __init__(self) -> None:
        self._recent: list[float] = []  # of the newest window and the one before it
        self._steps = 0
        self._known: list[list[float]] = []
        self._radius = 0.0
        self._farthest: list[float] = []  # in order
        self._seen = 0

    def novelty(self, figure: float) -> float:
        """-log10 of how often, a step, a window was as far from all before as the one that ends with this; 0 between two looks."""
        if self._seen < _FIRST or (self._steps + 1) % _EVERY:
            return 0.0
        larger = len(self._farthest) - bisect_left(self._farthest, self._distance(_window([*self._recent, figure])))
        return 0.0 if larger == _FARTHEST else _LASTS - log10((larger + 1) / (self._seen + 1))

    def learn(self, figure: float) -> None:
        self._recent.append(_short(figure))
        del self._recent[: -2 * _LENGTH]
        self._steps += 1
        if self._steps % _EVERY or len(self._recent) < 2 * _LENGTH:
            return
        if self._known:
            self._rank(self._distance(_window(self._recent)))
        self._know(_window(self._recent[:_LENGTH]))  # the newest is no precedent for those that share its steps

    def _distance(self, window: Sequence[float]) -> float:
        a, b, c, d = window
        return min([abs(a - w) + abs(b - x) + abs(c - y) + abs(d - z) for w, x, y, z in self._known])

    def _rank(self, distance: float) -> None:
        insort(self._farthest, float(f"{distance:.4g}"))
        del self._farthest[:-_FARTHEST]
        self._seen += 1
        if self._seen >= _LONG:
            self._seen, self._farthest = self._seen // 2, self._farthest[::2]

    def _know(self, window: list[float]) -> None:
        if self._known and self._distance(window) <= self._radius:
            return
        self._known.append(window)
        if len(self._known) > _KNOWN:
            self._widen()

    def _widen(self) -> None:
        """At least to the distance of the two that are nearest, so at least one goes."""
        known = self._known
        nearest = min(sum(abs(a - b) for a, b in zip(one, other, strict=True)) for one, other in combinations(known, 2))
        self._known, self._radius = known[:1], max(self._radius * _WIDER, nearest)
        for window in known[1:]:
            if self._distance(window) > self._radius:
                self._known.append(window)

    def memory(self) -> list[object]:
        return [self._recent, self._steps, self._known, self._radius, self._farthest, self._seen]

    def remember(self, memory: Sequence[object]) -> None:
        recent, steps, known, radius, farthest, seen = memory
        if not (isinstance(recent, list) and isinstance(known, list) and isinstance(farthest, list)):
            raise TypeError("not windows")
        if not (isinstance(steps, int) and isinstance(seen, int) and isinstance(radius, float)) or any(len(one) != 4 for one in known):
            raise TypeError("not windows")
        self._recent, self._steps, self._known, self._radius, self._farthest, self._seen = recent, steps, known, radius, farthest, seen


def _window(recent: Sequence[float]) -> list[float]:
    """The means of the quarters of the newest steps, sorted."""
    ordered = sorted(recent[-_LENGTH:])
    return [_short(sum(ordered[place : place + _QUARTER]) / _QUARTER) for place in range(0, _LENGTH, _QUARTER)]


def _short(figure: float) -> float:
    """In few digits, so that many of them are a small state."""
    return float(f"{figure:.5g}")
