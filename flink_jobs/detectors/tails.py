"""How improbable a figure is under a distribution, as -log10 of a tail probability: what makes the scores of all detectors comparable.

Closed forms that stay accurate far out in the tail and take a microsecond or two, since they run for each series and step:
- beta, and through it the negative binomial: the normal deviate of Peizer and Pratt, "A Normal Approximation for Binomial, F, Beta,
  and Other Common, Related Tail Probabilities", JASA 63 (1968); where a parameter is too small for it, the continued fraction of
  Abramowitz and Stegun 26.5.8;
- Student's t: Peizer and Pratt's deviate for it, an even function of ln(1 + t²/ν);
- quantiles of a skewed positive figure: Wilson and Hilferty, "The Distribution of Chi-Square", PNAS 17 (1931).
"""

from __future__ import annotations

from math import erfc, exp, lgamma, log, log1p, pi, sqrt

from flink_jobs.detectors.detector import STRANGEST

LN10 = log(10)
Z_1000 = 3.0902  # the normal deviate that one in a thousand exceeds: where the expected band ends
_SQRT2 = sqrt(2)
_TERMS = 100  # of the continued fraction: it has long converged wherever it is used


def normal_tail(z: float) -> float:
    """-log10 P(Z >= z).

    >>> round(normal_tail(3.0902), 3), round(normal_tail(0.0), 3), round(normal_tail(-9.0), 3)
    (3.0, 0.301, 0.0)
    """
    if z < 30:
        return max(0.0, -log(0.5 * erfc(z / _SQRT2)) / LN10)
    return min(STRANGEST, (z * z / 2 + log(z * sqrt(2 * pi)) + log1p(1 / (z * z))) / LN10)  # Mills: erfc has no digits left


def normal_deviate(score: float) -> float:
    """The z of which `normal_tail` is the score, for scores of 0.302 and more (Abramowitz and Stegun 26.2.23: to 5e-4).

    >>> round(normal_deviate(3.0), 2)
    3.09
    """
    t = sqrt(2 * LN10 * score)
    return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t**3)


def student_tail(t: float, freedom: float) -> float:
    """-log10 P(|T| >= t), both sides, for any degrees of freedom.

    >>> round(student_tail(8.610, 4), 1), round(student_tail(3.646, 30), 2)
    (3.0, 3.0)
    """
    if freedom < 8:
        return beta_tail(freedom / 2, 0.5, freedom / (freedom + t * t))
    z = (freedom - 2 / 3 + 0.1 / freedom) * sqrt(log1p(t * t / freedom) / (freedom - 5 / 6))
    return max(0.0, normal_tail(z) - 0.30103)


def negative_binomial_tails(count: float, mean: float, variance: float) -> tuple[float, float]:
    """-log10 of P(X <= count) and of P(X >= count), for 0 < mean < variance (as that nears the mean: Poisson's).

    >>> [round(tail, 1) for tail in negative_binomial_tails(10, 1.0, 1.0001)]
    [0.0, 6.9]
    """
    p = mean / variance  # of a success: the count is of failures before the r-th
    r = mean * p / (1 - p)
    nothing = r * log(p)
    if count <= 0:
        return min(STRANGEST, -nothing / LN10), 0.0
    above = -log(max(1e-300, -_exp_less_one(nothing))) / LN10 if count == 1 else beta_tail(count, r, 1 - p)
    return beta_tail(r, count + 1, p), above


def _exp_less_one(x: float) -> float:
    return x if x > -1e-9 else exp(x) - 1


def beta_tail(a: float, b: float, x: float) -> float:
    """-log10 of the incomplete beta function I_x(a, b): P(B <= x) of a beta variable, P(X >= a) of a binomial one, …

    >>> round(beta_tail(2, 98, 1e-4), 1), round(beta_tail(40, 60, 0.2), 1)
    (4.3, 5.6)
    """
    y = 1 - x
    if x <= 0 or y <= 0:
        return 0.0 if x > 0 else STRANGEST
    if a < 2 or b < 2:
        return _beta_tail_of_small(a, b, x)
    n = a + b - 1
    d = a - 1 / 3 - (n + 1 / 3) * x + 0.02 * (y / a - x / b + (y - 0.5) / (a + b))
    square = (1 + y * _g((a - 0.5) / (n * x)) + x * _g((b - 0.5) / (n * y))) / ((n + 1 / 6) * x * y)
    return normal_tail(d * sqrt(max(0.0, square)))


def _g(x: float) -> float:
    if abs(x - 1) < 1e-3:
        return (1 - x) / 3  # the first term of its series: the form below would lose all digits
    return (1 - x * x + 2 * x * log(x)) / ((1 - x) * (1 - x))


def _beta_tail_of_small(a: float, b: float, x: float) -> float:
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return min(STRANGEST, max(0.0, -(front + log(_fraction(a, b, x) / a)) / LN10))
    other = exp(front) * _fraction(b, a, 1 - x) / b
    return max(0.0, -log(max(1e-300, 1 - other)) / LN10)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction by Lentz's method."""
    d = 1 / _off_zero(1 - (a + b) * x / (a + 1))
    c, product = 1.0, d
    for m in range(1, _TERMS):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / _off_zero(1 + step * d)
            c = _off_zero(1 + step / c)
            product *= c * d
        if abs(c * d - 1) < 1e-8:
            break
    return product


def _off_zero(x: float) -> float:
    return x if abs(x) > 1e-300 else 1e-300


def usual_band(mean: float, variance: float) -> tuple[float, float]:
    """What a figure that is never negative stays between but for one time in a thousand on each side.

    >>> low, high = usual_band(100, 100)
    >>> round(low), round(high)
    (72, 134)
    """
    spread = variance / (mean * mean) / 9
    low, high = (1 - spread + sign * Z_1000 * sqrt(spread) for sign in (-1, 1))
    if spread > 1:  # nearly always nothing: the approximation ends here, Chebyshev's bound does not
        return 0.0, mean + sqrt(1000 * variance)
    return mean * max(0.0, low) ** 3, mean * high**3
