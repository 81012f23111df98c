"""JSON logs in the names of OpenTelemetry, ECS and common loggers: one meaning for all, and nothing thrown away."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import orjson
import pytest

from logverse.instant import written
from producers.parsers import PARSERS
from producers.parsers.json_log import JsonLog
from producers.parsers.parsed import Parsed
from producers.routes import Routes


def parse(**content: Any) -> Parsed:
    return JsonLog(Routes()).parse(orjson.dumps(content).decode())


@pytest.mark.parametrize(
    "value",
    ["2026-11-21T12:00:00Z", "2026-11-21T13:30:00.000+01:30", "2026-11-21 12:00:00Z", 1795262400, 1795262400.0, 1795262400000,
     1795262400000000, 1795262400000000000, "1795262400", "1795262400000"],
)  # fmt: skip
def test_times(value: Any) -> None:
    """RFC 3339 with any offset, and seconds, milliseconds, microseconds or nanoseconds since 1970."""
    assert written(parse(timestamp=value).timestamp or 0) == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize("value", ["yesterday", "", None, True, [], {}, -1, 1e300, "NaN", "9" * 400, "0001-01-01T00:00:00+14:00"])
def test_times_that_are_none(value: Any) -> None:
    """What is no time is no reason to lose the line; it survives as an attribute."""
    parsed = parse(timestamp=value, message="a")

    assert parsed.timestamp is None
    assert value in (None, {}) or parsed.attributes == {"timestamp": value}


@pytest.mark.parametrize(
    "value",
    [0, 12, 35.5, 2026, "2026", 20261121, "20261121", "202611211000", 20261121100000, "20261121100000", 299_999_999, 10_000_000_000],
)
@pytest.mark.parametrize("form", ["json", "logfmt", "csv"])
def test_numbers_that_are_no_times(form: str, value: Any) -> None:
    """A count, a duration or a date without anything between its digits is no number of seconds since 1970: it stays an attribute."""
    line = {"json": orjson.dumps({"time": value, "a": "b"}).decode(), "logfmt": f"time={value} a=b", "csv": f"{value},b"}[form]
    parser: Any = PARSERS[form](Routes())

    parsed = (parser.headed("time,a") if form == "csv" else parser).parse(line)

    assert (parsed.timestamp, parsed.local) == (None, None)
    assert str((parsed.attributes or {})["time"]) == str(value)


def test_long_names_are_not_repeated() -> None:
    """An object below a long name stays one value: else each of its members would carry the name, and one line fill the memory."""
    line = orjson.dumps({"n" * 120_000: {f"m{n}": n for n in range(12_000)}, "a": {"b" * 300: {"c": 1}}}).decode()
    tracemalloc.start()
    began = time.process_time()

    parsed = PARSERS["json"](Routes()).parse(line)

    _, used = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert parsed.attributes is not None
    assert {len(name) for name in parsed.attributes} == {120_000, 302}
    assert (used < 40 * len(line), time.process_time() - began < 1) == (True, True)


@pytest.mark.parametrize(
    "content",
    [
        {"severity_number": 17}, {"severity_text": "ERROR"}, {"log.level": "error"}, {"log": {"level": "err"}}, {"level": 50},
        {"severityNumber": 17, "severityText": "oops"}, {"levelname": "ERROR"},
    ],
)  # fmt: skip
def test_severities(content: dict[str, Any]) -> None:
    """Numbers of OpenTelemetry, names of everybody, and pino's levels."""
    assert parse(message="a", **content).severity_number == 17


@pytest.mark.parametrize(
    ("content", "log_type"),
    [
        ({"http": {"response": {"status_code": 200}}}, "http"),
        ({"url.path": "/a", "level": "error"}, "http"),
        ({"url.path": "/a", "error.type": "IOError"}, "error"),
        ({"event.action": "user.login", "event.outcome": "failure"}, "activity"),
        ({"user": {"id": 7}}, "activity"),
        ({"user": {"id": 7}, "level": "error"}, "error"),
        ({"message": "started"}, "error"),
        ({"log.type": "activity", "message": "started"}, "activity"),
        ({"log.type": "weather", "status": "ok"}, "error"),
    ],
)
def test_log_type(content: dict[str, Any], log_type: str) -> None:
    """Requests, users' doings and everything else of an application are told apart by the fields they have."""
    assert parse(**content).log_type == log_type


def test_opentelemetry_nesting() -> None:
    """Attributes and resource stand below their containers in OpenTelemetry's JSON; names are the same."""
    parsed = parse(
        timeUnixNano="1795262400000000000", body={"stringValue": "paid"}, traceId="ab", spanId="cd",
        resource={"attributes": {"service.name": "shop", "host.name": "h"}},
        attributes={"http.route": "/pay/{id}", "url.path": "/pay/7", "k": 1},
    )  # fmt: skip

    assert (parsed.body, parsed.service, parsed.timestamp) == ("paid", "shop", 1_795_262_400_000)
    assert parsed.fields == {"trace_id": "ab", "span_id": "cd", "host.name": "h", "http.route": "/pay/{id}", "url.path": "/pay/7"}
    assert parsed.attributes == {"k": 1}


def test_units() -> None:
    """Durations become seconds, whatever unit their name stands for."""
    names = {"event.duration": 250_000_000, "request_time": "0.250", "duration_ms": 250, "http.server.request.duration": 0.25}

    assert {parse(**{name: value}).fields["http.server.request.duration"] for name, value in names.items()} == {0.25}


def test_unknown_survives() -> None:
    """What no field has a place for, and what has the wrong type for its place, stays with the event."""
    parsed = parse(message="a", cart={"items": [1, 2], "total": 9.5}, status="ok", attributes={"x": 1, "y": 3}, x=2, **{"user.id": [7]})

    assert parsed.attributes == {"cart.items": [1, 2], "cart.total": 9.5, "status": "ok", "x": 2, "attributes.x": 1, "y": 3, "user.id": [7]}


def test_exception() -> None:
    """ECS's error fields are OpenTelemetry's exception."""
    error = {"type": "IOError", "message": "disk", "stack_trace": "at a\nat b"}

    parsed = parse(message="boom", error=error, log={"origin": {"file": {"line": 7}}})

    assert (parsed.log_type, parsed.severity_number) == ("error", 17)
    assert parsed.fields == {
        "exception.type": "IOError", "exception.message": "disk", "exception.stacktrace": "at a\nat b", "code.line.number": 7,
    }  # fmt: skip


def test_line_without_message_is_its_own_body() -> None:
    """An event always has a body to show."""
    assert parse(a=1).body == '{"a":1}'
