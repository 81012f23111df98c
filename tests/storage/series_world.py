"""Summaries as the detect job writes them, for the tests of series."""

from __future__ import annotations

import orjson

from flink_jobs import wire
from logverse.summary import DIMENSIONS, DURATION_BOUNDS, Summary

NOON = 1_700_006_400_000  # a full hour


def summary(at, route="/", status=200, count=1, seconds=0.02, service="web"):
    values = {"service.name": service, "log.type": "http", "http.route": route, "http.response.status_code": status, "severity_number": 9}
    if status >= 500:
        values["severity_number"] = 17
    histogram = tuple(count if seconds <= bound else 0 for bound in DURATION_BOUNDS)
    dimensions = tuple(values.get(name) for name in DIMENSIONS)
    return Summary(at, dimensions, count, count, count * seconds, seconds, histogram, 100 * count, "GET / 200")


def record(at, *summaries, late=False, service="web", **more):
    """A record as the detect job writes it (flink_jobs/tables.records)."""
    items = orjson.loads(wire.items(summaries or [summary(at)]))
    return orjson.dumps({"service.name": service, "second": at, "late": late, "items": items, **more})


def numbered(values):
    return [(f"topic:0:{offset}", value) for offset, value in enumerate(values)]
