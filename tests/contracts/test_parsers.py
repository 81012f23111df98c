"""What every parser must do, generated from PARSERS: nobody can forget to list one."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logverse.errors import Malformed
from logverse.event import FIELDS, LOG_TYPES
from logverse.instant import read, written
from producers.parsers import PARSERS
from producers.parsers.choosing import choose, headed
from producers.parsers.local_time import IN_UTC, Calendar, zone_named
from producers.parsers.parsed import Parsed, Parser
from producers.routes import Routes
from tests.contracts.parser_lines import CASES, HOSTILE, LINES, NOT_LINES, TOLERANT

REASONS = {
    "not an access log line", "not JSON", "not a JSON object", "not a syslog line", "not an nginx error log line", "not logfmt",
    "not an Apache error log line", "not a PostgreSQL log line",
    "not a line of a container runtime", "not a line of Docker's json-file",
    "CSV without a header of names", "other columns than the CSV's header",
    "quotes of CSV that do not match",
}  # fmt: skip
NOW = read("2026-11-21T12:00:00.000Z")
BERLIN = Calendar(zone_named("Europe/Berlin"))


@pytest.fixture(params=PARSERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def parser(name: str) -> Parser:
    return made(name)


def made(name: str) -> Parser:
    return headed(PARSERS[name](Routes()), CASES[name].header)


def instant(parsed: Parsed, calendar: Calendar = IN_UTC, last: int | None = None) -> int | None:
    """The time that a producer would give it."""
    return parsed.timestamp if parsed.local is None else calendar.instant(parsed.local, last, NOW, NOW)


def test_every_parser_has_a_case() -> None:
    """A parser without lines in `parser_lines.CASES` is not tested."""
    assert set(CASES) == set(PARSERS)


def test_line_has_its_meaning(name: str, parser: Parser) -> None:
    """A line of each form is read as what a person reads in it: type, time, severity, message, every field."""
    case = CASES[name]

    parsed = parser.parse(case.line)

    at = instant(parsed)
    assert (None if at is None else written(at)) == case.at
    assert (parsed.log_type, parsed.severity_number, parsed.body) == (case.log_type, case.severity, case.body or case.line)
    assert parsed.fields == case.fields
    assert {key: (parsed.attributes or {}).get(key) for key in case.attributes} == dict(case.attributes)


def test_round_trip(name: str, parser: Parser) -> None:
    """What is made of a line survives the topic: written as JSON and read again it is the same."""
    parsed = parser.parse(CASES[name].line)

    assert_sound(parsed)
    content = {"body": parsed.body, **parsed.fields, "attributes": dict(parsed.attributes or {})}
    assert orjson.loads(orjson.dumps(content)) == content


def test_parsing_twice_gives_the_same(name: str, parser: Parser) -> None:
    """A parser's caches change nothing, whatever stood before the line."""
    line = CASES[name].line
    first = parser.parse(line)
    for hostile in HOSTILE:
        try_(parser, hostile)

    assert parser.parse(line) == first == made(name).parse(line)


@pytest.mark.parametrize("line", NOT_LINES)
def test_other_bytes_are_malformed_with_a_countable_reason(name: str, parser: Parser, line: str) -> None:
    """What is no line of this form is refused with one of few reasons, without the line in it: reasons are a metric's label.
    Those who take any line make an event without a time of it."""
    if name in TOLERANT:
        assert instant(parser.parse(line)) is None
        return
    with pytest.raises(Malformed) as refused:
        parser.parse(line)

    assert str(refused.value) in REASONS


