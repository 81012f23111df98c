"""The judge of `spike` and `spike_aggregation`: the figure of the window against that of the window just before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flink_jobs.rules.judge import ByLimits, Judgement, View
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Measure, figure_of


class Spiking(ByLimits):
    """Expected is what was before; `options` are those of ElastAlert2's `spike`."""

    def __init__(self, measure: Measure, options: Mapping[str, Any]) -> None:
        super().__init__(measure, ())
        self._height, self._way = float(options["spike_height"]), options["spike_type"]
        self._least_before, self._least_now = options.get("threshold_ref", 0), options.get("threshold_cur", 0)
        self._new_too = options.get("alert_on_new_data", False)

    def judge(self, view: View) -> Judgement:
        now = figure_of(self._measure, view.window)
        before = None if view.before is None else figure_of(self._measure, view.before)
        limits = Limit((before or 0.0) * self._height, ">="), Limit((before or 0.0) / self._height, "<=")
        if now is None or before is None:
            return Judgement(now, limits, None, True)
        breach = self._breach(now, before) if view.warm or self._new_too else None
        return Judgement(now, limits, breach, breach is None, (before, before))

    def _breach(self, now: float, before: float) -> int | None:
        if now < self._least_now or before < self._least_before or now == before == 0:
            return None
        if now >= before * self._height and self._way != "down":
            return 0
        return 1 if now <= before / self._height and self._way != "up" else None

    def onlooker(self) -> Spiking:
        return self
