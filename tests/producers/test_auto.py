"""`--type auto`, and what every form has in common in a producer: each line in one count, whatever its bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.parsers import PARSERS
from producers.parsers.choosing import choose
from producers.parsers.local_time import IN_UTC
from tests.contracts.parser_lines import CASES, LINES

NASTY = [
    b"\x00\n",
    b"\xff\xfe no text\n",
    b"\x1b[31mred\x1b[0m\n",
    b"half",
    b" line\r\n",
    b"\r",
    b"a\rb\n",
    b"\n",
    b"\r\n",
    b'"\n',
    b"x" * 300_000 + b"\n",
]


@settings(deadline=None, max_examples=50)
@given(lines=st.lists(LINES, max_size=8))
def test_any_sample_has_a_form(lines: list[str]) -> None:
    """Whatever stands in a file, one form is chosen, and said in words; plain lines when nothing else fits."""
    choice = choose(lines, IN_UTC, 1_795_262_400_000)

    assert choice.name in PARSERS
    assert 0 <= choice.fit <= choice.lines <= len(lines)
    assert choice.said().startswith(choice.name if choice.name != "plain" else "plain lines")


def test_half_of_the_lines_decide() -> None:
    """A form that fits less than half of the lines would make dead letters of the rest: they are kept as plain lines."""
    line = CASES["access"].line

    assert choose([line, "a", "b"], IN_UTC, 0).name == "plain"
    assert choose([line, line, "a", "b"], IN_UTC, 0).name == "access"


LOGBACK = "2026-11-21 12:00:0{} [main] ERROR com.shop.Pay - no money"


def test_a_line_behind_a_time_does_not_outweigh_a_form() -> None:
    """An odd line in a log of a known form does not make all of it text behind a time, without levels."""
    banner = "2026-11-21 12:00:00 Welcome to the shop"

    assert choose([banner, *[LOGBACK.format(1)] * 199], IN_UTC, 0).name == "java"
    assert choose([banner] * 7 + [LOGBACK.format(1)] * 3, IN_UTC, 0).name == "node"
    assert choose([banner], IN_UTC, 0).name == "node"


def test_sentences_are_no_csv() -> None:
    """Text with commas is text."""
    assert choose(["it works, more or less", "so it does, he said"] * 10, IN_UTC, 0).name == "plain"


@pytest.mark.parametrize("name", PARSERS)
def test_every_line_is_in_one_count(workshop: Any, name: str) -> None:
    """Good lines and nasty ones of each form: all counts together are the lines, all records' places together the bytes."""
    case = CASES[name]
    good = case.line.encode() + b"\n"
    pieces = [good, *(piece for nasty in NASTY for piece in (nasty, good))]
    data = (case.header.encode() + b"\n" if case.header else b"") + b"".join(pieces)
    (workshop.folder / "a.log").write_bytes(data)

    events = workshop.read_to_end("a.log", log_type=name)

    account = workshop.account
    assert account.lines == data.count(b"\n")
    assert account.events + account.dead_letters.total() + account.blank + account.joined == account.lines
    assert (account.events, account.bytes) == (len(events), len(data))
    assert len(set(workshop.uids())) == len(events) > len(NASTY) / 2
    (position,) = workshop.checkpoint.texts.values()
    assert position.offset == len(data)


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "plain"])
def test_auto_reads_as_the_form_that_it_names(workshop: Any, name: str) -> None:
    """What `auto` makes of a file is what naming the form makes of it."""
    case = CASES[name]
    workshop.write((case.header + "\n" if case.header else "") + (case.line + "\n") * 20, "a.log")
    named = workshop.read_to_end("a.log", log_type=name)
    workshop.memory.unlink()

    chosen = workshop.read_to_end("a.log", log_type="auto")

    assert chosen == named
    assert len(chosen) == 20 * (2 if name == "go" else 1)  # a panic is a record of its own
    assert any(f" is read as {name} (" in text for text in workshop.said)


def test_choice_outlives_a_restart(workshop: Any) -> None:
    """A file is not read as something else in its middle, whatever its next lines look like."""
    workshop.start("a.log", log_type="auto")
    workshop.write("2026-11-21 12:00:00,000 ERROR a: b\n" * 3, "a.log")
    workshop.follow(2)
    workshop.start("a.log", log_type="auto")
    workshop.write('{"message": "a"}\n' * 20, "a.log")
    workshop.follow(2)

    assert [event["body"] for event in workshop.events()][:3] == ["b"] * 3
    assert len([text for text in workshop.said if " is read as " in text]) == 1
    assert workshop.account.joined == 19


def test_header_of_csv_is_known_after_a_restart(workshop: Any) -> None:
    """What the columns are called stands in the first line only, also for who reads on in the middle."""
    workshop.start("a.csv", log_type="auto")
    workshop.write("time;level;message\n2026-11-21T12:00:00Z;warn;a\n2026-11-21T12:00:01Z;warn;b\n", "a.csv")
    workshop.follow(1)
    workshop.start("a.csv", log_type="auto")
    workshop.write('2026-11-21T12:00:02Z;error;"c; d"\n', "a.csv")
    workshop.follow(1)

    assert [(event["body"], event["severity_text"]) for event in workshop.events()] == [("a", "WARN"), ("b", "WARN"), ("c; d", "ERROR")]
    assert workshop.dead() == []


def test_a_file_that_begins_slowly(workshop: Any) -> None:
    """A first line that says nothing does not decide for the file."""
    workshop.start("a.log", log_type="auto")
    workshop.write("starting up\n", "a.log")
    workshop.follow(1)
    workshop.write(workshop.lines(0, 5), "a.log")
    workshop.follow(1)

    assert [event["log.type"] for event in workshop.events()] == ["error", *["http"] * 5]
    assert workshop.dead() == []


def test_first_lines_choose_for_now(workshop: Any) -> None:
    """A file whose first line came alone is read as what its first ten lines are, a trace in them joined, nothing lost or doubled."""
    workshop.start("app.log", log_type="auto")
    workshop.write("2026-11-21 12:00:00 starting up\n", "app.log")
    workshop.follow(2)
    workshop.write((LOGBACK.format(1) + "\n\tat com.shop.Pay.pay(Pay.java:31)\n") * 20, "app.log")
    workshop.follow(2)
    workshop.start("app.log", log_type="auto")
    workshop.write(LOGBACK.format(2) + "\n", "app.log")
    workshop.follow(2)

    assert [event["severity_text"] for event in workshop.events()] == ["INFO", *["ERROR"] * 21]
    assert [text.partition(" is read as ")[2].split(" ")[0] for text in workshop.said] == ["node", "java"]
    assert len(set(workshop.uids())) == 22


def test_a_choice_is_not_changed_by_later_lines(workshop: Any) -> None:
    """Ten lines choose for good: lines of another form after them are dead letters, not another choice."""
    workshop.start("app.log", log_type="auto")
    workshop.write('{"message": "a"}\n' * 10, "app.log")
    workshop.follow(1)
    workshop.write(workshop.lines(0, 300), "app.log")
    workshop.follow(1)

    assert (len(workshop.events()), len(workshop.dead())) == (10, 300)


def test_lines_that_came_one_by_one_choose_together(workshop: Any) -> None:
    """It is the lines so far that choose, not the last one alone."""
    workshop.start("app.log", log_type="auto")
    for number in range(12):
        workshop.write("oops\n" if number == 9 else '{"message": "a"}\n', "app.log")
        workshop.follow(1)

    assert (len(workshop.events()), len(workshop.dead())) == (11, 1)
