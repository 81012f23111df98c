"""What to expect of a series at a time of day and week: the recent level, carried on along the shape that earlier days or weeks had.

Three forecasts run side by side: the recent level alone, the level along the shape of the day (quarter hours), and along that of the
week (how the day's shape is different in each hour of the week). The one that has erred least of late is believed, so a series
without a season, or with little history, loses nothing. After Taylor and Letham, "Forecasting at Scale", The American Statistician
72 (2018), section 3.2, the shape is separate from the level; choosing by discounted error is Brown's (Smoothing, Forecasting and
Prediction, 1963). Days and weeks are UTC's.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from logverse.instant import Millis

_HOUR_MS = 3_600_000
_SLACK_MS = _HOUR_MS // 4  # by which a day's work may begin earlier or later
_VISITS = 6  # of a cell that count in full: a shape older than six weeks (or days) fades
_PROVE = 1.1  # a new forecast begins with this much more error than the one believed so far


class Profile:
    """The mean of a figure in each cell of a period, each visit of a cell (a day's quarter hour) counting as one."""

    def __init__(self, cells: int, width_ms: Millis) -> None:
        self._width = width_ms
        self._means: list[float | None] = [None] * cells
        self._visits = [0] * cells
        self._slot, self._sum, self._count = -1, 0.0, 0

    def at(self, at: Millis) -> float | None:
        """The shape at this instant, interpolated between the middles of cells; None where no earlier visit was."""
        slot, within = divmod(at, self._width)
        means = self._means
        here = means[slot % len(means)]
        if here is None:
            return None
        off = within / self._width - 0.5
        beside = means[(slot + (1 if off > 0 else -1)) % len(means)]
        return here if beside is None else here + (beside - here) * abs(off)

    def learn(self, figure: float, at: Millis) -> None:
        slot = at // self._width
        if slot != self._slot:
            self._close()
            self._slot, self._sum, self._count = slot, 0.0, 0
        self._sum += figure
        self._count += 1

    def _close(self) -> None:
        if not self._count:
            return
        cell = self._slot % len(self._means)
        seen = self._sum / self._count
        before = self._means[cell]
        self._visits[cell] = visits = min(self._visits[cell] + 1, _VISITS)
        mean = seen if before is None else before + (seen - before) / visits
        self._means[cell] = float(f"{mean:.9g}")  # more digits would be half of the state

    def memory(self) -> list[Any]:
        return [self._means, self._visits, self._slot, self._sum, self._count]

    def remember(self, memory: list[Any]) -> None:
        means, visits, self._slot, self._sum, self._count = memory
        if len(means) != len(self._means) or len(visits) != len(means):
            raise ValueError("a profile of another period")
        self._means, self._visits = means, visits


class Forecast:
    """The expected figure of a step. `factor`: levels go up and down by a factor (counts), not by a sum.

    `memory` is the number of steps that make the recent level, `long` those over which the forecasts' errors are compared.
    """

    def __init__(self, memory: float, long: float, factor: bool) -> None:
        self._memory, self._long, self._factor = memory, long, factor
        self._day, self._week = Profile(96, _HOUR_MS // 4), Profile(168, _HOUR_MS)
        self.steps = 0
        self.overall = 0.0  # the mean over `long` steps
        # For each forecast: steps since it began, mean of the figure and of its shape over `memory` of them, mean squared error
        self._tracks: list[list[float]] = [[0.0, 0.0, 0.0, 0.0] for _ in range(3)]
        self._at: tuple[Millis, list[float | None], list[float | None]] | None = None

    def expect(self, at: Millis) -> tuple[float, float]:
        """The forecast that has erred least so far, and its tolerance: how much it changes within a quarter of an hour, since a day's
        work does not begin on the second."""
        _, _, forecasts = self._all(at)
        best, chosen = forecasts[0] or 0.0, 0
        least = self._tracks[0][3]
        for place in (1, 2):
            forecast = forecasts[place]
            if forecast is not None and self._tracks[place][3] < least:
                best, chosen, least = forecast, place, self._tracks[place][3]
        return best, self._tolerance(chosen, best, at) if chosen else 0.0

    def restlessness(self) -> float:
        """How far the figure usually is from its recent level, seasons included."""
        return sqrt(self._tracks[0][3])

    def _tolerance(self, chosen: int, best: float, at: Millis) -> float:
        around = [self._along(self._tracks[chosen], self._shapes(instant)[chosen]) for instant in (at - _SLACK_MS, at + _SLACK_MS)]
        return max(abs(forecast - best) if forecast is not None else 0.0 for forecast in around)

    def learn(self, figure: float, at: Millis, memory: float = 0.0) -> None:
        """Takes a figure, cut to what its detector believes. `memory`: more steps than usual make the level (a sparse series)."""
        _, shapes, forecasts = self._all(at)
        memory = max(memory, self._memory)
        self.steps += 1
        self.overall += (figure - self.overall) / min(self.steps, self._long)
        least = min(track[3] for track in self._tracks if track[0]) if self.steps > 1 else 0.0
        for track, shape, forecast in zip(self._tracks, shapes, forecasts, strict=True):
            self._follow(track, figure, shape, forecast, memory, least)
        self._day.learn(figure, at)
        if shapes[1] is not None:
            self._week.learn(figure - shapes[1], at)
        self._at = None

    def _follow(self, track: list[float], figure: float, shape: float | None, forecast: float | None, memory: float, least: float) -> None:
        if shape is None:
            track[0] = 0.0
            return
        if forecast is None:
            track[:] = [1.0, figure, shape, least * _PROVE]
            return
        error = figure - forecast
        track[0] = steps = track[0] + 1
        share = 1 / steps if steps < memory else 1 / memory
        track[1] += (figure - track[1]) * share
        track[2] += (shape - track[2]) * share
        track[3] += (error * error - track[3]) / min(self.steps, self._long)  # all forget alike: an easy night is easy for all

    def _all(self, at: Millis) -> tuple[Millis, list[float | None], list[float | None]]:
        if self._at is None or self._at[0] != at:
            shapes = self._shapes(at)
            self._at = at, shapes, [self._along(track, shape) for track, shape in zip(self._tracks, shapes, strict=True)]
        return self._at

    def _shapes(self, at: Millis) -> list[float | None]:
        day = self._day.at(at)
        off = self._week.at(at) if day is not None else None
        return [0.0, day, None if off is None or day is None else max(0.0, day + off) if self._factor else day + off]

    def _along(self, track: Sequence[float], shape: float | None) -> float | None:
        steps, level, before, _ = track
        if shape is None or not steps:
            return None
        if not self._factor:
            return level + shape - before
        calm = 0.05 * self.overall + 1e-9  # a level near nothing says little about the factor
        return max(0.0, (level + calm) * (shape + calm) / (before + calm) - calm)

    def memory(self) -> list[Any]:
        return [self.steps, self.overall, self._tracks, self._day.memory(), self._week.memory()]

    def remember(self, memory: list[Any]) -> None:
        self.steps, self.overall, tracks, day, week = memory
        if [len(track) for track in tracks] != [4, 4, 4]:
            raise ValueError("other forecasts")
        self._tracks = tracks
        self._day.remember(day)
        self._week.remember(week)


def beyond(off: float, tolerance: float) -> float:
    """What is left of a deviation when it is forgiven as much."""
    return off - tolerance if off > tolerance else off + tolerance if off < -tolerance else 0.0
