"""Records of several lines: joined once and for all, whatever the chunks, the pauses and the kills."""

from __future__ import annotations

import gc
import gzip
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.checkpoint import Checkpoint, Position
from producers.joining import MAX_BYTES, MAX_LINES, WAIT_MS, Joiner
from producers.sources.lines import CHUNK, TAIL, Chunk, Lines
from producers.sources.live import LiveText

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
HEAD = "2026-11-21 12:00:0{} ERROR shop.pay: failed\n"
TRACE = 'Traceback (most recent call last):\n  File "/app/pay.py", line 12, in pay\n    charge()\nValueError: no\n'


def begins(line: str) -> bool:
    return line.startswith("#")


def joined(data: bytes, sizes: list[int], cuts: tuple[int, ...] = (), start: int = 0) -> list[tuple[int, bytes]]:
    """The records of a text that arrives in pieces of these sizes: offset and bytes."""
    lines, joiner, found, at = Lines(start, data[max(0, start - TAIL) : start]), Joiner(begins), list[Any](), start
    while at < len(data):
        size = sizes.pop(0) if sizes else CHUNK
        for item in lines.feed(data[at : at + size]):
            found += joiner.feed(item, 0, cuts)
        at += size
    for item in lines.end():
        found += joiner.feed(item, 0, cuts)
    return places([*found, *joiner.flush()], data)


def places(chunks: list[Any], data: bytes) -> list[tuple[int, bytes]]:
    found = []
    for chunk in chunks:
        offset = chunk.start
        assert chunk.tail in (b"", data[max(0, chunk.end - TAIL) : chunk.end])
        for record in chunk.lines:
            found.append((offset, record))
            offset += len(record) + 1
        assert offset in (chunk.end, chunk.end + 1)
    return found


TEXTS = st.lists(st.sampled_from([b"#a\n", b"b\n", b"  c\n", b"\n", b"\r\n", b"#" + b"d" * 2000 + b"\n", b"\xff\x00\n"]), max_size=30).map(
    b"".join
)


@settings(deadline=None)
@given(
    text=TEXTS, half=st.sampled_from([b"", b"#half", b"half"]), sizes=st.lists(st.integers(1, 3000), max_size=20), resume=st.integers(0, 40)
)
def test_records_do_not_depend_on_chunks_or_on_where_reading_goes_on(text: bytes, half: bytes, sizes: list[int], resume: int) -> None:
    """However a text is cut into pieces, and from the end of whichever record it is read on, its records are the same."""
    whole = joined(text + half, [])

    assert b"\n".join(record for _, record in whole) == (text + half).removesuffix(b"\n")
    assert joined(text + half, list(sizes)) == whole
    if resume < len(whole):
        assert joined(text + half, list(sizes), start=whole[resume][0]) == whole[resume:]


@settings(deadline=None)
@given(text=TEXTS, sizes=st.lists(st.integers(1, 3000), max_size=20), place=st.integers(0, 40))
def test_a_cut_holds(text: bytes, sizes: list[int], place: int) -> None:
    """Where a record was not waited for any longer another begins, in the first run and in any after it."""
    ends = [at + 1 for at, byte in enumerate(text) if byte == 10]
    if place >= len(ends):
        return

    found = joined(text, list(sizes), (ends[place],))

    assert b"\n".join(record for _, record in found) == text.removesuffix(b"\n")
    assert ends[place] == len(text) or ends[place] in [offset for offset, _ in found]


def test_a_record_is_bounded() -> None:
    """A trace without end becomes records of at most MAX_LINES lines and MAX_BYTES bytes, all of it."""
    many = joined(b"#a\n" + b"b\n" * 1200, [])
    large = joined(b"#a\n" + (b"c" * 50_000 + b"\n") * 5, [])

    assert [record.count(b"\n") + 1 for _, record in many] == [MAX_LINES, MAX_LINES, 201]
    assert max(len(record) for _, record in large) <= MAX_BYTES
    assert sum(record.count(b"c") for _, record in large) == 250_000


