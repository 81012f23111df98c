"""From lines to records: every line in one count, identity and time by position, bytes that cannot be events kept aside."""

from __future__ import annotations

import base64
import itertools
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from logverse import instant
from logverse.event import LogEvent
from producers.checkpoint import Checkpoint
from producers.parsers import PARSERS
from producers.routes import Routes

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "http"


def test_record_is_what_log_event_would_write(workshop: Any) -> None:
    """The record built without a LogEvent is, member for member, the LogEvent's own JSON."""
    lines = [
        workshop.line(0, "/a?b=1").rstrip(),
        '{"message": "paid", "user.id": 7, "event.action": "order.paid", "x": {"y": [1]}, "@timestamp": "2026-11-21T12:00:00+01:00"}',
    ]
    for line, form in zip(lines, ("access", "json"), strict=True):
        (workshop.folder / form).write_text(line + "\n")

        (event,) = workshop.read_to_end(form, log_type=form)

        value = workshop.publisher.records[0].value
        parsed = PARSERS[form](Routes()).parse(line)
        assert LogEvent.from_json(value) == LogEvent(
            timestamp=parsed.timestamp, observed_timestamp=workshop.noon, log_type=parsed.log_type, service_name="web",
            severity_number=parsed.severity_number, body=parsed.body, uid=event["log.record.uid"],
            fields={"host.name": "web-1", "log.file.path": str(workshop.folder / form), **parsed.fields},
            attributes=parsed.attributes or {},
        )  # fmt: skip
        assert orjson.loads(LogEvent.from_json(value).to_json()) == event


def test_garbage_becomes_dead_letters_with_place_and_reason(workshop: Any) -> None:
    """Bytes that are no event are kept whole, with the file, the byte they stand at, and why."""
    good, bad = workshop.line(0), b"\xff\x00 no log line\n"
    (workshop.folder / "access.log").write_bytes(good.encode() + bad + good.encode())

    events = workshop.read_to_end()

    (letter,) = workshop.dead()
    assert len(events) == 2
    assert letter["reason"] == "not an access log line"
    assert letter["origin"] == {"file": str(workshop.folder / "access.log"), "offset": len(good), "length": len(bad) - 1, "host": "web-1"}
    assert base64.b64decode(letter["data"]) == bad[:-1]
    assert letter["sha256"] == sha256(bad[:-1]).hexdigest()
    assert letter["id"].endswith(f"-{len(good)}")


def test_offsets_are_of_bytes(workshop: Any) -> None:
    """CRLF, blank lines, NUL, multi-byte and invalid UTF-8 move no later line from its place."""
    pieces = [workshop.line(0).encode().replace(b"\n", b"\r\n"), b"\r\n", b"\n"]
    pieces += [workshop.line(1, path).encode("utf-8", "surrogateescape") for path in ("/é", "/\udcff", "/\x00", "/end")]
    (workshop.folder / "access.log").write_bytes(b"".join(pieces))
    starts = list(itertools.accumulate(map(len, pieces), initial=0))

    events = workshop.read_to_end()

    assert [int(uid.split("-")[1]) for uid in workshop.uids()] == [starts[0], *starts[3:7]]
    assert [event["url.path"] for event in events] == ["/", "/é", "/\ufffd", "/\x00", "/end"]
    assert workshop.account.blank == 2
    assert "\r" not in events[0]["body"]


def test_line_without_end_is_cut_and_named(workshop: Any) -> None:
    """A line over the cap is a dead letter with its length, its sha256 and its first 64 KiB; its neighbours are events."""
    long = b"x" * 700_000
    (workshop.folder / "access.log").write_bytes(workshop.line(0).encode() + long + b"\n" + workshop.line(1).encode())

    events = workshop.read_to_end()

    (letter,) = workshop.dead()
    assert [event["body"] + "\n" for event in events] == [workshop.line(0), workshop.line(1)]
    assert (letter["reason"], letter["origin"]["length"]) == ("line too long", 700_000)
    assert letter["sha256"] == sha256(long).hexdigest()
    assert base64.b64decode(letter["data"]) == long[: 64 * 1024]
    assert workshop.account.lines == 3
    assert int(workshop.uids()[1].split("-")[1]) == len(workshop.line(0)) + len(long) + 1


def test_record_that_kafka_would_not_take(workshop: Any) -> None:
    """A line that grows past Kafka's limit in JSON is a dead letter, not a failure of everything after it."""
    (workshop.folder / "a.json").write_text(
        orjson.dumps({"message": "\x01" * 40_000, "a": "\x01" * 200, "b": "\x01" * 200}).decode() + "\n"
    )
    (workshop.folder / "b.log").write_bytes(workshop.line(0, "/" + "\x01" * 200_000).encode())

    small = workshop.read_to_end("a.json", log_type="json")
    large = workshop.read_to_end("b.log")

    assert (len(small), large) == (1, [])
    assert workshop.dead()[0]["reason"] == "record too large"


