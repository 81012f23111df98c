"""An alert budget, "at most 2 a week", made a threshold on a series' scores, from what its own scores have been.

Scores that stay high are one alert, so what counts is the highest score of each run (runs declustering: Leadbetter, "On a Basis for
Peaks over Threshold Modeling", Statistics and Probability Letters 12 (1991)). How often runs reach a score is a rate with a gamma
prior: with little history that is what the scores claim (10^-score of the steps), later what they did. The budget is an expectation,
not a limit: nothing is withheld because the week is used up.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from logverse.instant import Millis

_SPANS = {"hour": 3_600_000, "day": 86_400_000, "week": 7 * 86_400_000, "month": 30 * 86_400_000}
_WRITTEN = re.compile(r"([1-9]\d{0,3})\s*/\s*(hour|day|week|month)", re.ASCII)
_BINS = 10  # to a score of 1
_LEAST, _MOST = 1.0, 30.0  # a threshold is between these: below, a run is no run
_CALM_STEPS = 6  # below _LEAST that end a run
_FORGET_SPANS = 8.0  # history older than about so many spans fades
_VERSION = 1


def budget_problem(value: Any) -> str:
    """What is wrong with a budget as written, "" when nothing is: for an Option."""
    return "" if isinstance(value, str) and _WRITTEN.fullmatch(value) else f"{value!r} is not a number of alerts a time, as 2/week"


class AlertBudget:
    """The threshold of one series. `written` has passed `budget_problem`; a step is `step_ms`.

    >>> budget = AlertBudget("2/week", step_ms=60_000)
    >>> budget.threshold()
    3.8
    """

    def __init__(self, written: str, step_ms: Millis) -> None:
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError(budget_problem(written))
        self._allowed, self._steps_a_span = int(match[1]), _SPANS[match[2]] / step_ms
        self._shape = [_VERSION, step_ms, written]
        self._spans = 0.0  # of history, faded
        self._runs: dict[int, float] = {}  # highest score of a run, in tenths → how many, faded
        self._highest, self._calm = 0.0, 0
        self._threshold = self._worked_out()

    def observe(self, score: float) -> None:
        """Takes the score of a step; of every step, those with an alert too."""
        self._spans += 1 / self._steps_a_span
        if score >= _LEAST:
            self._highest, self._calm = max(self._highest, score), 0
            return
        self._calm += 1
        if self._calm == _CALM_STEPS and self._highest:
            self._close()
        elif self._calm % 1000 == 0:
            self._threshold = self._worked_out()

    def threshold(self) -> float:
        """The score from which on it is an alert."""
        return self._threshold

    def _close(self) -> None:
        place = min(int(self._highest * _BINS), int(_MOST * _BINS))
        self._runs[place] = self._runs.get(place, 0.0) + 1
        self._highest = 0.0
        if self._spans > _FORGET_SPANS:
            keep = _FORGET_SPANS / self._spans
            self._spans = _FORGET_SPANS
            self._runs = {place: kept for place, count in self._runs.items() if (kept := count * keep) > 1e-3}
        self._threshold = self._worked_out()

    def _worked_out(self) -> float:
        """The lowest score that runs have reached no more often than allowed, the prior counting as one span of history."""
        reached, place = 0.0, int(_MOST * _BINS)
        while place > _LEAST * _BINS:
            reached += self._runs.get(place, 0.0)
            claimed = self._steps_a_span * 10 ** -(place / _BINS)
            if (reached + claimed) / (self._spans + 1) > self._allowed:
                return (place + 1) / _BINS
            place -= 1
        return _LEAST

    def state(self) -> bytes:
        runs = [[place, count] for place, count in sorted(self._runs.items())]
        return orjson.dumps({"shape": self._shape, "memory": [self._spans, runs, self._highest, self._calm, self._threshold]})

    @classmethod
    def restore(cls, data: bytes, written: str, step_ms: Millis) -> AlertBudget | None:
        """The budget whose `state` this is; None when another version, step or budget wrote it: start anew."""
        made = cls(written, step_ms)
        try:
            kept = orjson.loads(data)
            if kept["shape"] != made._shape:
                return None
            made._spans, runs, made._highest, made._calm, made._threshold = kept["memory"]
            made._runs = {place: count for place, count in runs}  # noqa: C416 (pairs are lists in JSON)
        except (ValueError, TypeError, KeyError):
            return None
        return made
