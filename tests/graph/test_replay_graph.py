"""The graph over the past: events in order of time give the same alerts each time, and what stands at their end is told as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from flink_jobs.replay.episodes import Episodes
from logverse.alert import Alert
from logverse.event import LogEvent
from logverse.rule import Rule

pytestmark = pytest.mark.flink

START = 1_790_000_000_000
Run = Callable[[Iterable[LogEvent | bytes], Iterable[Rule]], list[tuple[str, str, dict[str, Any]]]]

RULES = (
    Rule("5xx", "percentage_match", window_ms=10_000, options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 20.0}),
    Rule("busy", "frequency", group_by=("log.type",), window_ms=10_000, keep_firing_for_ms=5_000, options={"num_events": 25}),
    Rule("admin", "any", where={"url.path": "/admin"}, window_ms=10_000),
)


def past() -> list[LogEvent]:
    """Two services over five minutes, with a pause of an hour in the middle, in order of time."""
    chance, events = Random(3), []
    for number in range(600):
        at = START + chance.randrange(150_000) + (3_600_000 if number % 2 else 0)
        status = 503 if 60_000 < at - START < 70_000 or at - START > 3_740_000 else 200
        path = "/admin" if number % 97 == 0 else "/"
        fields = {"http.request.method": "GET", "http.route": "/", "http.response.status_code": status, "url.path": path}
        events.append(LogEvent(at, at, "http", ("web", "api")[number % 3 == 0], 9, f"line {number}", f"uid-{number}", fields))
    return sorted(events, key=lambda event: event.timestamp)


def firings(records: list[tuple[str, str, dict[str, Any]]], end: int) -> dict[str, list[dict[str, Any]]]:
    import orjson

    found = Episodes(RULES, end)
    for topic, _, value in records:
        if topic == "alerts":
            found.take(Alert.from_json(orjson.dumps(value)))
    return {course.rule.name: [one.plain() for one in course.episodes] for course in found.finish()}


def test_the_past_is_the_same_twice(run: Run) -> None:
    """Every firing with its times, its group and its sentence; every event in a summary, none late; the last trouble fires still."""
    events = past()

    first, second = run(events, RULES), run(events, RULES)

    found = firings(first, events[-1].timestamp)
    assert found == firings(second, events[-1].timestamp)
    assert {name for name, episodes in found.items() if episodes} == {"5xx", "busy", "admin"}
    assert sorted(one["group"]["service.name"] for one in found["5xx"] if one["ends_at"] is None) == ["api", "web"]
    assert sum(item[9] for topic, _, value in first if topic == "summaries" for item in value["items"]) == len(events)
    assert not any(topic == "logs.late" or (topic == "summaries" and value["late"]) for topic, _, value in first)
