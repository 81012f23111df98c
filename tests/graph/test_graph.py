"""The detect job's graph as a whole, on a mini-cluster: what goes in as events comes out as summaries and alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from flink_jobs import wire
from logverse.event import LogEvent
from logverse.rule import Rule
from logverse.summary import Summary

pytestmark = pytest.mark.flink

START = 1_790_000_000_000  # second 0 of every scene
AT_0 = "2026-09-21T14:13:20.500Z"
AT_5 = "2026-09-21T14:13:25.000Z"  # second 5
Records = list[tuple[str, str, dict[str, Any]]]
Run = Callable[[Iterable[LogEvent | bytes], Iterable[Rule]], Records]


def second(number: float, service: str = "web", status: int = 200, **more: object) -> LogEvent:
    """An http event at this second from START."""
    at = START + int(number * 1000)
    fields = {"http.request.method": "GET", "http.route": "/pay", "http.response.status_code": status, "http.server.request.duration": 0.2}
    return LogEvent(
        at, at, "http", service, int(more.pop("severity", 9)), f"line at {number}", f"{service}-{number}-{status}", fields | more
    )


RULES = (
    Rule("5xx", "percentage_match", window_ms=10_000, options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 20.0}),
    Rule("all", "frequency", {"service.name": "cross-*"}, ("log.type",), window_ms=10_000, options={"num_events": 6}),
    Rule("admin", "any", where={"url.path": "/admin'; --"}, window_ms=10_000),
)
SUMMED = [
    *(second(0.1, "summed"), second(0.9, "summed"), second(0.5, "summed", 503)),
    second(1.5, "summed-too", **{"http.server.request.duration": 2.0}),
]
HEALTHY = [second(n + f / 10, "burst") for n in range(60) for f in range(5)]
BURST = [second(n + 0.05 * f, "burst", 503) for n in range(20, 25) for f in range(5)]
CROSS = [second(5 + n / 10, name) for name in ("cross-web", "cross-api") for n in range(3)]
ADMIN = [second(n, "admin", **{"url.path": "/"}) for n in range(30)] + [second(7.5, "admin", **{"url.path": "/admin'; --"})]
STEADY = [second(n / 10, "steady") for n in range(100)]
ABSURD = [
    second(0, "absurd"),
    *(second(0.1 + n / 10, "absurd", **{"http.server.request.duration": value}) for n, value in enumerate((-1.0, 1e300))),
]
# Beside them what is no LogEvent, by the second in which it comes.
ODD: dict[float, bytes] = {
    0.1: b"not json",
    0.2: b'{"log.type":"heartbeat","service.name":"steady","appended":"2026-09-21T14:13:20.000Z"}',
    0.3: b'{"log.type":"http","appended":"2026-09-21T14:13:20.000Z"}',
    0.5: orjson.dumps(orjson.loads(second(0.5, "absurd").to_json()) | {"http.server.request.duration": "NaN", "appended": AT_0}),
    5.0: orjson.dumps(orjson.loads(second(0, "ahead").to_json()) | {"timestamp": "2030-01-01T00:00:00.000Z", "appended": AT_5}),
}


@pytest.fixture(scope="module")
def records(run: Run) -> Records:
    """All scenes at once, each of services of its own: one start of Flink, and none disturbs another."""
    scenes = [*SUMMED, *HEALTHY, *BURST, *CROSS, *ADMIN, *STEADY, *ABSURD]
    timed = [(event.timestamp, event) for event in scenes] + [(START + int(at * 1000), odd) for at, odd in ODD.items()]
    return run([event for _, event in sorted(timed, key=lambda pair: pair[0])], RULES)


def test_summaries_hold_every_event_of_their_second_and_series(records: Records) -> None:
    """What the SQL sums up is what was sent: counts, durations and histogram of each series and second."""
    found = {
        (s["service.name"], (s.second - START) // 1000, s["http.response.status_code"]): (
            s.count,
            s.duration_sum,
            s.histogram[6],
            s.histogram[8],
        )
        for s in summaries(records, "summed", "summed-too")
    }

    assert found == {
        ("summed", 0, 200): (2, pytest.approx(0.4), 2, 2),
        ("summed", 0, 503): (1, pytest.approx(0.2), 1, 1),
        ("summed-too", 1, 200): (1, pytest.approx(2.0), 0, 1),
    }


def test_error_burst_becomes_one_alert_that_ends(records: Records) -> None:
    """A service that fails for five seconds fires one alert, which resolves when the failures have left the window."""
    of_it = [(key, value) for topic, key, value in records if topic == "alerts" and value["group"].get("service.name") == "burst"]

    alerts = sorted((value["at"], value["status"], key) for key, value in of_it)
    assert [status for _, status, _ in alerts] == ["firing", "resolved"]
    assert START + 20_000 < alerts[0][0] <= START + 26_000 < alerts[1][0] <= START + 36_000
    assert len({key for _, _, key in alerts}) == 1


def test_rule_across_services_adds_their_figures_up(records: Records) -> None:
    """A rule that does not group by service judges all of them together, once."""
    fired = [value for value in of("alerts", records) if (value["rule"], value["status"]) == ("all", "firing")]

    assert [(value["group"], value["explanation"]["matched"]) for value in fired] == [({"log.type": "http"}, 6)]


def test_single_event_reaches_the_rule_that_wants_it(records: Records) -> None:
    """An `any` rule fires on the one event that meets it, with that line as its sample."""
    fired = [value for value in of("alerts", records) if (value["rule"], value["status"]) == ("admin", "firing")]

    assert [value["explanation"]["samples"] for value in fired] == [["line at 7.5"]]


def test_what_is_no_event_changes_no_count(records: Records) -> None:
    """Garbage, heartbeats and records without a service are in no summary; all else is, once."""
    counted = Counter(value["service.name"] for value in of("summaries", records) for item in value["items"] for _ in range(item[9]))

    scenes = [*SUMMED, *HEALTHY, *BURST, *CROSS, *ADMIN, *STEADY, *ABSURD]
    assert counted == Counter([event.service_name for event in scenes] + ["absurd", "ahead"])


def test_clock_from_the_future_makes_nobody_else_late(records: Records) -> None:
    """An event stamped 2030 counts at its arrival, moves no watermark, and whose it is can be read on logs.late."""
    counts = [
        (value["service.name"], value["second"], value["late"], sum(item[9] for item in value["items"]))
        for value in of("summaries", records)
    ]

    assert ("ahead", START + 5_000, False, 1) in counts
    assert sum(count for service, _, late, count in counts if service == "steady" and not late) == 100
    assert [(value["reason"], value["service.name"], value["timestamp"]) for value in of("logs.late", records)] == [
        ("future", "ahead", "2030-01-01T00:00:00.000Z")
    ]


def test_absurd_figures_spoil_no_sum(records: Records) -> None:
    """A duration or size that no log can mean is no figure; its event counts all the same."""
    found = summaries(records, "absurd")

    assert [(s.count, s.duration_count, s.duration_sum) for s in found] == [(4, 1, pytest.approx(0.2))]


def summaries(records: Records, *services: str) -> list[Summary]:
    """Of these services."""
    values = [value for value in of("summaries", records) if value["service.name"] in services]
    return [one for value in values for one in wire.summaries(value["second"], _items(value))]


def of(topic: str, records: list[tuple[str, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [value for name, _, value in records if name == topic]


def _items(value: dict) -> str:
    return orjson.dumps(value["items"]).decode()
