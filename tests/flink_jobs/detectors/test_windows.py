"""What `windows` finds that no single step gives away, and how little it keeps."""

from __future__ import annotations

from random import Random

from flink_jobs.detectors.windows import Windows


def told(windows: Windows, figures: list[float]) -> float:
    """The highest novelty on the way; all is learnt."""
    highest = 0.0
    for figure in figures:
        highest = max(highest, windows.novelty(figure))
        windows.learn(figure)
    return highest


def test_a_figure_that_grows_restless_is_new_though_each_step_has_been_before():
    """Steps that come one by one each day are told when they come together."""
    draw, windows = Random(5), Windows()
    usual = [60.0 if draw.random() < 0.05 else draw.gauss(20, 1) for _ in range(3000)]
    told(windows, usual)

    calm = told(windows, [60.0 if draw.random() < 0.05 else draw.gauss(20, 1) for _ in range(100)])
    together = told(windows, [60.0 if draw.random() < 0.6 else draw.gauss(20, 1) for _ in range(100)])

    assert calm < together
    assert together > 3.5


def test_what_happens_when_in_a_window_is_of_no_account():
    """The same figures in another order are the same window."""
    draw, one, other = Random(6), Windows(), Windows()
    for _ in range(2000):
        figure = draw.gauss(20, 1)
        one.learn(figure)
        other.learn(figure)
    strange = [float(place) for place in range(40)]

    assert told(one, strange[:39]) >= 0 <= told(other, strange[::-1][:39])
    assert one.novelty(strange[-1]) == other.novelty(strange[0]) > 0


def test_the_memory_is_bounded_whatever_comes():
    """Each window unlike all before it: few are kept, the radius grows."""
    windows = Windows()
    for step in range(6000):
        windows.learn(step * 1.01 ** (step / 10))

    _, _, known, radius, farthest, _ = windows.memory()
    assert isinstance(known, list) and 1 <= len(known) <= 64
    assert isinstance(radius, float) and radius > 0
    assert isinstance(farthest, list) and len(farthest) <= 100
