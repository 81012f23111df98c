"""Percentiles from the fixed-bound histogram, as Prometheus' histogram_quantile gives them, and better where the maximum is known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logverse.summary import DURATION_BOUNDS, quantile


def cumulative(durations):
    return [sum(1 for duration in durations if duration <= bound) for bound in DURATION_BOUNDS]


def q(fraction, *durations):
    return quantile(fraction, len(durations), cumulative(durations), max(durations))


@pytest.mark.parametrize(
    ("fraction", "durations", "expected"),
    [
        (0.5, [0.3] * 2 + [0.9] * 2, 0.5),  # rank 2 of 4 is the upper end of (0.25, 0.5]
        (0.75, [0.3] * 2 + [0.9] * 2, 0.75),  # rank 3: halfway into (0.5, 1.0]
        (0.95, [0.3] * 100, 0.3),  # interpolation says 0.4875, but nothing took longer than 0.3
        (0.5, [0.001] * 4, 0.001),  # the first bucket begins at 0: 0.0025, but the slowest took 0.001
        (0.5, [0.001, 0.001, 0.001, 0.9], 0.005 * 2 / 3),
        (0.9, [0.001] * 8 + [100.0] * 2, 80.0),  # beyond the last bound (60 s): halfway from 60 to the slowest
        (1.0, [0.001, 90.0], 90.0),
        (0.0, [0.3, 0.4], 0.0),
    ],
)
def test_percentiles_by_hand(fraction, durations, expected):
    """Rank = q × count, linear within its bucket."""
    assert q(fraction, *durations) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.floats(0.0001, 200), min_size=1, max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_grow_and_stay_in_bounds(durations, one, other):
    """A higher percentile is never a smaller duration, and none is above the slowest."""
    low, high = sorted([one, other])

    assert 0 <= q(low, *durations) <= q(high, *durations) + 1e-9
    assert q(high, *durations) <= max(durations)