def test_hostile_lines_are_events_or_malformed(parser: Parser) -> None:
    """NUL, invalid UTF-8, 10 MB, ANSI, half lines, mixed line breaks: an event that can be written, or Malformed, in linear time."""
    for line in HOSTILE:
        began = time.process_time()
        parsed = try_(parser, line)

        assert time.process_time() - began < 0.2 + len(line) / 4_000_000
        if parsed is not None:
            assert_sound(parsed)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_half_lines_invent_no_time(name: str, parser: Parser, cut: int) -> None:
    """A line that ends in the middle is an event or malformed; its time is the line's or none."""
    line = CASES[name].line

    parsed = try_(parser, line[: len(line) * cut // 60])

    assert parsed is None or instant(parsed) in (None, instant(parser.parse(line)))


@pytest.mark.parametrize("noise", ["\x1b[31m", "\x00", "\ufffd", "\x07\x08", "\u202e"])
@pytest.mark.parametrize("free", [name for name, case in CASES.items() if case.free])
def test_noise_in_the_message_changes_no_other_field(free: str, noise: str) -> None:
    """What a message says cannot pass for another field, and stays in the event as it was written."""
    case, parser = CASES[free], made(free)

    parsed = parser.parse(case.line.replace(case.free, case.free + noise))

    assert instant(parsed) == instant(parser.parse(case.line))
    assert noise in parsed.body


@pytest.mark.parametrize("name_of_parser", PARSERS)
@settings(deadline=None)
@given(line=LINES)
@example(line='{"timestamp":1e308,"level":{"a":1},"severity_number":true}')
@example(line='a - - [] "\\" 200 1')
@example(line=CASES["access"].line + "9" * 5000)
@example(line="example.com:80 " + CASES["access"].line)
@example(line='{"request_time": "inf", "http.request.method": "", "msec": "1e400"}')
@example(line="<999>1 - - - - - -")
@example(line="Feb 30 25:61:61 h a: b")
def test_any_text_is_an_event_or_malformed(name_of_parser: str, line: str) -> None:
    """No text makes a parser fail otherwise, and what it makes can be written and has the types that the topic promises."""
    for parser in (made(name_of_parser), headed(PARSERS[name_of_parser](Routes()), line)):
        parsed = try_(parser, line)
        if parsed is not None:
            assert_sound(parsed)


@pytest.mark.parametrize("name_of_parser", PARSERS)
@settings(deadline=None)
@given(line=st.text(alphabet=st.characters(exclude_categories=["Nd"]), max_size=120))
@example(line='{"time": "noon", "timestamp": "inf"}')
@example(line="time=now level=info")
def test_no_time_is_invented(name_of_parser: str, line: str) -> None:
    """Text without a digit has no time, so none is made of it."""
    parsed = try_(made(name_of_parser), line)

    assert parsed is None or instant(parsed) is None


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 0), ("Europe/Berlin", -1), ("America/New_York", 5), ("Asia/Kolkata", -5.5), ("-03:00", 3)]
)
def test_zone_moves_times_that_name_none(name: str, parser: Parser, zone: str, hours: float) -> None:
    """A time without a zone is of the source's, winter time in November; one with a zone is not touched."""
    parsed = parser.parse(CASES[name].line)

    moved = instant(parsed, Calendar(zone_named(zone)))

    at = instant(parsed)
    named = parsed.local is None or parsed.local.zone == "UTC"
    assert moved == (at if at is None or named else at + hours * 3_600_000)


def test_auto_tells_the_forms_apart(name: str) -> None:
    """A few lines, one of them garbage, are enough to choose the right parser, and to say how sure that is."""
    case = CASES[name]

    lines = case.line.split("\n")

    choice = choose([*([case.header] if case.header else []), *lines, "]garbage[", *lines, *lines], IN_UTC, NOW)

    assert choice.name == name
    assert choice.fit == choice.lines - (name != "plain")


def try_(parser: Parser, line: str) -> Parsed | None:
    try:
        return parser.parse(line)
    except Malformed:
        return None


def assert_sound(parsed: Parsed) -> None:
    assert parsed.log_type in LOG_TYPES
    assert 1 <= parsed.severity_number <= 24
    assert parsed.timestamp is None or (parsed.local is None and 0 <= parsed.timestamp <= 253_402_300_799_999)
    for calendar in (IN_UTC, BERLIN):
        at = instant(parsed, calendar)
        assert at is None or 0 <= at <= 253_402_300_799_999
    assert {field: type(value) for field, value in parsed.fields.items()} == {field: FIELDS[field] for field in parsed.fields}
    content: dict[str, Any] = {"body": parsed.body, "fields": parsed.fields, "attributes": parsed.attributes, "service": parsed.service}
    assert orjson.dumps(content)