def test_line_too_long_ends_a_record() -> None:
    """A line over the cap belongs to no record: it is a dead letter between two."""
    lines, joiner = Lines(), Joiner(begins)
    data = b"#a\nb\n" + b"x" * 600_000 + b"\nc\n#d\n"

    items = [item for at in range(0, len(data), CHUNK) for item in lines.feed(data[at : at + CHUNK])]
    found = [whole for item in items for whole in joiner.feed(item, 0)]

    assert [item.lines if isinstance(item, Chunk) else item.length for item in found] == [[b"#a\nb"], 600_000, [b"c"]]


def test_half_line_that_was_given_out_is_not_joined_with_its_rest() -> None:
    """A half line that was waited for long enough ended there: its rest is the next record, at its own place."""
    data, lines, joiner = b"#a\nhalf, and the rest\n#b\n", Lines(), Joiner(begins)

    items = [*lines.feed(data[:7]), *lines.end(), *lines.feed(data[7:])]
    found = [whole for item in items for whole in joiner.feed(item, 0)]

    assert [(at, record) for chunk in [*found, *joiner.flush()] for at, record in places([chunk], data)] == [
        (0, b"#a\nhalf"), (7, b", and the rest"), (22, b"#b"),
    ]  # fmt: skip


def test_trace_is_one_event(workshop: Any) -> None:
    """A Python traceback goes on the line that it belongs to; every line is in one count."""
    workshop.write(HEAD.format(0) + TRACE + HEAD.format(1) + TRACE.replace("\n", "\r\n") + "\n" + HEAD.format(2), "app.log")

    events = workshop.read_to_end("app.log", log_type="python")

    assert [event["body"] for event in events] == ["failed"] * 3
    assert [event.get("exception.stacktrace") for event in events] == [TRACE.strip(), TRACE.strip(), None]
    account = workshop.account
    assert (account.lines, account.events, account.joined, account.blank) == (12, 3, 9, 0)
    assert [int(uid.split("-")[1]) for uid in workshop.uids()] == [0, len(HEAD + TRACE) - 1, 2 * len(HEAD + TRACE) + 3]


def test_last_record_is_not_waited_for_without_end(workshop: Any) -> None:
    """A record that nothing follows is sent after WAIT_MS; what comes later is a record of its own, with the time of the one before."""
    workshop.start("app.log", log_type="python")
    workshop.write(HEAD.format(0) + "a\n", "app.log")
    workshop.follow(WAIT_MS / 1000 - 0.2)
    early = len(workshop.events())
    workshop.follow(1)
    workshop.write("b\n", "app.log")
    workshop.follow(1)

    assert early == 0
    assert [event["body"] for event in workshop.events()] == ["failed\na", "b"]
    assert [event["timestamp"] for event in workshop.events()] == ["2026-11-21T12:00:00.000Z"] * 2


def test_lines_that_come_in_time_are_joined(workshop: Any) -> None:
    """A trace that is written line by line, with pauses shorter than WAIT_MS, is one event."""
    workshop.start("app.log", log_type="python")
    for line in (HEAD.format(0) + TRACE).splitlines(keepends=True):
        workshop.write(line[:5], "app.log")
        workshop.follow(0.2)
        workshop.write(line[5:], "app.log")
        workshop.follow(0.2)
    workshop.follow(1)

    (event,) = workshop.events()
    assert event["exception.type"] == "ValueError"


