"""Events one by one → the summaries of all views: what Flink's SQL does, in plain Python, for real logs and for the test of the drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from flink_jobs.patterns.masks import masked
from logverse.instant import Millis
from logverse.summary import DURATION_BOUNDS, PATH_BITS, VIEWS, Summary

SECOND: Millis = 1000
# What an event must have to be in a view.
_ABOUT = {"clients": "client.address", "users": "user.name", "patterns": "log.record.template"}
_DURATION = "http.server.request.duration"


@dataclass(slots=True)
class _Sum:
    count: int = 0
    durations: list[float] = field(default_factory=list)
    paths: int = 0
    sample: str = ""


def summaries(events: Iterable[Mapping[str, Any]]) -> dict[Millis, list[Summary]]:
    """The summaries of each second that has any. An event has OpenTelemetry's names, `timestamp` in milliseconds."""
    sums: dict[tuple[Millis, str, tuple[Any, ...]], _Sum] = {}
    for event in events:
        if event["log.type"] == "error":
            event = {**event, "log.record.template": masked(event["body"])}
        second = event["timestamp"] - event["timestamp"] % SECOND
        for view, names in VIEWS.items():
            if event.get(_ABOUT.get(view, "log.type")) is not None:
                _add(sums.setdefault((second, view, tuple(event.get(name) for name in names)), _Sum()), event, view)
    found: dict[Millis, list[Summary]] = {}
    for (second, view, dimensions), one in sums.items():
        found.setdefault(second, []).append(_summary(second, view, dimensions, one))
    return found


def _add(one: _Sum, event: Mapping[str, Any], view: str) -> None:
    one.count += 1
    one.sample = one.sample or event["body"]
    if view == "traffic" and event.get(_DURATION) is not None:
        one.durations.append(event[_DURATION])
    if view == "clients" and event.get("url.path") is not None:
        one.paths |= 1 << crc32(event["url.path"].encode()) % PATH_BITS


def _summary(second: Millis, view: str, dimensions: tuple[Any, ...], one: _Sum) -> Summary:
    durations = one.durations
    histogram = tuple(sum(duration <= bound for duration in durations) for bound in DURATION_BOUNDS)
    return Summary(
        second, dimensions, one.count, len(durations), sum(durations), max(durations, default=0.0), histogram,
        sample=one.sample, view=view, paths=one.paths,
    )  # fmt: skip