def test_time_of_a_line_without_one_is_its_predecessors(workshop: Any) -> None:
    """A line without a usable time takes the last good one of its file, also after a restart between the two."""
    workshop.start(log_type="json")
    workshop.write('{"message": "a", "timestamp": "2026-11-21T11:00:00Z"}\n')
    workshop.follow()

    workshop.start(log_type="json")
    workshop.write('{"message": "b"}\n{"message": "c", "timestamp": "yesterday"}\n')
    workshop.follow()

    assert [event["timestamp"] for event in workshop.events()] == ["2026-11-21T11:00:00.000Z"] * 3


def test_first_seen_time_survives_a_restart(workshop: Any) -> None:
    """Before the first good time it is the time when the file was first seen: the same for the same line, whenever it is sent."""
    workshop.publisher.hold = True
    workshop.start(log_type="json")
    workshop.write('{"message": "a"}\n')
    workshop.follow()
    workshop.now += 3_600_000

    workshop.start(log_type="json")
    workshop.follow()

    first, again = workshop.events()
    assert first["timestamp"] == again["timestamp"] == instant.written(workshop.noon)
    assert first["log.record.uid"] == again["log.record.uid"]


def test_first_seen_time_is_saved_before_anything_is_sent(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the very moment of sending does not change when the file was first seen."""
    saved: list[int] = []

    def send(*_: object) -> None:
        (position,) = Checkpoint.load(workshop.memory, "memory").texts.values()
        saved.append(position.first_seen)

    monkeypatch.setattr(workshop.publisher, "send", send)
    workshop.follow(seconds=0.2)
    workshop.write(workshop.line(0))
    workshop.follow(seconds=0.2)

    assert saved == [workshop.noon + 200]


def test_key_is_session_or_trace(workshop: Any) -> None:
    """Records of one session keep their order; all others spread over the partitions."""
    workshop.write('{"message": "a", "session.id": "s", "trace.id": "t"}\n{"message": "b", "trace.id": "t"}\n{"message": "c"}\n')

    workshop.read_to_end(log_type="json")

    assert [record.key for record in workshop.publisher.records] == ["s", "t", None]


def test_auto_chooses_by_the_lines_and_remembers(workshop: Any) -> None:
    """Each file's form is chosen by its first lines, said, and not chosen anew in its middle."""
    workshop.write('{"message": "a"}\n', "a.json")
    workshop.write(workshop.line(0), "b.log")
    workshop.start("*.*g", "*.json", log_type="auto")
    workshop.follow()

    workshop.start("*.*g", "*.json", log_type="auto")
    workshop.write("garbage\n", "a.json")
    workshop.follow()

    assert sorted(text.split(" is read as ")[1] for text in workshop.said) == ["access (1 of 1 lines fit)", "json (1 of 1 lines fit)"]
    assert workshop.dead()[0]["reason"] == "not JSON"


def test_auto_refuses_no_file(workshop: Any) -> None:
    """A file of which no form fits is read as plain lines, and its user is told what to do about it."""
    workshop.write("no log at all\n" * 20)

    events = workshop.read_to_end(log_type="auto")

    assert [(event["body"], event["timestamp"]) for event in events] == [("no log at all", instant.written(workshop.noon))] * 20
    assert ["plain lines" in text and "--type" in text for text in workshop.said if " is read as " in text] == [True]


def test_disorder_is_measured_within_a_file(workshop: Any) -> None:
    """How far times run backwards is known, whatever order different files come in."""
    workshop.write(workshop.line(50) + workshop.line(3) + workshop.line(60))

    workshop.read_to_end()

    assert workshop.translator.disorder.worst == 47_000


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize(("name", "count"), [("nginx_logs", 51_462), ("apache_logs", 10_000)])
def test_real_logs_are_read_as_a_plain_reader_reads_them(workshop: Any, name: str, count: int) -> None:
    """Every line of the real logs is an event with the time, path, status and size that splitting it plainly gives."""
    packed = DATA / f"{name}.log.zst"
    text = zstandard.ZstdDecompressor().stream_reader(packed.open("rb")).read().decode()
    (workshop.folder / "access.log.zst").symlink_to(packed)

    events = workshop.read_to_end("access.log.zst")

    assert len(events) == count
    assert workshop.dead() == []
    for line, event in zip(text.splitlines(), events, strict=True):
        assert _of_event(event) == _plainly(line)
    assert len({event["http.route"] for event in events}) <= 601


def _of_event(event: dict[str, Any]) -> tuple[object, ...]:
    query = "?" + event["url.query"] if "url.query" in event else ""
    size = event.get("http.response.body.size", "-")
    return (
        event["body"], event["timestamp"], event["http.request.method"], event["url.path"] + query,
        str(event["http.response.status_code"]), str(size), event["client.address"],
    )  # fmt: skip


def _plainly(line: str) -> tuple[object, ...]:
    client, _, _, time, zone, method, target, _, status, size = line.split(" ")[:10]
    day, month, rest = time[1:].split("/")
    year, clock = rest.split(":", 1)
    assert zone == "+0000]"
    number = 1 + ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].index(month)
    return line, f"{year}-{number:02d}-{day}T{clock}.000Z", method[1:], target.removesuffix("?"), status, size, client
