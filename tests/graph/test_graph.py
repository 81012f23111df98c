"""The detect job's graph as a whole, on a mini-cluster: what goes in as events comes out as summaries and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from flink_jobs import wire
from logverse.event import LogEvent
from logverse.rule import Rule

pytestmark = pytest.mark.flink

START = 1_790_000_000_000  # second 0 of every scene
AT_5 = "2026-09-21T14:13:25.000Z"  # second 5
Run = Callable[[Iterable[LogEvent | bytes], Iterable[Rule]], list[tuple[str, str, dict[str, Any]]]]


def second(number: float, service: str = "web", status: int = 200, **more: object) -> LogEvent:
    """An http event at this second from START."""
    at = START + int(number * 1000)
    fields = {"http.request.method": "GET", "http.route": "/pay", "http.response.status_code": status, "http.server.request.duration": 0.2}
    return LogEvent(
        at, at, "http", service, int(more.pop("severity", 9)), f"line at {number}", f"{service}-{number}-{status}", fields | more
    )


SHARE = Rule("5xx", "percentage_match", window_ms=10_000, options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 20.0})


def test_summaries_hold_every_event_of_their_second_and_series(run: Run) -> None:
    """What the SQL sums up is what was sent: counts, durations and histogram of each series and second."""
    events = [second(0.1), second(0.9), second(0.5, status=503), second(1.5, service="api", **{"http.server.request.duration": 2.0})]

    records = run(events, [])

    found = {
        (s["service.name"], (s.second - START) // 1000, s["http.response.status_code"]): (
            s.count,
            s.duration_sum,
            s.histogram[6],
            s.histogram[8],
        )
        for topic, _, value in records
        if topic == "summaries"
        for s in wire.summaries(value["second"], _items(value))
    }
    assert found == {
        ("web", 0, 200): (2, pytest.approx(0.4), 2, 2),
        ("web", 0, 503): (1, pytest.approx(0.2), 1, 1),
        ("api", 1, 200): (1, pytest.approx(2.0), 0, 1),
    }


def test_error_burst_becomes_one_alert_that_ends(run: Run) -> None:
    """A service that fails for five seconds fires one alert, which resolves when the failures have left the window."""
    healthy = [second(n + f / 10) for n in range(60) for f in range(5)]
    burst = [second(n + 0.05 * f, status=503) for n in range(20, 25) for f in range(5)]

    records = run(sorted(healthy + burst, key=lambda event: event.timestamp), [SHARE])

    alerts = sorted((value["at"], value["status"], key) for topic, key, value in records if topic == "alerts")
    assert [status for _, status, _ in alerts] == ["firing", "resolved"]
    assert START + 20_000 < alerts[0][0] <= START + 26_000 < alerts[1][0] <= START + 36_000
    assert len({key for _, _, key in alerts}) == 1


def test_rule_across_services_adds_their_figures_up(run: Run) -> None:
    """A rule that does not group by service judges all of them together, once."""
    rule = Rule("all", "frequency", group_by=("log.type",), window_ms=10_000, options={"num_events": 6})
    events = [second(5 + n / 10, service=name) for name in ("web", "api") for n in range(3)] + [second(40)]

    records = run(events, [rule])

    fired = [value for topic, _, value in records if topic == "alerts" and value["status"] == "firing"]
    assert [(value["group"], value["explanation"]["matched"]) for value in fired] == [({"log.type": "http"}, 6)]


def test_single_event_reaches_the_rule_that_wants_it(run: Run) -> None:
    """An `any` rule fires on the one event that meets it, with that line as its sample."""
    rule = Rule("admin", "any", where={"url.path": "/admin'; --"}, window_ms=10_000)
    events = [second(n, **{"url.path": "/"}) for n in range(30)] + [second(7.5, **{"url.path": "/admin'; --"})]

    records = run(sorted(events, key=lambda event: event.timestamp), [rule])

    fired = [value for topic, _, value in records if topic == "alerts" and value["status"] == "firing"]
    assert [value["explanation"]["samples"] for value in fired] == [["line at 7.5"]]


def test_what_is_no_event_changes_no_count(run: Run) -> None:
    """Garbage, heartbeats and records without a service are in no summary."""
    garbage = [
        b"not json",
        b'{"log.type":"heartbeat","service.name":"web","appended":"2026-09-21T14:13:20.000Z"}',
        b'{"log.type":"http","appended":"2026-09-21T14:13:20.000Z"}',
    ]

    records = run([second(0), *garbage, second(1)], [])

    assert sum(item[9] for topic, _, value in records if topic == "summaries" for item in value["items"]) == 2


def test_clock_from_the_future_makes_nobody_else_late(run: Run) -> None:
    """An event stamped 2030 counts at its arrival, moves no watermark, and whose it is can be read on logs.late."""
    ahead = orjson.loads(second(0, service="ahead").to_json()) | {
        "timestamp": "2030-01-01T00:00:00.000Z",
        "appended": AT_5,
    }

    records = run([second(n / 10) for n in range(50)] + [orjson.dumps(ahead)] + [second(5 + n / 10) for n in range(50)], [])

    counts = [
        (value["service.name"], value["second"], value["late"], sum(item[9] for item in value["items"]))
        for value in of("summaries", records)
    ]
    assert ("ahead", START + 5_000, False, 1) in counts
    assert sum(count for service, _, late, count in counts if service == "web" and not late) == 100
    assert [(value["reason"], value["service.name"], value["timestamp"]) for value in of("logs.late", records)] == [
        ("future", "ahead", "2030-01-01T00:00:00.000Z")
    ]


def test_absurd_figures_spoil_no_sum(run: Run) -> None:
    """A duration or size that no log can mean is no figure; its event counts all the same."""
    absurd = [second(0.1 + n / 10, **{"http.server.request.duration": value}) for n, value in enumerate((-1.0, 1e300))]
    text = orjson.dumps(orjson.loads(second(0.5).to_json()) | {"http.server.request.duration": "NaN", "appended": AT_5})

    records = run([second(0), *absurd, text], [SHARE])

    found = [s for value in of("summaries", records) for s in wire.summaries(value["second"], _items(value))]
    assert [(s.count, s.duration_count, s.duration_sum) for s in found] == [(4, 1, pytest.approx(0.2))]


def of(topic: str, records: list[tuple[str, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [value for name, _, value in records if name == topic]


def _items(value: dict) -> str:
    return orjson.dumps(value["items"]).decode()
