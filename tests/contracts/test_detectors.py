"""What every detector must do, generated from DETECTORS: nobody can forget to list one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import astuple
from functools import cache
from random import Random
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.detectors import DETECTORS
from flink_jobs.detectors.detector import STRANGEST, Detector, Observation, Verdict

STEP = 10_000
START = 1_790_000_000_000
OPTIONS: dict[str, dict[str, Any]] = {"half_space_trees": {"measures": ["rate", "errors", "latency"]}}


def poisson(draw: Random, mean: float) -> int:
    """Knuth's method."""
    count, product = 0, draw.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * draw.random()
    return count


def service(draw: Random) -> Observation:
    load = draw.gauss(0, 1)
    return Observation(0.0, parts=(100 + 10 * load, 0.01 + draw.gauss(0, 0.003), 0.2 * math.exp(0.1 * load + draw.gauss(0, 0.05))))


# Noise of each detector's own model, and what is far outside it
NOISE: dict[str, Callable[[Random], Observation]] = {
    "seasonal": lambda draw: Observation(draw.gauss(50, 5)),
    "count": lambda draw: Observation(poisson(draw, draw.gammavariate(50, 1))),
    "ratio": lambda draw: Observation(sum(draw.random() < 0.05 for _ in range(100)), trials=100),
    "latency": lambda draw: Observation(math.exp(draw.gauss(-2, 0.3)), trials=50),
    "extreme_value": lambda draw: Observation(draw.expovariate(1)),
    "change_point": lambda draw: Observation(draw.gauss(50, 5)),
    "half_space_trees": service,
    "ensemble": lambda draw: Observation(draw.gauss(50, 5)),
}
STRANGE: dict[str, Observation] = {
    "seasonal": Observation(100.0),
    "count": Observation(200.0),
    "ratio": Observation(60.0, trials=100),
    "latency": Observation(2.0, trials=50),
    "extreme_value": Observation(40.0),
    "half_space_trees": Observation(0.0, parts=(100, 0.01, 2.0)),
    "ensemble": Observation(200.0),
}
PERSISTENT = {"change_point": Observation(65.0)}  # strange only when it lasts


def made(name: str) -> Detector:
    return DETECTORS[name].make(OPTIONS.get(name, {}), STEP)


def restored(name: str, data: bytes) -> Detector | None:
    return DETECTORS[name].restore(data, OPTIONS.get(name, {}), STEP)


def lived(name: str, steps: int, seed: int = 7) -> tuple[Detector, list[Verdict]]:
    """A detector that has scored and learnt so many steps of noise, and its verdicts."""
    draw, detector, verdicts = Random(seed), made(name), []
    for step in range(steps):
        seen, at = NOISE[name](draw), START + step * STEP
        verdicts.append(detector.score(seen, at))
        detector.learn(seen, at)
    return detector, verdicts


@cache
def grown(name: str) -> bytes:
    return lived(name, 450)[0].state()


