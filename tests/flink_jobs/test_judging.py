"""What a record is: an event with its row, a heartbeat, or malformed, by bytes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flink_jobs import judging, tables
from flink_jobs.judging import Judge
from logverse.errors import Malformed
from logverse.event import LogEvent, heartbeat
from storage.rows import StoredEvent

AT = 1_790_000_000_123
APPENDED = 1_790_000_005_000
EVENT = LogEvent(
    AT, AT, "http", "web", 17, "GET /pay", "file-17",
    {
        "http.response.status_code": 503, "http.route": "/pay", "client.address": "10.0.0.1", "user.id": "u1", "session.id": "s1",
        "trace_id": "t1",
    },
)  # fmt: skip


def judged(value: bytes | None) -> StoredEvent | None:
    row = Judge({"logs.http": "topic-id"}).event("logs.http", 3, 99, APPENDED, value)
    return row and StoredEvent(*row)


def record(**fields: Any) -> bytes:
    """A small event with these fields more (`_` for `.`)."""
    return orjson.dumps({"log.type": "http", "service.name": "web"} | {name.replace("_", "."): value for name, value in fields.items()})


def test_an_event_becomes_its_row() -> None:
    """Every column that queries select by, and the record as it was."""
    value = EVENT.to_json()

    assert judged(value) == StoredEvent("http", "web", AT, "file-17", 17, 503, "/pay", "10.0.0.1", "u1", "s1", "t1", value)


def test_a_heartbeat_is_neither_event_nor_malformed() -> None:
    """It carries time, and nothing to keep."""
    assert judged(heartbeat(AT, "web")) is None
    assert judged(b'{"log.type":"heartbeat"} and more') is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty record"),
        (b"", "not JSON"),
        (b"\x16\x03\x01", "not JSON"),
        (b'{"log.type":"http","service.name":"web"', "not JSON"),
        (b'{"log.type":"http","service.name":"web","body":"\xff"}', "not JSON"),
        (b'{"log.type":"http","service.name":"web","body":"\\,"n":1}', "not JSON"),
        (b'{"log.type":"http","service.name":"web","body":"\xc3,"n":1}', "not JSON"),
        (b'{"log.type":"http","service.name":"web","body":"\xc3\xc3\xa9,"n":1}', "not JSON"),
        (b'{"log.type":"http","service.name":"web","n":01}', "not JSON"),
        (b'{"log.type":"http","service.name":"web","n":NaN}', "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"17", "not a JSON object"),
        (b"{}", "log.type is missing"),
        (b'{"log.type":"audit","service.name":"web"}', "log.type is not one of http, error, activity"),
        (b'{"log.type":"http"}', "service.name is missing"),
        (b'{"log.type":"http","service.name":null}', "service.name is missing"),
    ],
)
def test_what_is_no_event_is_malformed_for_a_reason_of_a_few(value: bytes | None, reason: str) -> None:
    """The reason says what to look for, and does not quote the record: letters can be counted by it."""
    with pytest.raises(Malformed) as found:
        judged(value)

    assert str(found.value) == reason


@pytest.mark.parametrize(
    "value",
    [
        b'{"log.type":"http","service.name":"web"} trailing \xff',
        b'{"log.type":"http","service.name":"web","body":"a\tb\x00\x1b"}',
        b'\xef\xbb\xbf{"log.type":"http","service.name":"web"}',
        b'{"log.type":"http","service.name":"web","body":"\\ud800"}',
        b'{"log.type":"http","service.name":"web","body":"\xc0\x80"}',
        b'{"log.type":"http","service.name":"web","body":"\xc3"}',
        b'{"log.type":"http","service.name":"web","body":"\xe2\x82"}',
        b'{"log.type":"http","service.name":"web","body":"\\u12"}',
        b'{"log.type":"http","service.name":"web","severity_number":{}}',
        '{"log.type":"http","service.name":"web"}'.encode("utf-16"),
    ],
)
def test_what_flink_reads_although_it_is_no_strict_json_is_kept(value: bytes) -> None:
    """It is in the detect job's counts, so it is in the history, byte for byte."""
    found = judged(value)

    assert found is not None
    assert (found.service_name, found.record) == ("web", value)


def test_a_bracket_where_a_figure_should_be_leads_flink_astray() -> None:
    """Flink takes what follows it for fields of the event: here no log.type is left."""
    with pytest.raises(Malformed):
        judged(b'{"severity_number":{},"log.type":"http","service.name":"web"}')


@pytest.mark.parametrize("time", [None, "yesterday", "2026-11-21T10:00:00+01:00", "2026-02-30T10:00:00.000Z", 1_790_000_000])
def test_an_event_without_a_time_has_kafkas(time: object) -> None:
    """The broker's time of the record, which a replay finds again."""
    found = judged(record(timestamp=time))

    assert found is not None and found.timestamp == APPENDED


def test_times_are_read_to_the_millisecond() -> None:
    """Also those that share their second, or their fraction, with one seen before."""
    judge = Judge({})
    texts = [
        "2026-11-21T10:00:07.001Z",
        "2026-11-21T10:00:07.900Z",
        "2026-11-21T10:00:08.001Z",
        "2026-11-21T10:00:08Z",
        "2026-11-21T10:00:07.9Z",
    ]

    rows = [judge.event("t", 0, 0, 0, record(timestamp=text)) for text in texts]

    start = 1_795_255_200_000
    assert [row and row[2] - start for row in rows] == [7_001, 7_900, 8_001, 8_000, 7_900]


def test_a_record_without_a_uid_is_known_by_its_place() -> None:
    """By the id of the topic, not its name: a topic made anew starts at offset 0 again."""
    uids = {
        row[3]
        for ids, offset in (({"t": "a"}, 7), ({"t": "a"}, 8), ({"t": "b"}, 7), ({"t": "a"}, 7))
        if (row := Judge(ids).event("t", 0, offset, 0, record(log_record_uid="")))
    }

    assert len(uids) == 3


def test_an_odd_value_costs_its_column_only() -> None:
    """What does not fit a column of the store is not in it; the record has it all the same."""
    found = judged(
        record(severity_number=99_999, client_address={"a": 1}, user_id=17, trace_id=["x"])[:-1] + b',"http.response.status_code":"503"}'
    )

    assert found is not None
    assert (found.severity_number, found.status_code, found.client_address, found.user_id, found.trace_id) == (None, None, None, "17", None)


def test_a_user_without_an_id_is_known_by_name() -> None:
    """Many logs name their users and do not number them."""
    found = judged(record(user_name="alice"))

    assert found is not None and found.user_id == "alice"


def test_the_columns_are_those_that_the_detect_job_decodes() -> None:
    """A column added there must be known here: it can lead Flink astray."""
    texts = {name for name, kind in tables.DECODED.items() if kind == "STRING"}

    assert (texts, tables.DECODED.keys() - texts) == (judging.TEXTS, judging.FIGURES)
