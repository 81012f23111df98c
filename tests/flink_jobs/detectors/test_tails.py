"""Tail probabilities against their definitions, added up term by term."""

from __future__ import annotations

from math import exp, lgamma, log, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.detectors.ratio import _tail
from flink_jobs.detectors.tails import beta_tail, negative_binomial_tails, normal_deviate, normal_tail, student_tail, usual_band


def pascal(count: int, mean: float, variance: float) -> float:
    p = mean / variance
    r = mean * p / (1 - p)
    return exp(lgamma(r + count) - lgamma(r) - lgamma(count + 1) + r * log(p) + count * log(1 - p))


@pytest.mark.parametrize(("mean", "variance"), [(0.01, 0.011), (0.3, 0.5), (1, 1.01), (5, 30), (50, 50.5), (50, 500), (500, 20_000)])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 60, 300])
def test_negative_binomial(mean, variance, count):
    """Both tails are right within 2 % of the score, over the whole range of means and counts."""
    exact = [sum(pascal(k, mean, variance) for k in terms) for terms in (range(count + 1), range(count, count + 4000))]

    tails = negative_binomial_tails(count, mean, variance)

    for tail, probability in zip(tails, exact, strict=True):
        if probability > 1e-250:
            assert tail == pytest.approx(max(0, -log10(probability)), rel=0.02, abs=0.02)


@pytest.mark.parametrize(("failures", "trials", "mean", "phi"), [(1, 2, 0.01, 0.01), (5, 100, 0.01, 0.005), (60, 200, 0.2, 0.02),
                                                                  (300, 2000, 0.1, 0.01), (2500, 20_000, 0.1, 0.004)])  # fmt: skip
def test_beta_binomial(failures, trials, mean, phi):
    """Term by term for few, by a beta for many: within 4 % of the score."""
    size = 1 / phi - 1
    a, b = mean * size, (1 - mean) * size

    def term(k: int) -> float:
        choose = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        return exp(choose + lgamma(k + a) + lgamma(trials - k + b) - lgamma(trials + size) + lgamma(size) - lgamma(a) - lgamma(b))

    exact = -log10(sum(term(k) for k in range(failures, trials + 1)))

    assert _tail(failures, trials, mean, phi) == pytest.approx(exact, rel=0.04, abs=0.02)


@pytest.mark.parametrize(("t", "freedom", "score"), [(12.924, 3, 3), (5.959, 6, 3), (4.073, 15, 3), (3.340, 200, 3), (22.2, 3, 3.7)])
def test_student(t, freedom, score):
    """The tables' two-sided quantiles."""
    assert student_tail(t, freedom) == pytest.approx(score, abs=0.02)


@given(st.floats(0.4, 299))
def test_normal_deviate_inverts(score):
    """The deviate of a score has that score, near the middle and far out."""
    assert normal_tail(normal_deviate(score)) == pytest.approx(score, rel=2e-3)


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(0, 1))
def test_beta_is_a_probability(a, b, x):
    """Scores are never below 0, never nan, and no smaller for a smaller x."""
    assert 0 <= beta_tail(a, b, x) <= 300
    assert beta_tail(a, b, x / 2) >= beta_tail(a, b, x) - 0.1


@given(st.floats(1e-3, 1e9), st.floats(1, 100))
def test_band_holds_its_mean(mean, restless):
    """The usual band is around the mean, or ends at 0."""
    low, high = usual_band(mean, mean * restless)

    assert 0 <= low <= mean
    assert high >= low
