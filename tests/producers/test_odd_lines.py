"""Lines, names and times that are odd but real: each is an event, with what it says in its place."""

from __future__ import annotations

import os
from typing import Any

import orjson
import pytest

from logverse.instant import written
from producers.metrics import Measured, ProducerMetrics
from producers.parsers import PARSERS
from producers.parsers.local_time import IN_UTC
from producers.parsers.parsed import Parsed
from producers.routes import Routes
from producers.sources.identity import shown

GAUGES = {"lag_bytes": 0, "in_flight_records": 0, "disorder_seconds": 0}
START = "10.0.0.7 - - [21/Nov/2026:12:00:00 +0000]"


def access(line: str) -> Parsed:
    return PARSERS["access"](Routes()).parse(line)


def json(**content: Any) -> Parsed:
    return PARSERS["json"](Routes()).parse(orjson.dumps(content).decode())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_local", "21/Nov/2026:13:00:00 +0100"), ("time_iso8601", "2026-11-21T12:00:00+00:00"), ("msec", "1795262400.000"),
        ("msec", 1795262400.0), ("asctime", "2026-11-21 12:00:00,000"), ("datetime", "2026-11-21T12:00:00"), ("date", 1795262400),
        ("ts", 1795262400.0), ("timestamp", "21/Nov/2026:12:00:00 +0000"),
    ],
)  # fmt: skip
def test_times_of_nginx_and_python(name: str, value: Any) -> None:
    """nginx's variables and Python's logging name their times as they do."""
    parsed = json(**{name: value})
    at = parsed.timestamp if parsed.local is None else IN_UTC.instant(parsed.local, None, 0, 0)

    assert written(at or 0) == "2026-11-21T12:00:00.000Z"


def test_milliseconds_are_not_cut_off() -> None:
    """Seconds with a fraction keep their last millisecond, which binary fractions fall short of."""
    assert {json(msec=f"1795262400.{n:03}").timestamp for n in range(1000)} == set(range(1_795_262_400_000, 1_795_262_401_000))


def test_day_alone_is_no_time() -> None:
    """A date beside a time of day does not move a whole day's lines to midnight."""
    assert json(date="2026-11-21", time="12:00:00").timestamp is None


def test_lines_without_time_are_counted_and_said_once(workshop: Any) -> None:
    """A log whose times nobody understands is watched at the wrong moments: its user is told, once."""
    workshop.start(log_type="json")
    for _ in range(3):
        workshop.write('{"message": "a", "when": "noon"}\n' * 10)
        workshop.follow()

    counters = {
        family.name: family.samples[0].value
        for family in ProducerMetrics("web", lambda: [Measured("web", "web", workshop.account, GAUGES)], lambda: {"kafka_up": 1}).collect()
        if family.samples
    }
    assert counters["logverse_producer_lines_without_time"] == workshop.account.to_dict()["lines_without_time"] == 30
    assert len([text for text in workshop.said if "have no time" in text]) == 1


@pytest.mark.parametrize("duration", ["9" * 400, "9" * 5000, "1" + "0" * 14, "9999999.0"])
def test_duration_that_cannot_be(duration: str) -> None:
    """A number that is no request's duration stays with the event as text."""
    parsed = access(f'{START} "GET / HTTP/1.1" 200 5 "-" "curl" {duration}')

    assert "http.server.request.duration" not in parsed.fields
    assert list((parsed.attributes or {}).values()) == [duration]


@pytest.mark.parametrize("value", [-1, 1e7, "inf", "nan", "-inf", "9" * 400, 2**63])
def test_duration_that_cannot_be_in_json(value: Any) -> None:
    """The same in JSON, where it keeps its name among the attributes."""
    parsed = json(message="a", request_time=value)

    assert "http.server.request.duration" not in parsed.fields
    assert (parsed.attributes or {})["request_time"] == value


@pytest.mark.parametrize(("method", "known"), [("PROPFIND", "_OTHER"), ("ABCXYZ", "_OTHER"), ("QUERY", "QUERY"), ("GET", "GET")])
def test_methods_are_few(method: str, known: str) -> None:
    """Clients write any method; an event has one of OpenTelemetry's, and what was written beside it."""
    for parsed in (access(f'{START} "{method} /a HTTP/1.1" 405 5'), json(**{"http.request.method": method, "url.path": "/a"})):
        assert (parsed.fields["http.request.method"], parsed.fields["url.path"]) == (known, "/a")
        assert (parsed.attributes or {}).get("http.request.method_original") == (method if known == "_OTHER" else None)
        assert "http.request.method_original" not in parsed.fields


@pytest.mark.parametrize(("host", "port"), [("example.com", 80), ("10.1.1.1", 8080), ("[::1]", 443)])
@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8::7", "::1"])
def test_virtual_host_before_the_client(host: str, port: int, client: str) -> None:
    """Debian's vhost_combined begins with the server: it is no client, and the client no user."""
    parsed = access(f'{host}:{port} {client} - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"')

    assert parsed.fields["client.address"] == client
    assert "user.name" not in parsed.fields
    assert parsed.attributes == {"server.address": host, "server.port": port}


@pytest.mark.parametrize("user", ["-", "ann", "ann b"])
def test_client_with_a_port_is_no_virtual_host(user: str) -> None:
    """A load balancer's client with its port stays the client."""
    parsed = access(f'10.0.0.7:4711 - {user} [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5')

    assert parsed.fields["client.address"] == "10.0.0.7:4711"
    assert parsed.fields.get("user.name", "-") == user


def test_file_name_that_is_not_utf8(workshop: Any) -> None:
    """A file's name may be any bytes: its lines are events and dead letters like others, and its place is remembered."""
    name = os.fsdecode(b"caf\xe9.log")
    workshop.start(name)
    workshop.write(workshop.line(0) + "garbage\n", name)
    workshop.follow()
    workshop.start(name)
    workshop.write(workshop.line(1), name)
    workshop.follow()

    assert workshop.bodies() == [workshop.line(0), workshop.line(1)]
    assert workshop.dead()[0]["origin"]["file"] == shown(workshop.folder / name) == str(workshop.folder / "caf\ufffd.log")
    assert orjson.dumps(workshop.account.to_dict())
