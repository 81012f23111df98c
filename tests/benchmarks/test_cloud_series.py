"""The drawn series that settings are chosen on are labelled as NAB labels its files."""

from __future__ import annotations

from benchmarks.detection.cloud_series import KINDS, ROWS, draw
from benchmarks.detection.nab_scoring import probation


def test_windows_are_a_tenth_of_the_rows_apart_and_after_the_probation():
    """In each of a series of every kind: one to three windows, in order, none in the first 15 %."""
    for file in draw(3, len(KINDS)):
        assert 1 <= len(file.windows) <= 3
        assert len(file.values) == len(file.times) == ROWS
        assert min(file.values) >= 0
        limits = [row for window in file.windows for row in window]
        assert probation(ROWS) < limits[0] and limits == sorted(set(limits)) and limits[-1] < ROWS


def test_a_seed_says_what_is_drawn():
    """The same again for the same seed, another for another."""
    assert draw(3, 2) == draw(3, 2) != draw(4, 2)
