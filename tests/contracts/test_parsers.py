"""What every parser must do, generated from PARSERS: nobody can forget to list one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logverse.errors import Malformed
from logverse.event import FIELDS, LOG_TYPES
from logverse.instant import written
from producers.parsers import PARSERS, choose
from producers.parsers.parsed import Parsed, Parser
from producers.routes import Routes

# A line of each form, and what it must be read as. A new parser is listed here, or `test_every_parser_has_an_example` fails.
EXAMPLES: dict[str, str] = {
    "access": '10.0.0.7 - ann [21/Nov/2026:12:00:00 +0100] "GET /user/42?tab=1 HTTP/1.1" 503 512 "-" "curl/8.5" 0.250',
    "json": '{"@timestamp": "2026-11-21T12:00:00+01:00", "http": {"request": {"method": "GET"}, "response": {"status_code": 503}},'
    ' "url": {"path": "/user/42", "query": "tab=1"}, "event": {"duration": 250000000}, "source": {"ip": "10.0.0.7"}, "user.name": "ann"}',
}
REQUEST = {
    "http.request.method": "GET", "url.path": "/user/42", "url.query": "tab=1", "http.route": "/user/{id}",
    "http.response.status_code": 503, "http.server.request.duration": 0.25, "client.address": "10.0.0.7", "user.name": "ann",
}  # fmt: skip
NOT_LINES = ["", " ", "\x00", "no log line", "[1, 2]", "null", "1", '{"a":', "\x16\x03\x01", '"', "{}" * 3, "[" * 2000]

# Lines near to real ones: pieces of them in any order.
PIECES = st.sampled_from(
    ["10.0.0.7 - - ", "::1 - - ", "[21/Nov/2026:12:00:00 +0000] ", "[99/Xxx/0000:99:99:99 +9999] ", '"GET / HTTP/1.1" ', '"', "\\",
     " 200 512", " - -", ' "-" "-"', " 0.001", '{"a":', '{"timestamp":', "1e400", '"message":', "null", "}", "[", "]", ",", "9" * 400]
)  # fmt: skip
NAMES = ["a", "http", "timestamp", "status", "level", *FIELDS]
LINES = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=12).map("".join),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict)).map(lambda value: orjson.dumps(value).decode()),
)  # fmt: skip


@pytest.fixture(params=PARSERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def parser(name: str) -> Parser:
    return PARSERS[name](Routes())


def test_every_parser_has_an_example() -> None:
    """A parser without an example here is not tested."""
    assert set(EXAMPLES) == set(PARSERS)


def test_same_request_has_the_same_meaning_in_every_form(name: str, parser: Parser) -> None:
    """A request is the same event whatever form its line has: names, types, units and time zone are ours."""
    parsed = parser.parse(EXAMPLES[name])

    assert written(parsed.timestamp or 0) == "2026-11-21T11:00:00.000Z"
    assert (parsed.log_type, parsed.severity_number) == ("http", 17)
    assert {field: parsed.fields[field] for field in REQUEST} == REQUEST


@pytest.mark.parametrize("line", NOT_LINES)
def test_other_bytes_are_malformed_with_a_countable_reason(parser: Parser, line: str) -> None:
    """What is no line of this form is refused with one of few reasons, without the line in it: reasons are a metric's label."""
    with pytest.raises(Malformed) as refused:
        parser.parse(line)

    assert str(refused.value) in {"not an access log line", "not JSON", "not a JSON object"}


@pytest.mark.parametrize("name_of_parser", PARSERS)
@given(line=LINES)
@example(line='{"timestamp":1e308,"level":{"a":1},"severity_number":true}')
@example(line='a - - [] "\\" 200 1')
@example(line=EXAMPLES["access"] + "9" * 5000)
@example(line="example.com:80 " + EXAMPLES["access"])
@example(line='{"request_time": "inf", "http.request.method": "", "msec": "1e400"}')
def test_any_text_is_an_event_or_malformed(name_of_parser: str, line: str) -> None:
    """No text makes a parser fail otherwise, and what it makes can be written and has the types that the topic promises."""
    try:
        parsed = PARSERS[name_of_parser](Routes()).parse(line)
    except Malformed:
        return

    assert_sound(parsed)


def test_parsing_twice_gives_the_same(name: str, parser: Parser) -> None:
    """A parser's caches change nothing."""
    assert parser.parse(EXAMPLES[name]) == parser.parse(EXAMPLES[name])


def test_auto_tells_the_forms_apart(name: str) -> None:
    """A few lines, one of them garbage, are enough to choose the right parser."""
    assert choose([EXAMPLES[name], "garbage", EXAMPLES[name]]) == name


def assert_sound(parsed: Parsed) -> None:
    assert parsed.log_type in LOG_TYPES
    assert 1 <= parsed.severity_number <= 24
    assert parsed.timestamp is None or 0 <= parsed.timestamp <= 253_402_300_799_999
    assert {field: type(value) for field, value in parsed.fields.items()} == {field: FIELDS[field] for field in parsed.fields}
    content: dict[str, Any] = {"body": parsed.body, "fields": parsed.fields, "attributes": parsed.attributes, "service": parsed.service}
    assert orjson.dumps(content)