@pytest.fixture(params=DETECTORS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_silent_until_it_has_learnt(name):
    """Readiness grows from 0 to 1 and never shrinks; below 1 nothing is judged."""
    _, verdicts = lived(name, 500)

    ready = [verdict.ready for verdict in verdicts]
    assert ready[0] == 0 and ready[-1] == 1 and ready == sorted(ready)
    assert all(verdict.score == 0 for verdict in verdicts if verdict.ready < 1)


def test_scoring_changes_nothing(name):
    """Only what is learnt is remembered: an incident that is scored and not learnt leaves no trace."""
    detector, _ = lived(name, 500)
    before = detector.state()
    strange = STRANGE.get(name) or PERSISTENT[name]

    first = [detector.score(strange, START + step * STEP) for step in (500, 501, 5_000_000)]
    again = [detector.score(strange, START + step * STEP) for step in (500, 501, 5_000_000)]

    assert first == again
    assert detector.state() == before


def test_it_finds_what_is_far_out(name):
    """Strange scores at least 4, is outside the band, and is said to be above it."""
    detector, _ = lived(name, 1000)
    strange = STRANGE.get(name) or PERSISTENT[name]
    at = START + 1000 * STEP
    for _ in range(12 if name in PERSISTENT else 0):
        detector.learn(strange, at)
        at += STEP

    verdict = detector.score(strange, at)

    assert verdict.score >= 4
    assert verdict.direction == "above"
    figure = strange.parts[2] if strange.parts else strange.value / (strange.trials if DETECTORS[name].needs == "ratio" else 1)
    assert name in PERSISTENT or verdict.low < verdict.high < figure


def test_its_scores_are_probabilities(name):
    """On noise of its own model a score of 3 comes about once in a thousand steps or less, 2 once in a hundred."""
    verdicts = [verdict for seed in (1, 2) for verdict in lived(name, 5000, seed)[1][600:]]

    often = {score: 1000 * sum(verdict.score >= score for verdict in verdicts) / len(verdicts) for score in (1, 2, 3, 4)}

    assert often[3] <= 2.5 and often[4] <= 0.8
    assert 0.2 <= often[2] <= 16
    assert often[1] > 5 or name == "ensemble"  # which tells a thing once


@pytest.mark.parametrize("name", [name for name, kind in DETECTORS.items() if kind.needs != "vector"])
def test_its_band_holds_what_is_usual(name):
    """Nearly all of the noise lies within the band, and the band is not everything."""
    _, verdicts = lived(name, 2000)
    draw = Random(99)
    usual = [NOISE[name](draw) for _ in range(500)]
    verdict = verdicts[-1]

    share = DETECTORS[name].needs == "ratio"
    inside = [verdict.low <= seen.value / (seen.trials if share else 1) <= verdict.high for seen in usual]

    assert sum(inside) / len(inside) >= 0.97
    assert verdict.high - verdict.low < 12 * max(seen.value for seen in usual)


HOSTILE = [math.nan, math.inf, -math.inf, -1.0, -1e300, 1e300, 1e-300, 0.0, 5e-324, 1e15, 2**63]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", DETECTORS)
def test_hostile_numbers_do_no_harm(name, data):
    """Whatever it is shown, in any order of times: finite answers between 0 and the highest score, and a state that can be kept."""
    detector = restored(name, grown(name))
    assert detector is not None
    number = st.one_of(st.sampled_from(HOSTILE), st.floats(), st.floats(0, 1000))
    shown = data.draw(st.lists(st.tuples(number, number, st.lists(number, max_size=4), st.integers(0, 10**14)), max_size=12))

    for value, trials, parts, at in shown:
        seen = Observation(value, trials, tuple(parts))
        verdict = detector.score(seen, at)
        detector.learn(seen, at)

        assert all(math.isfinite(number) for number in (verdict.score, verdict.low, verdict.high, verdict.ready))
        assert 0 <= verdict.score <= STRANGEST and verdict.low <= verdict.high
    assert math.isfinite(detector.score(NOISE[name](Random(1)), START + 450 * STEP).score)
    again = restored(name, detector.state())
    assert again is not None and again.state() == detector.state()


def test_next_to_nothing_among_next_to_nothing_does_no_harm(name):
    """The smallest numbers there are: a square of them is 0, and nothing is divided by it."""
    detector = restored(name, grown(name))

    for step in range(500, 503):
        detector.learn(Observation(0.0, 5e-324, (5e-324, 5e-324)), START + step * STEP)

    assert math.isfinite(detector.score(Observation(0.0, 5e-324, (5e-324, 5e-324)), START + 503 * STEP).score)


def test_what_is_no_number_teaches_nothing(name):
    """nan and the infinities are scored 0 with the reason, and not learnt."""
    detector, _ = lived(name, 500)
    before = detector.state()

    for wrong in (math.nan, math.inf, -math.inf):
        seen = Observation(wrong, trials=10, parts=(wrong, 1.0, 1.0))
        verdict = detector.score(seen, START + 500 * STEP)
        detector.learn(seen, START + 500 * STEP)

        assert verdict.score == 0 and verdict.reasons
    assert detector.state() == before


@given(cut=st.integers(0, 700), seed=st.integers(0, 1000))
@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_crash_changes_nothing(name, cut, seed):
    """Restored from its state it goes on exactly as one that was never interrupted, to the last bit."""
    draw, one, other = Random(seed), made(name), made(name)
    for step in range(720):
        seen, at = NOISE[name](draw), START + step * STEP * 37  # also past hours and days
        if step == cut:
            kept = restored(name, other.state())
            assert kept is not None
            other = kept
        assert astuple(one.score(seen, at)) == astuple(other.score(seen, at))
        one.learn(seen, at)
        other.learn(seen, at)

    assert one.state() == other.state()


def test_its_state_is_small_and_json(name):
    """After weeks it is at most 10 KiB, whatever the figures look like."""
    draw, detector = Random(3), made(name)
    for step in range(1500):
        seen = NOISE[name](draw)
        detector.learn(seen._replace(value=seen.value * math.pi, trials=seen.trials * 4), START + step * 900_000)

    state = detector.state()

    assert len(state) <= 10 * 1024
    assert set(orjson.loads(state)) == {"shape", "memory"}


def test_another_versions_state_is_left(name):
    """What another version, step or hand wrote starts anew instead of being misread."""
    detector, _ = lived(name, 120)
    kept = orjson.loads(detector.state())
    other = {**kept, "shape": [*kept["shape"][:1], -1, *kept["shape"][2:]]}
    broken = {**kept, "memory": kept["memory"][:-1]}

    for data in (b"", b"[]", b"\xff", b"{}", orjson.dumps(other), orjson.dumps(broken), b'{"shape": 1}'):
        assert restored(name, data) is None
    assert DETECTORS[name].restore(detector.state(), OPTIONS.get(name, {}), STEP * 6) is None


def test_its_options_teach(name):
    """Each option says what it is for and takes its own example; the file says which detector it is and where its formula is from."""
    kind = DETECTORS[name]

    for option in kind.options.values():
        assert option.about
        assert option.check(yaml.safe_load(option.example)) == ""
    about = inspect.getmodule(kind).__doc__ or ""
    assert about.startswith(f"`{name}`: ")
    assert any(f"{century}" in about for century in ("19", "20"))
