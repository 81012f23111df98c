"""Access logs as nginx and Apache really write them, and as attackers make them write."""

from __future__ import annotations

import time
from typing import Any

import pytest

from logverse.errors import Malformed
from logverse.instant import written
from producers.parsers.access import AccessLog
from producers.parsers.parsed import Parsed
from producers.routes import Routes

START = "10.0.0.7 - - [21/Nov/2026:12:00:00 +0000]"


def parse(line: str) -> Parsed:
    return AccessLog(Routes()).parse(line)


def fields(line: str) -> dict[str, Any]:
    return parse(line).fields


@pytest.mark.parametrize(
    ("tail", "seconds"),
    [
        ("", None),
        (" 0.012", 0.012),  # nginx $request_time
        (" 12000", 0.012),  # Apache %D
        (" -", None),
        (' "203.0.113.9" 0.012', 0.012),  # nginx's own `main` format with $request_time
        (" 0.012 0.010 .", 0.012),  # and $upstream_response_time, $pipe
    ],
)
def test_duration_at_the_end(tail: str, seconds: float | None) -> None:
    """A number with a decimal point is seconds, one without is microseconds; lines without one are as good."""
    found = fields(f'{START} "GET / HTTP/1.1" 200 5 "-" "curl"{tail}')

    assert found.get("http.server.request.duration") == seconds
    assert found["user_agent.original"] == "curl"


def test_common_log_without_referer_and_agent() -> None:
    """The common log format is an access log too."""
    found = fields(f'{START} "POST /a HTTP/1.0" 201 -')

    assert (found["http.request.method"], found["http.response.status_code"]) == ("POST", 201)
    assert "http.response.body.size" not in found
    assert "user_agent.original" not in found


def test_what_a_format_adds_survives() -> None:
    """Referer, X-Forwarded-For and anything after the duration stay with the event as attributes."""
    parsed = parse(f'{START} "GET / HTTP/1.1" 200 5 "http://a/" "curl" "203.0.113.9" 0.1 upstream=web-2')

    assert parsed.attributes == {
        "http.request.header.referer": "http://a/",
        "http.request.header.x-forwarded-for": "203.0.113.9",
        "extra": "upstream=web-2",
    }


@pytest.mark.parametrize("request_line", ["-", "", r"\x16\x03\x01\x02\x00", "quit", "get / HTTP/1.1", "\x16\x03\x01"])
def test_request_that_is_none_is_an_event(request_line: str) -> None:
    """The server answered it, so it counts: an event with status and client, without method and path."""
    found = fields(f'{START} "{request_line}" 400 166 "-" "-"')

    assert found == {"client.address": "10.0.0.7", "http.response.status_code": 400, "http.response.body.size": 166}


@pytest.mark.parametrize(
    ("request_line", "path", "query"),
    [
        ("GET /a?b=/c?d HTTP/1.1", "/a", "b=/c?d"),
        ("GET /a", "/a", None),
        ("GET /a b HTTP/1.1", "/a b", None),
        ("GET http://example.org/a?x HTTP/1.1", "/a", "x"),
        ("GET /redirect/http://example.org/a HTTP/1.1", "/redirect/http://example.org/a", None),
        (r"GET /a\"b HTTP/1.1", r"/a\"b", None),
        ("OPTIONS * HTTP/1.1", "*", None),
        ("CONNECT example.org:443 HTTP/1.1", None, None),
    ],
)
def test_target(request_line: str, path: str | None, query: str | None) -> None:
    """Path and query are told apart as RFC 9112 writes targets; the route never holds the query."""
    found = fields(f'{START} "{request_line}" 200 5')

    assert (found.get("url.path"), found.get("url.query")) == (path, query)
    assert "?" not in found.get("http.route", "")


def test_escaped_quotes_user_names_and_ipv6() -> None:
    """What Apache escapes is read back; a user's name may hold spaces; a client may be IPv6."""
    parsed = parse(r'2001:db8::7 - ann b [21/Nov/2026:12:00:00 -0330] "GET / HTTP/2.0" 301 0 "-" "say \"hi\" \\o"')

    assert parsed.fields["client.address"] == "2001:db8::7"
    assert parsed.fields["user.name"] == "ann b"
    assert parsed.fields["user_agent.original"] == 'say "hi" \\o'
    assert written(parsed.timestamp or 0) == "2026-11-21T15:30:00.000Z"


@pytest.mark.parametrize(("status", "severity"), [("200", 9), ("304", 9), ("404", 13), ("499", 13), ("500", 17), ("-", 9)])
def test_severity_comes_from_the_status(status: str, severity: int) -> None:
    """5xx is an error, 4xx a warning, everything else information."""
    assert parse(f'{START} "GET / HTTP/1.1" {status} 5').severity_number == severity


@pytest.mark.parametrize("time_text", ["", "-", "32/Nov/2026:12:00:00 +0000", "21/Foo/2026:12:00:00 +0000", "21/Nov/2026"])
def test_time_that_is_none(time_text: str) -> None:
    """A line with everything but a usable time is an event without a time of its own."""
    assert parse(f'10.0.0.7 - - [{time_text}] "GET / HTTP/1.1" 200 5').timestamp is None


def test_iso_time_in_the_brackets() -> None:
    """nginx with $time_iso8601 is read too."""
    line = '10.0.0.7 - - [2026-11-21T12:00:00+01:00] "GET / HTTP/1.1" 200 5'

    assert written(parse(line).timestamp or 0) == "2026-11-21T11:00:00.000Z"


@pytest.mark.parametrize("piece", ['"', "\\", " [", "] ", '" "', "\\\\x", '\\"', " "])
def test_hostile_line_costs_no_more_than_its_length(piece: str) -> None:
    """A line of 200 KB made to confuse the pattern is judged at once: quadratic work would take minutes."""
    started = time.process_time()

    with pytest.raises(Malformed):
        parse(f'{START} "GET ' + piece * (200_000 // len(piece)))

    assert time.process_time() - started < 5
