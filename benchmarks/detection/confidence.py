"""Exact confidence intervals: of a Poisson rate (Garwood 1936) and of a share (Clopper and Pearson 1934)."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, exp, lgamma, log


def poisson_interval(count: int, exposure: float, level: float = 0.95) -> tuple[float, float]:
    """Least and greatest rate for which so few or so many events in `exposure` are not too unlikely (Garwood).

    >>> [round(bound, 3) for bound in poisson_interval(3, 1)]
    [0.619, 8.767]
    """
    tail = (1 - level) / 2
    most = 20.0 + 3.0 * count
    least = 0.0 if count == 0 else _root(lambda mean: 1 - _at_most(count - 1, mean) - tail, 0, most)
    return least / exposure, _root(lambda mean: tail - _at_most(count, mean), 0, most) / exposure


def share_interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """The same for a share (Clopper-Pearson).

    >>> [round(bound, 3) for bound in share_interval(9, 10)]
    [0.555, 0.997]
    """
    tail = (1 - level) / 2
    least = 0.0 if hits == 0 else _root(lambda share: 1 - _no_more(hits - 1, of, share) - tail, 0, 1)
    return least, 1.0 if hits == of else _root(lambda share: tail - _no_more(hits, of, share), 0, 1)


def _at_most(count: int, mean: float) -> float:
    """Poisson's distribution function."""
    if mean == 0:
        return 1.0
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def _no_more(hits: int, of: int, share: float) -> float:
    """The binomial distribution function."""
    return sum(float(comb(of, k)) * share**k * (1 - share) ** (of - k) for k in range(hits + 1))


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is zero, by halving."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
