"""Options that several detectors have, and the spans of time they think in."""

from __future__ import annotations

from flink_jobs.rules.options import Option, whole
from logverse.instant import Millis

MIN_STEPS = Option("steps that it must have learnt before it judges", whole(10), "60")
MEMORY = Option("steps that make the recent level", whole(5), "60")


def day_of(step_ms: Millis) -> float:
    """Steps in a day: the span over which scale and errors are averaged. At least 300 (of a day's hours), at most 10,000."""
    return min(10_000.0, max(300.0, 86_400_000 / step_ms))