def test_kill_before_acknowledgement_gives_the_same_records(workshop: Any) -> None:
    """Killed after a record was cut off and before Kafka had it: it is sent again as it was, though its text has gone on since."""
    workshop.publisher.hold = True
    workshop.start("app.log", log_type="python")
    workshop.write(HEAD.format(0) + "a\n", "app.log")
    workshop.follow(1)
    workshop.write("b\n" + HEAD.format(1), "app.log")
    workshop.follow(1)
    first = [(event["log.record.uid"], event["body"]) for event in workshop.events()]

    workshop.publisher.records.clear()
    workshop.start("app.log", log_type="python")
    workshop.follow(1)

    again = [(event["log.record.uid"], event["body"]) for event in workshop.events()]
    assert [body for _, body in first] == ["failed\na", "b", "failed"]
    assert again == first


def test_cut_is_on_disk_before_its_record_is_sent(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the very moment of sending does not change where the record ended."""
    saved: list[list[int]] = []

    def send(*_: object) -> None:
        (position,) = Checkpoint.load(workshop.memory, "memory").texts.values()
        saved.append(position.cuts)

    monkeypatch.setattr(workshop.publisher, "send", send)
    workshop.start("app.log", log_type="python")
    workshop.write(HEAD.format(0) + "a\n", "app.log")
    workshop.follow(2)

    assert saved == [[len(HEAD) - 1 + 2]]


def test_acknowledged_up_to_whole_records_only(workshop: Any) -> None:
    """The checkpoint never stands within a record, and forgets cuts that it has passed."""
    workshop.start("app.log", log_type="python")
    workshop.write(HEAD.format(0) + HEAD.format(1) + "a\n", "app.log")
    workshop.follow(0.3)
    (position,) = workshop.checkpoint.texts.values()
    within = position.offset
    workshop.follow(1)

    assert within == len(HEAD) - 1
    assert (position.offset, position.cuts) == (2 * (len(HEAD) - 1) + 2, [])


def test_rotation_in_the_middle_of_a_record(workshop: Any) -> None:
    """A file that is renamed, or copied and emptied, within a trace loses and doubles nothing."""
    workshop.start("app.log", log_type="python")
    workshop.write(HEAD.format(0) + "a\n", "app.log")
    workshop.follow(0.2)
    (workshop.folder / "app.log").rename(workshop.folder / "app.log.1")
    workshop.write("b\n", "app.log.1")
    workshop.write(HEAD.format(1) + "c\n", "app.log")
    workshop.follow(0.2)
    (workshop.folder / "app.log.2").write_bytes((workshop.folder / "app.log").read_bytes())
    (workshop.folder / "app.log").write_text(HEAD.format(2))
    workshop.follow(20)

    assert sorted(event["body"] for event in workshop.events()) == ["failed", "failed\na\nb", "failed\nc"]


def test_end_of_a_compressed_file_ends_its_record(workshop: Any) -> None:
    """Nothing will follow in a file that is over: its last record is sent, to its last byte."""
    (workshop.folder / "app.log.1.gz").write_bytes(gzip.compress((HEAD.format(0) + TRACE).encode().removesuffix(b"\n")))

    (event,) = workshop.read_to_end("app.log.1.gz", log_type="python")

    (position,) = workshop.checkpoint.texts.values()
    assert event["exception.message"] == "no"
    assert position.offset == len(HEAD + TRACE) - 2


def test_texts_that_are_over_are_not_kept(workshop: Any) -> None:
    """Thousands of rotated files leave no trace in memory; one whose record still waits loses nothing of it."""
    workshop.start("*.log", log_type="python")
    waiting = LiveText("waiting", "waiting", Position("waiting", first_seen=NOON))
    list(workshop.translator.whole(waiting, Chunk(0, 3, [b"2026-11-21 12:00:00,000 ERROR a: b"]), NOON))
    for number in range(2000):
        text = LiveText(str(number), "rotated", Position("rotated", first_seen=NOON))
        list(workshop.translator.whole(text, Chunk(0, 2, [b"a"]), NOON))
        text.position.cuts.append(2)
        list(workshop.translator.release(text, ended=False))

    assert sum(isinstance(one, Joiner) for one in gc.get_objects()) < 1000
    assert workshop.translator.holds(waiting)
