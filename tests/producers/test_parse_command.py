"""`logverse parse`: what lines become, why one fails, and forms that users write down themselves."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from logverse.cli.main import logverse
from logverse.errors import Malformed, WrongSettings
from producers.parsers.local_time import IN_UTC
from producers.parsers.pattern import LONGEST, load
from producers.preview import fitting
from producers.routes import Routes

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
ORDERS = r"""
pattern: '(?<time>\S+ \S+) (?<level>\w+) \[(?<who>[^]]*)\] (?<ip>\S+) (?<status>\d+) (?<message>.*)'
log_type: activity
fields: {who: user.name, ip: client.address}
time_format: '%d.%m.%Y %H:%M:%S'
begins: '\d\d\.'
examples: ['21.11.2026 12:00:00 WARN [ann] 10.0.0.7 402 no money']
"""


def run(*arguments: str, data: bytes = b"") -> Result:
    return CliRunner().invoke(logverse, ["parse", *arguments], input=data)


@pytest.fixture
def form(tmp_path: Path) -> Any:
    """Writes a form down and gives its name."""

    def write(text: str) -> str:
        path = tmp_path / "orders.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_what_a_line_becomes(tmp_path: Path) -> None:
    """A person sees what was chosen, how sure that is, and each field; control characters are shown, not obeyed."""
    log = tmp_path / "auth.log"
    log.write_text("Nov 21 12:00:00 web-1 sshd[42]: Failed password for ro\x1b[31mot from 10.0.0.7 port 4711 ssh2\n" * 3)

    shown = run(str(log), "--limit", "1", "--timezone", "Europe/Berlin", "--year", "2025")

    assert "is read as syslog (3 of 3 lines fit); its times name no year and no zone" in shown.output
    assert "line 1 · 2025-11-21T11:00:00.000Z · activity · WARN" in shown.output
    assert "user.name                        ro\\x1b[31mot" in shown.output
    assert "\x1b[31m" not in shown.output
    assert "line 2" not in shown.output


def test_disorder_of_all_that_was_read() -> None:
    """What is behind the first lines counts too: how far times run backwards, and which watermark delay that takes."""
    lines = [f'{{"time": "2026-11-21T12:00:00Z", "message": "{number}"}}\n' for number in range(300)]
    lines[250] = '{"time": "2026-11-21T11:30:00Z", "message": "old"}\n'
    data = "".join(lines).encode()

    shown, rows = run("-", "--limit", "0", data=data), orjson.loads(run("-", "--limit", "0", "-o", "json", data=data).output)

    assert "times run backwards by up to 1,800 s: --watermark-delay 1801s" in shown.output
    assert rows["disorder_s"] == 1800
    assert "backwards" not in run("-", "--limit", "20", data=data).output


def test_why_a_line_fails() -> None:
    """The reason, the character up to which it fits, and the forms that would fit."""
    lines = b'10.0.0.7 - - [21/Nov/2026:12:00:00 +0000] GET / HTTP/1.1" 200 5\n{"message": "a"}\n'

    shown = run("-", "--type", "access", data=lines)

    assert "fits to character 42: 10.0.0.7 - - [21/Nov/2026:12:00:00 +0000]" in shown.output
    assert 'does not from there:  GET / HTTP/1.1" 200 5' in shown.output
    assert "fits as: json" in shown.output
    assert "2 lines read: 0 events, 2 would be dead letters, 0 blank" in shown.output


def test_json_for_scripts() -> None:
    """Every record with its line, its offset, and the event or the reason; a trace is one record."""
    data = b'2026-11-21 12:00:00,000 ERROR a: no\nTraceback (most recent call last):\n  File "a.py", line 1, in f\nE: x\n\nnext\n'

    whole = orjson.loads(run("-", "-o", "json", "--type", "python", data=data).output)

    (record,) = whole["records"]
    assert (record["line"], record["offset"]) == (1, 0)
    assert record["event"]["exception.type"] == "E"
    assert record["event"]["timestamp"] == "2026-11-21T12:00:00.000Z"


def test_only_what_fails(tmp_path: Path) -> None:
    """`--failed --limit 0` finds the one bad line of many, also in a compressed file."""
    log = tmp_path / "a.log.gz"
    log.write_bytes(gzip.compress(b'{"message": "a"}\n' * 500 + b'{"message": \n' + b'{"message": "b"}\n' * 10))

    shown = orjson.loads(run(str(log), "--failed", "--limit", "0", "-o", "json").output)

    assert [(record["line"], record["reason"], record["fits_to"]) for record in shown["records"]] == [(501, "not JSON", 12)]


def test_archive_that_is_cut_off(tmp_path: Path) -> None:
    """What can be read is shown, then which file ends in its middle."""
    log = tmp_path / "a.log.gz"
    log.write_bytes(gzip.compress("".join(f'{{"message": "{number * 7919 % 9973}"}}\n' for number in range(9000)).encode())[:-500])

    result = run(str(log), "--limit", "0")

    assert "body                             0\n" in result.output
    assert str(result.exception) == f"{log} ends in the middle: cut off, or still being written"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("nowhere.log",), "no such file"), (("-", "--type", "acess"), "access?"), (("-", "--timezone", "berlin"), "Berlin?")],
)
def test_mistakes_are_named(arguments: tuple[str, ...], said: str) -> None:
    """A file that is not there, a form or a zone that is none: what, and what was meant."""
    result = run(*arguments)

    assert isinstance(result.exception, WrongSettings)
    assert said in str(result.exception)


def test_form_of_ones_own(form: Any) -> None:
    """Named groups become fields by their usual names or the user's, with the user's form of time, and lines are joined."""
    data = b"21.11.2026 12:00:00 WARN [ann] 10.0.0.7 402 no money\n  at the bank\n22.11.2026 12:00:00 ERROR [bob] ::1 500 x\nnonsense\n"

    shown = orjson.loads(run("-", "--type", form(ORDERS), "-o", "json", data=data).output)

    first, second = (record["event"] for record in shown["records"])
    assert first == {
        "timestamp": "2026-11-21T12:00:00.000Z", "log.type": "activity", "severity_text": "WARN", "severity_number": 13,
        "body": "no money\n  at the bank", "user.name": "ann", "client.address": "10.0.0.7", "http.response.status_code": 402,
    }  # fmt: skip
    assert second["body"] == "x\nnonsense"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pattern: '(?<a>x'", "pattern: missing )"), ("pattern: 'x'", "pattern: names no group"), ("log_type: http", "pattern: is missing"),
        ("patern: '(?<a>x)'", "pattern?"), ("pattern: '(?<a>x)'\nlog_type: web", "one of http, error, activity"), ("- a", "no fields"),
        ("pattern: '(?<a>x)'\nfields: {b: c}", "fields, b: no such group"), ("pattern: '(?<a>x)'\ntime: t", "time: 't' is no group"),
        ("pattern: '(?<a>x)'\nexamples: ['y']", "examples, 1: the pattern does not fit"), ("pattern: [", "orders.yaml:1"),
        ("pattern: 7", "pattern: is no text"), ("pattern: '(?<a>x)'\nexamples: x", "examples: is no list"),
        ("pattern: \"\\d\"", "orders.yaml:1"),
        *[(f"pattern: '(?<time>x)'\ntime_format: '{form}'", "does not tell month, day and hour")
          for form in ("%H:%M:%S", "%d %H:%M:%S", "%Y-%m-%d", "%b %d %I:%M", "%Y %H:%M", "noon")],
        ("pattern: '(?<time>x)'\ntime_format: '%Q'", "time_format: 'Q' is a bad directive"),
    ],
)  # fmt: skip
def test_mistake_in_a_form_is_named(form: Any, text: str, said: str) -> None:
    """The file, the field and the remedy, before anything is read."""
    result = run("-", "--type", form(text))

    assert isinstance(result.exception, WrongSettings)
    assert "orders.yaml" in str(result.exception)
    assert said in str(result.exception)


@pytest.mark.parametrize(
    ("time_format", "text"),
    [
        ("%b %d %H:%M:%S", "Nov 21 12:00:00"), ("%j %Y %H", "325 2026 12"), ("%c", "Sat Nov 21 12:00:00 2026"),
        ("%d/%m/%y %I:%M %p", "21/11/26 12:00 PM"), ("%Y%m%d%H%M", "202611211200"), ("%Y-%m-%dT%H:%M%z", "2026-11-21T13:00+0100"),
    ],
)  # fmt: skip
def test_forms_of_time(form: Any, time_format: str, text: str) -> None:
    """However month, day and hour are written, a form that has them gives the time."""
    parsed = load(form(f"pattern: '(?<time>.*)'\ntime_format: '{time_format}'"), Routes()).parse(text)

    at = parsed.timestamp if parsed.local is None else IN_UTC.instant(parsed.local, None, NOON, NOON)
    assert at == NOON


def test_pattern_that_backtracks_without_end(form: Any) -> None:
    """A pattern that would take for ever on a line gives up on it: the line is a dead letter, the next ones are read."""
    parser = load(form("pattern: '(?<message>.*?.*?.*?.*?)=(.*)x\\d'"), Routes())

    began = time.process_time()
    with pytest.raises(Malformed, match="takes too long"):
        parser.parse("a=" * 400 + "xx")

    assert time.process_time() - began < 1
    assert parser.parse("a=x7").body == "a"


def test_line_too_long_for_a_pattern(form: Any) -> None:
    """Patterns are tried on lines of a bounded length only."""
    with pytest.raises(Malformed, match="too long for a pattern"):
        load(form("pattern: '(?<message>.*)'"), Routes()).parse("a" * (LONGEST + 1))


def test_form_of_ones_own_in_a_producer(workshop: Any, form: Any) -> None:
    """The same file is what `--type` of `produce` takes."""
    workshop.write("21.11.2026 12:00:00 WARN [ann] 10.0.0.7 402 no money\n  at the bank\n", "orders.log")

    (event,) = workshop.read_to_end("orders.log", log_type=form(ORDERS))

    assert (event["body"], event["user.name"], event["log.type"]) == ("no money\n  at the bank", "ann", "activity")


def test_fitting_says_nothing_of_parsers_without_expressions() -> None:
    """A form that is no regular expression says itself where it stops."""
    from producers.parsers import PARSERS

    assert fitting(PARSERS["logfmt"](Routes()), "a=b c") == 0
