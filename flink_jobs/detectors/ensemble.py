"""`ensemble`: finds whatever is new in a figure of which nothing is known: a spike, a step, a pattern that failed to come.

Three views of the deviation from `season`'s forecast: the deviation, its change since the step before, and its mean over some steps.
Each becomes a tail probability by `spread`, and that one again by the extremes of its own past (`peaks`: Siffer et al., KDD 2017), so
what comes every day is not strange on the tenth, on any series, in the same unit. A figure outside all that was ever seen is ten times
as telling (the "spatial anomaly" of Ahmad et al., Neurocomputing 262 (2017), in Numenta's detector). A fourth view is of the last steps
together (`windows`, after KNN-CAD). The highest counts. What was strange and has been learnt is told once: for some time only what is
stranger yet is strange again, which more than pays for there being four.
(Whoever does not learn while an alert is active sees it last.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.detectors.detector import STRANGEST, Kept, Needs, Observation, Verdict, figure, silent
from flink_jobs.detectors.peaks import Peaks
from flink_jobs.detectors.season import Forecast, beyond
from flink_jobs.detectors.settings import MEMORY, day_of
from flink_jobs.detectors.spread import Spread
from flink_jobs.detectors.windows import Windows
from flink_jobs.rules.options import Option, whole
from logverse.instant import Millis

_VIEWS = ("deviation", "jump", "shift")
_GRAIN, _SEASON_GRAIN = 0.005, 0.03  # of the figure, and of what it moves anyway: no season is known better
_SHIFT_GRAIN = 0.02  # of a deviation
_RARITY_GRAIN = 0.1  # of a score
_SHIFT = 12.0  # steps that make a shift
_LONG = 1500.0  # steps that make a scale, at least
_FARTHEST = 6.0  # deviations beyond which a step adds no more to a shift
_FIRST = 30  # steps before there is a scale worth asking
_REST = 240  # steps: less than a day of five minutes each, so that what comes again tomorrow is told again
_STRANGER = 0.02  # of a score: more than rounding
_BEYOND = 0.05  # of the range so far, beyond which a figure is outside of it
_UNSEEN = 1.0  # what that adds to a score
_TOLD = 20  # strange steps that are remembered

_Seen = tuple[tuple[float, float, float], list[float], float, str]


class Ensemble(Kept):
    """Any figure, one a step.

    >>> detector = Ensemble({}, step_ms=300_000)
    >>> for step in range(400):
    ...     detector.learn(Observation(50.0 + step * 7 % 11), at=step * 300_000)
    >>> strange = Observation(90.0)
    >>> first = detector.score(strange, at=120_000_000)
    >>> detector.learn(strange, at=120_000_000)
    >>> first.score > 4, detector.score(strange, at=120_300_000).score
    (True, 0.0)
    """

    options: ClassVar[Mapping[str, Option]] = {
        "min_steps": Option("steps that it must have learnt before it judges", whole(150), "200"),
        "memory": MEMORY,
    }
    needs: ClassVar[Needs] = "value"
    version: ClassVar[int] = 2

    def __init__(self, options: Mapping[str, Any], step_ms: Millis) -> None:
        super().__init__(options, step_ms)
        long = day_of(step_ms)
        self._rest_ms = _REST * step_ms
        self._min_steps: int = options.get("min_steps", 200)
        self._forecast = Forecast(float(options.get("memory", 60)), long, factor=False)
        self._spreads = [Spread(max(_LONG, long)) for _ in _VIEWS]
        self._rarities = [Peaks() for _ in _VIEWS]
        self._windows = Windows()
        self._range: list[float] = []  # the lowest and the highest figure ever
        self._before = self._shift = 0.0
        self._last: tuple[tuple[int, Millis, float], _Seen] | None = None
        self._told: list[list[float]] = []  # (score, when) of strange steps learnt of late, each stranger than all after it

    def score(self, seen: Observation, at: Millis) -> Verdict:
        ready = min(1.0, self._forecast.steps / self._min_steps)
        expected, tolerance = self._forecast.expect(at)
        grain = self._grain(expected)
        edge = self._spreads[0].edge(grain) + tolerance
        band = expected - edge, expected + edge
        value = figure(seen.value)
        if value is None or ready < 1:
            return silent(ready, "" if value is not None else "not a number", band)
        _, _, strangeness, view = self._seen(value, at, expected, tolerance, grain)
        score = self._news(strangeness, at)
        reasons = (f"strange by its {view}",) if score >= 2 else ()
        return Verdict(score, *band, "above" if value > expected else "below", ready, reasons)

    def learn(self, seen: Observation, at: Millis) -> None:
        value = figure(seen.value)
        if value is None:
            return
        if self._forecast.steps:
            expected, tolerance = self._forecast.expect(at)
            grain = self._grain(expected)
            views, tails, strangeness, _ = self._seen(value, at, expected, tolerance, grain)
            self._tell(strangeness, at)
            for rarity, spread, tail, view in zip(self._rarities, self._spreads, tails, views, strict=True):
                rarity.learn(tail)
                spread.learn(view)
            self._before, _, self._shift = views
            self._windows.learn(value)
            low, high = self._range
            self._range = [min(low, value), max(high, value)]
            edge = self._spreads[0].edge(grain) + tolerance
            value = max(expected - edge, min(expected + edge, value))
        else:
            self._range = [value, value]
        self._forecast.learn(value, at)

    def _grain(self, expected: float) -> float:
        return _GRAIN * abs(expected) + _SEASON_GRAIN * self._forecast.restlessness()

    def _seen(self, value: float, at: Millis, expected: float, tolerance: float, grain: float) -> _Seen:
        """The views of a value, their tails, and the strangest; worked out once for scoring and learning a step."""
        step = self._forecast.steps, at, value
        if self._last is None or self._last[0] != step:
            views = self._views(value, expected, tolerance, grain)
            tails = self._tails(views, grain)
            self._last = step, (views, tails, *self._strangest(value, self._rare(tails)))
        return self._last[1]

    def _views(self, value: float, expected: float, tolerance: float, grain: float) -> tuple[float, float, float]:
        off = beyond(value - expected, tolerance)
        deviation = max(-_FARTHEST, min(_FARTHEST, off / (self._spreads[0].scale() + grain + 1e-9)))
        return off, off - self._before, self._shift + (deviation - self._shift) / _SHIFT

    def _tails(self, views: tuple[float, float, float], grain: float) -> list[float]:
        if self._forecast.steps <= _FIRST:
            return [0.0] * len(_VIEWS)
        grains = (grain, grain, _SHIFT_GRAIN)
        return [spread.tail(view, fine) for spread, view, fine in zip(self._spreads, views, grains, strict=True)]

    def _rare(self, tails: list[float]) -> list[float]:
        return [rarity.tail(tail, _RARITY_GRAIN) for rarity, tail in zip(self._rarities, tails, strict=True)]

    def _strangest(self, value: float, rare: list[float]) -> tuple[float, str]:
        """The highest score of all views, and which one's it is."""
        most, together = max(rare), self._windows.novelty(value)
        if most > 0 and self._unseen(value):
            most += _UNSEEN
        return (together, "last steps together") if together > most else (min(STRANGEST, most), _VIEWS[rare.index(max(rare))])

    def _unseen(self, value: float) -> bool:
        low, high = self._range
        beyond_it = _BEYOND * (high - low)
        return value > high + beyond_it or value < low - beyond_it

    def _news(self, score: float, at: Millis) -> float:
        """The score, or 0 when something as strange was learnt of late."""
        told = max((before for before, when in self._told if when >= at - self._rest_ms), default=0.0)
        return score if score > told + _STRANGER else 0.0

    def _tell(self, score: float, at: Millis) -> None:
        self._told = [one for one in self._told if one[1] >= at - self._rest_ms and one[0] > score]
        if score > 0 and len(self._told) < _TOLD:
            self._told.append([round(score, 3), at])

    def _memory(self) -> list[Any]:
        spreads, rarities = [spread.memory() for spread in self._spreads], [rarity.memory() for rarity in self._rarities]
        return [self._forecast.memory(), spreads, rarities, self._before, self._shift, self._told, self._windows.memory(), self._range]

    def _remember(self, memory: list[Any]) -> None:
        forecast, spreads, rarities, self._before, self._shift, self._told, windows, self._range = memory
        self._windows.remember(windows)
        self._forecast.remember(forecast)
        for spread, rarity, of_spread, of_rarity in zip(self._spreads, self._rarities, spreads, rarities, strict=True):
            spread.remember(of_spread)
            rarity.remember(of_rarity)
