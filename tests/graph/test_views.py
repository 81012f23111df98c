"""What the SQL makes of clients, users and patterns: the busiest by name, few rows whatever happens, and every event counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from flink_jobs import wire
from flink_jobs.patterns.masks import masked
from logverse.event import LogEvent
from logverse.rule import Rule
from logverse.summary import Summary

pytestmark = pytest.mark.flink

START = 1_790_000_000_000  # second 0 of every scene
Records = list[tuple[str, str, dict[str, Any]]]
Run = Callable[..., Records]
Left = Callable[..., list[tuple[str, str, int, str, str]]]

BUSY = 5  # clients and users of a second by name
BY_CLIENT = Rule("by-client", "frequency", group_by=("service.name", "client.address"), window_ms=10_000, options={"num_events": 8})
BY_USER = Rule(
    "by-user", "frequency", {"event.outcome": "failure"}, ("service.name", "user.name"), window_ms=10_000, options={"num_events": 3}
)


def http(at: float, client: str | None, status: int = 200, path: str = "/", service: str = "web") -> LogEvent:
    ms = START + round(at * 1000)
    fields = {"http.request.method": "GET", "http.response.status_code": status, "http.server.request.duration": 0.5, "url.path": path}
    return LogEvent(ms, ms, "http", service, 9, "line", f"{client}-{at}", fields | ({"client.address": client} if client else {}))


def login(at: float, outcome: str, **user: str) -> LogEvent:
    ms = START + round(at * 1000)
    return LogEvent(
        ms, ms, "activity", "web", 9, f"login {user}", f"{user}-{at}", {"event_name": "user.login", "event.outcome": outcome} | user
    )


def error(at: float, body: str) -> LogEvent:
    ms = START + round(at * 1000)
    return LogEvent(ms, ms, "error", "web", 17, body, f"{body}-{at}", {})


def named(rows: Iterable[tuple[str, str, int, str, str]], view: str) -> list[Summary]:
    return [one for kind, _, at, _, more in rows if kind == "summaries" for one in wire.named(at, more) if one.view == view]


def test_a_scan_of_many_addresses_is_few_rows_and_every_event(left: Left) -> None:
    """A thousand addresses in a second come as the busiest few, the one that fails among them; with the others they are all."""
    crowd = [http(n / 2000, f"10.0.{n // 250}.{n % 250}") for n in range(1000)]
    attacker = [http(0.6 + n / 100, "203.0.113.9", 404, f"/{n}") for n in range(4)]
    regulars = [http(0.7 + n / 100, "10.9.9.9") for n in range(20)]

    rows = left(crowd + attacker + regulars, [BY_CLIENT], busiest=BUSY)

    ((_, _, at, items, _),) = rows
    clients = named(rows, "clients")
    others = wire.others(wire.summaries(at, items), clients, ["clients"])
    assert len(clients) == BUSY
    assert {(one["client.address"], one["http.response.status_code"], one.count) for one in clients} >= {
        ("203.0.113.9", 404, 4),
        ("10.9.9.9", 200, 20),
    }
    assert sum(one.count for one in clients) + sum(one.count for one in others) == 1024
    assert round(sum(one.duration_sum for one in [*clients, *others]), 6) == 512.0


def test_distinct_paths_leave_a_bit_each(left: Left) -> None:
    """A client that asks for one thing has one bit in its sketch, one that asks for everything has many; two seconds add up."""
    events = [http(n / 50, "10.0.0.1", path="/same") for n in range(40)] + [http(n / 50, "10.0.0.2", path=f"/{n}") for n in range(40)]
    events += [http(1 + n / 50, "10.0.0.1", path="/same") for n in range(40)]

    rows = left(sorted(events, key=lambda event: event.timestamp), [BY_CLIENT])

    sketches: dict[str, int] = {}
    for one in named(rows, "clients"):
        sketches[str(one["client.address"])] = sketches.get(str(one["client.address"]), 0) | one.paths
    assert sketches["10.0.0.1"].bit_count() == 1
    assert 20 < sketches["10.0.0.2"].bit_count() <= 40


def test_a_user_is_known_by_name_or_else_by_id(left: Left) -> None:
    """Who has no name in the log is known by the id; events that no rule asks for are summed up in nobody's name."""
    both, only_id = {"user.name": "ann", "user.id": "7"}, {"user.id": "8"}

    rows = left([login(0.1, "failure", **both), login(0.2, "failure", **only_id), login(0.3, "success", **both)], [BY_USER])

    assert sorted((one["user.name"], one["event.outcome"], one.count) for one in named(rows, "users")) == [
        ("8", "failure", 1),
        ("ann", "failure", 1),
    ]


