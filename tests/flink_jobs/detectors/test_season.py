"""Seasons: graceful with little history, and what the detectors make of it."""

from __future__ import annotations

import math
from random import Random

from flink_jobs.detectors.count import CountModel
from flink_jobs.detectors.detector import Observation
from flink_jobs.detectors.season import Forecast
from flink_jobs.detectors.seasonal import Seasonal

STEP = 300_000
DAY = 288
MONDAY = 1_790_553_600_000  # 2026-09-28T00:00Z


def traffic(step: int) -> float:
    """Busy from eight to five on working days, quiet else; the edges are sharp."""
    weekday, hour = step // DAY % 7, step % DAY / 12
    return 100.0 if weekday < 5 and 8 <= hour < 17 else 20.0


def learnt(days: int, noise: float = 1.0) -> tuple[Forecast, int]:
    draw, forecast = Random(1), Forecast(60, 300, factor=False)
    for step in range(days * DAY):
        forecast.learn(traffic(step) + draw.gauss(0, noise), MONDAY + step * STEP)
    return forecast, days * DAY


def error(forecast: Forecast, step: int) -> float:
    expected, tolerance = forecast.expect(MONDAY + step * STEP)
    return max(0.0, abs(traffic(step) - expected) - tolerance)


def test_without_a_day_of_history_the_recent_level_is_expected():
    """On the first day there is no shape: the level of the last hours is what it has."""
    forecast, now = learnt(days=1)

    tonight, tomorrow_at_ten = (forecast.expect(MONDAY + step * STEP)[0] for step in (now, now + 10 * 12))
    assert tonight == tomorrow_at_ten
    assert error(forecast, now) < 20


def test_after_some_days_the_hour_of_the_day_is_expected():
    """On Thursday it knows when a working day begins."""
    forecast, thursday = learnt(days=3)

    assert error(forecast, thursday + 8 * 12 - 1) < 5
    draw = Random(2)
    for step in range(thursday, thursday + 9 * 12):
        forecast.learn(traffic(step) + draw.gauss(0, 1), MONDAY + step * STEP)
    assert error(forecast, thursday + 10 * 12) < 10


def test_after_weeks_the_hour_of_the_week_is_expected():
    """On the third Saturday it expects nobody at ten, and on Monday everybody."""
    forecast, friday = learnt(days=19)
    draw = Random(3)
    for step in range(friday, friday + DAY + 10 * 12):
        forecast.learn(traffic(step) + draw.gauss(0, 1), MONDAY + step * STEP)
    saturday = friday + DAY + 10 * 12

    assert traffic(saturday) == 20.0
    assert error(forecast, saturday) < 10


def test_a_morning_that_begins_late_is_forgiven():
    """A quarter of an hour is the tolerance at a day's edge; in the middle of the day there is none to speak of."""
    forecast, thursday = learnt(days=3)

    _, at_the_edge = forecast.expect(MONDAY + (thursday + 8 * 12) * STEP)
    _, at_noon = forecast.expect(MONDAY + (thursday + 12 * 12) * STEP)

    assert at_the_edge > 20 > 3 > at_noon


def test_a_day_without_its_rise_is_found():
    """Twenty requests at ten on a working day are strange though twenty at night are not: the level alone does not tell."""
    draw, detector = Random(4), CountModel({}, STEP)
    for step in range(7 * DAY + 8 * 12 + 24):
        mean = 100 * (1.2 + math.sin(2 * math.pi * step / DAY))
        detector.learn(Observation(round(max(0, draw.gauss(mean, math.sqrt(mean))))), MONDAY + step * STEP)
    at = MONDAY + (7 * DAY + 8 * 12 + 24) * STEP
    expected = 100 * (1.2 + math.sin(2 * math.pi * (8 * 12 + 24) / DAY))

    found, usual = (detector.score(Observation(float(count)), at) for count in (round(expected / 3), round(expected)))

    assert (found.direction, found.score > 5, usual.score < 2) == ("below", True, True)


def test_an_outlier_does_not_become_the_level():
    """One wild value learnt moves the expected band by less than a quarter of its width."""
    draw, detector = Random(5), Seasonal({}, STEP)
    for step in range(500):
        detector.learn(Observation(draw.gauss(50, 5)), MONDAY + step * STEP)
    before = detector.score(Observation(50.0), MONDAY + 500 * STEP)

    detector.learn(Observation(1e9), MONDAY + 500 * STEP)

    after = detector.score(Observation(50.0), MONDAY + 501 * STEP)
    assert abs(after.low - before.low) < (before.high - before.low) / 4


def test_a_new_level_that_is_learnt_becomes_usual():
    """Told to learn it, it finds a doubled level usual within four times its memory of steps."""
    draw, detector = Random(6), Seasonal({}, STEP)
    for step in range(1000):
        detector.learn(Observation(draw.gauss(50, 5)), MONDAY + step * STEP)
    at_first = detector.score(Observation(100.0), MONDAY + 1000 * STEP).score
    for step in range(1000, 1240):
        detector.learn(Observation(draw.gauss(100, 5)), MONDAY + step * STEP)

    assert at_first > 5
    assert detector.score(Observation(100.0), MONDAY + 1240 * STEP).score < 1.5
