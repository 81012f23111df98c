"""NAB's scoring against values worked out by hand from its paper, and the baselines against NAB's own rows."""

from __future__ import annotations

import pytest

from benchmarks.detection.nab_baselines import daily_clock, null, windowed_gaussian
from benchmarks.detection.nab_files import FOLDER, read
from benchmarks.detection.nab_scoring import PROFILES, Profile, Scored, best_outcome, normalised, outcome, probation, sigmoid, sweep, worth

STANDARD, LOW_FP, LOW_FN = PROFILES


def file(detected: set[int], windows: list[tuple[int, int]], rows: int = 1000) -> Scored:
    return Scored("a", [1.0 if row in detected else 0.0 for row in range(rows)], windows)


def test_the_sigmoid_is_the_papers():
    """Section II.B: 2 sigmoid(-5y) - 1; figure 2's first point is 0.9866, at -0.5 0.8483, at the window's end 0."""
    assert sigmoid(-1) == pytest.approx(0.98661, abs=1e-5)
    assert sigmoid(-0.5) == pytest.approx(0.84828, abs=1e-5)
    assert sigmoid(0) == 0
    assert sigmoid(0.1) == pytest.approx(-0.24492, abs=1e-5)
    assert sigmoid(3) == -1


def test_a_row_is_worth_what_its_place_says():
    """A window of ten rows: its first row is worth 1, its last little; just behind it costs little, before all windows in full."""
    windows = [(500, 509)]

    assert worth(500, windows) == (0, pytest.approx(1.0))
    assert worth(509, windows) == (0, pytest.approx(0.24492 / 0.98661, abs=1e-5))
    assert worth(510, windows) == (None, pytest.approx(2 / (1 + 2.718281828 ** (5 / 9)) - 1))
    assert worth(499, windows) == (None, -1.0)
    assert worth(900, windows) == (None, -1.0)


def test_only_the_first_detection_of_a_window_counts():
    """Two windows, one found at its middle and again later, the other missed; one row in vain far behind."""
    found = outcome([file({505, 507, 990}, [(500, 509), (700, 709)])], STANDARD, 1.0)

    middle = (2 / (1 + 2.718281828 ** (5 * -0.5)) - 1) / 0.98661
    assert found.nab == pytest.approx(100 * (middle - 1 - 0.11 + 2) / 4, abs=1e-3)
    assert (found.found, found.windows, found.alarms, found.false_rows) == (1, 2, 1, 1)
    assert found.delay == pytest.approx(5 / 9)
    assert (found.precision, found.recall) == (0.5, 0.5)


@pytest.mark.parametrize(("profile", "score"), [(STANDARD, 100 - 0.11 * 50), (LOW_FP, 100 - 0.22 * 50), (LOW_FN, 100 - 0.11 * 100 / 3)])
def test_the_profiles_weigh_errors(profile, score):
    """A perfect detector with one row in vain before the window, under each application profile of table I."""
    assert outcome([file({300, 500}, [(500, 509)])], profile, 1.0).nab == pytest.approx(score)


def test_nothing_is_0_and_the_first_row_of_each_window_100():
    """The scale's ends, in every profile."""
    windows = [(500, 509), (700, 709)]
    for profile in PROFILES:
        assert outcome([file(set(), windows)], profile, 0.5).nab == 0
        assert outcome([file({500, 700}, windows)], profile, 0.5).nab == pytest.approx(100)
        assert normalised(-2 * profile.false_negative, 2, profile) == 0


def test_the_probation_does_not_count():
    """The first 15 %, at most 750 rows: detections there cost nothing."""
    assert [probation(rows) for rows in (1000, 4032, 20_000)] == [150, 604, 750]
    assert outcome([file({10, 149, 500}, [(500, 509)])], STANDARD, 1.0).nab == pytest.approx(100)
    assert outcome([file({150, 500}, [(500, 509)])], STANDARD, 1.0).nab < 95


def test_the_sweep_agrees_with_counting_at_each_threshold():
    """The threshold is the best of all, found in one pass, and it is for all files together."""
    first = Scored("a", [((row * 7919) % 1009) / 1009 for row in range(1009)], [(500, 549), (800, 849)])
    second = Scored("b", [((row * 104729) % 997) / 997 for row in range(997)], [(300, 359)])
    profile = Profile("any", 1.0, 0.11, 1.0)

    swept = sweep([first, second], profile)

    for threshold, raw in swept[::97]:
        assert normalised(raw, 3, profile) == pytest.approx(outcome([first, second], profile, threshold).nab)
    assert best_outcome([first, second], profile).nab == pytest.approx(max(normalised(raw, 3, profile) for _, raw in swept))


def test_the_windowed_gaussian_slides():
    """It grows to its window, then moves on by its step; a constant has a scale of next to nothing, as NAB's."""
    values = [float(place * 37 % 11) for place in range(60)]
    scores = windowed_gaussian(values, window=20, step=5)
    recent = values[25:45]
    mean = sum(recent) / 20
    deviation = (sum((value - mean) ** 2 for value in recent) / 20) ** 0.5

    assert scores[0] == 0
    assert scores[46] == pytest.approx(windowed_gaussian([mean - deviation, mean + deviation, values[46]])[2])
    assert windowed_gaussian([1.0, 1.0, 1.0, 1.1])[3] == 1.0
    assert (null([1.0, 2.0]), sum(daily_clock(values * 10))) == ([0.5, 0.5], 3)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="NAB lies in ../shared/data/nab")
def test_the_windowed_gaussian_is_nabs():
    """Two rows of NAB's own published results for art_daily_jumpsup (results/windowedGaussian), to its digits."""
    jumpsup = next(one for one in read(artificial=True) if "jumpsup" in one.name)

    scores = windowed_gaussian(jumpsup.values)

    assert scores[2412] == pytest.approx(0.764338804173, abs=1e-9)  # 2014-04-09 09:00
    assert scores[2592] == pytest.approx(0.79521302938, abs=1e-9)  # 2014-04-10 00:00
    assert jumpsup.step_ms == 300_000
    assert jumpsup.windows == [(2787, 3189)]
