"""What a z-score gets wrong: small counts, few requests, combinations."""

from __future__ import annotations

import math
from random import Random

from flink_jobs.detectors.change_point import ChangePoint
from flink_jobs.detectors.count import CountModel
from flink_jobs.detectors.detector import Observation
from flink_jobs.detectors.ensemble import Ensemble
from flink_jobs.detectors.half_space_trees import HalfSpaceTrees
from flink_jobs.detectors.latency import Latency
from flink_jobs.detectors.ratio import Ratio

STEP = 10_000


def test_one_error_of_two_requests_is_no_incident():
    """The same share is strange or not by the number of requests behind it."""
    detector, draw = Ratio({}, STEP), Random(1)
    for step in range(500):
        detector.learn(Observation(sum(draw.random() < 0.01 for _ in range(100)), trials=100), step * STEP)

    scores = [detector.score(Observation(half, trials=2 * half), 5_000_000).score for half in (1, 3, 50)]

    assert scores[0] < 2 < 3 < scores[1] < scores[2]


def test_one_error_of_three_requests_does_not_blunt_the_detector():
    """Of a service with few requests, one of which fails now and then, the next burst is found: such a step says little of restlessness."""
    scores = []
    for seed in range(6):
        detector, draw = Ratio({}, STEP), Random(seed)
        for step in range(4000):
            trials = 1 + int(draw.expovariate(0.25))
            detector.learn(Observation(sum(draw.random() < 0.006 for _ in range(trials)), trials), step * STEP)
        scores.append(detector.score(Observation(6.0, trials=50), 40_000_000).score)

    assert min(scores) > 3


def test_a_share_that_varies_from_step_to_step_is_known_to():
    """Where the share itself goes up and down, a step at the top of its range is no news; where it stands still it is."""
    restless, steady = Ratio({}, STEP), Ratio({}, STEP)
    for step in range(2000):
        restless.learn(Observation(20.0 if step % 5 == 0 else 0.0, trials=200), step * STEP)
        steady.learn(Observation(4.0, trials=200), step * STEP)

    scores = [detector.score(Observation(20.0, trials=200), 20_000_000).score for detector in (restless, steady)]

    assert scores[0] < 2 < 5 < scores[1]


def test_a_first_error_is_no_burst():
    """In a service that had no error for an hour one is a note, three in ten seconds are an incident."""
    detector = CountModel({}, STEP)
    for step in range(360):
        detector.learn(Observation(0.0), step * STEP)

    one, three = (detector.score(Observation(float(count)), 3_600_000).score for count in (1, 3))

    assert one < 3 < 5 < three


def test_restless_traffic_gets_a_wide_band():
    """Counts that vary more than Poisson's do are not judged as if they did not."""
    detector, draw = CountModel({}, STEP), Random(2)
    for step in range(2000):
        detector.learn(Observation(float(round(draw.gammavariate(10, 10)))), step * STEP)

    assert detector.score(Observation(170.0), 20_000_000).score < 2.5  # 7 deviations of a Poisson count
    assert detector.score(Observation(400.0), 20_000_000).score > 4


def test_no_traffic_at_all_is_below():
    """Nothing where there were always a hundred is as strange as can be, and low."""
    detector, draw = CountModel({}, STEP), Random(3)
    for step in range(500):
        detector.learn(Observation(float(round(draw.gauss(100, 10)))), step * STEP)

    verdict = detector.score(Observation(0.0), 5_000_000)

    assert verdict.score > 10
    assert (verdict.direction, verdict.low > 50) == ("below", True)


def test_the_p95_of_one_request_says_little():
    """The same slowness scores less when it is measured over a single request."""
    detector, draw = Latency({}, STEP), Random(4)
    for step in range(500):
        detector.learn(Observation(math.exp(draw.gauss(-2, 0.2)), trials=100), step * STEP)

    many, one = (detector.score(Observation(0.35, trials=trials), 5_000_000).score for trials in (100, 1))

    assert one < 2 < 4 < many


def test_a_small_step_that_stays_is_found():
    """One deviation more, which no single step gives away, is found within two dozen steps; said with since when."""
    detector, draw = ChangePoint({}, STEP), Random(5)
    for step in range(1000):
        detector.learn(Observation(draw.gauss(50, 5)), step * STEP)
    scores = []
    for step in range(1000, 1024):
        seen = Observation(draw.gauss(56, 5))
        scores.append(detector.score(seen, step * STEP))
        detector.learn(seen, step * STEP)

    assert max(verdict.score for verdict in scores[:2]) < 3 < scores[-1].score
    assert scores[-1].reasons[0].startswith("above the usual level for")


def test_a_combination_that_never_was_is_found_and_named():
    """Load and latency rise together; high load with low latency passes for each of them and not for both."""
    detector, draw = HalfSpaceTrees({"measures": ["rate", "errors", "latency"]}, STEP), Random(6)

    def seen(load: float) -> tuple[float, float, float]:
        return 100 + 10 * load, 0.01 + draw.gauss(0, 0.003), 0.2 * math.exp(0.1 * load + draw.gauss(0, 0.02))

    for step in range(5000):
        detector.learn(Observation(0, parts=seen(draw.gauss(0, 1))), step * STEP)

    odd = detector.score(Observation(0, parts=(117.0, 0.01, 0.167)), 50_000_000)
    usual = detector.score(Observation(0, parts=(117.0, 0.01, 0.237)), 50_000_000)

    assert usual.score < 2 < 3 < odd.score
    assert odd.reasons[0].startswith(("unusual together, rate most", "unusual together, latency most"))


def test_the_ensemble_names_what_it_saw_and_tells_it_once():
    """A level that moves and stays is found by its shift; learnt, it is told a few times and not at each step."""
    detector, draw = Ensemble({}, STEP), Random(7)
    for step in range(1500):
        detector.learn(Observation(draw.gauss(50, 5)), step * STEP)
    verdicts = []
    for step in range(1500, 1540):
        seen = Observation(draw.gauss(65, 2))
        verdicts.append(detector.score(seen, step * STEP))
        detector.learn(seen, step * STEP)

    told = [verdict for verdict in verdicts if verdict.score >= 3]
    assert 1 <= len(told) <= 15
    assert ("strange by its shift",) in [verdict.reasons for verdict in told]