def test_bodies_are_masked_as_the_patterns_expect(left: Left) -> None:
    """Java's masks make of a body what Python's do, each pattern comes once with its count and a line of it; http is left out."""
    bodies = [f"cannot read /var/data/{n}/part-{n * 7}.bin: 'it's gone' after {n}.5 ms" for n in range(1, 30)] + [
        "user \"bob\" from 2001:db8::1 at 12:30:05: session 7f3a9c2e failed\n  at Main.java:17\n  at Other.java:3",
        "user \"eve\" from 2001:db8::2 at 12:30:06: session 8a3a9c2f failed\n  at Main.java:18",
        "äöü \\ $1 % _ 'x' 50%",
    ]  # fmt: skip

    rows = left([error(n / 100, body) for n, body in enumerate(bodies)] + [http(0.9, "10.0.0.1")], [])

    found = {str(one["log.record.template"]): one.count for one in named(rows, "patterns")}
    expected: dict[str, int] = {}
    for body in bodies:
        expected[masked(body)] = expected.get(masked(body), 0) + 1
    assert found == expected
    assert all(masked(one.sample) == one["log.record.template"] for one in named(rows, "patterns"))


def test_one_source_feeds_all_views(plan: Callable[..., str]) -> None:
    """With every view in the plan each event is still decoded once."""
    text = plan([BY_CLIENT, BY_USER])

    assert text.count("TableSourceScan") == 1


CROWD = [http(n + k / 10, f"10.0.0.{k}") for n in range(8) for k in range(3)] + [http(3 + k / 50, "203.0.113.9") for k in range(9)]
JOBS = [error(n / 10, f"job {n} failed with code {n * 3}") for n in range(40)] + [error(75, "end of scene")]
FEW = [http(n, "10.0.0.1", service="few") for n in range(5)]
LABEL = orjson.dumps({"template": "t", "service": "few", "name": "n"}).decode()
WORDS = [("feedback", "{}"), ("models", "no json"), ("templates", LABEL)]


@pytest.fixture(scope="module")
def records(run: Run) -> Records:
    """Clients, errors and what people said at once: one start of Flink."""
    return run(sorted([*CROWD, *JOBS, *FEW], key=lambda event: event.timestamp), [BY_CLIENT], WORDS)


def test_a_client_that_comes_too_often_is_told_of(records: Records) -> None:
    """A rule by client address fires for the one that is too many, and for nobody else."""
    fired = [value for topic, _, value in records if topic == "alerts" and value["status"] == "firing"]

    assert {value["group"]["client.address"] for value in fired} >= {"203.0.113.9"}
    assert all(value["group"]["client.address"] for value in fired)


def test_templates_are_told(records: Records) -> None:
    """What is found in the lines is on topic `templates`, with its count; topic `summaries` holds traffic alone."""
    told = [value for topic, _, value in records if topic == "templates"]

    assert any(value["service"] == "web" and "failed with code" in value["text"] for value in told)
    items = [item for topic, _, value in records if topic == "summaries" and value["service.name"] == "web" for item in value["items"]]
    assert sum(item[9] for item in items) == len(CROWD) + len(JOBS)
    assert all(item[0] == "web" for item in items)


def test_a_record_that_is_no_word_stops_nobody(records: Records) -> None:
    """Garbage on a topic that people write to is left out; a label that is one is heard."""
    few = [value for topic, _, value in records if topic == "summaries" and value["service.name"] == "few"]

    assert sum(item[9] for value in few for item in value["items"]) == len(FEW)
