"""The parsed columns say the same whichever way they are read, and no record's columns are ever another's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.judging import Judge
from logverse.alert import Alert, Explanation
from logverse.anomaly import Anomaly
from logverse.dead_letter import DeadLetter
from logverse.errors import Malformed
from storage.backup import columns
from storage.backup.columns import Records, table
from tests.storage.backup_world import NOON, event

ODD = [
    b"", b" ", b"null", b"5", b"[]", b"{}", b"{", b"}", b"{}{}", b'{"log.type":"http"}\n{"log.type":"error"}', b'{"log.type":"http"}\n',
    b'{"log.type":{"x":1}}', b'{"log.type":"http","log.type":"error"}', b'{"log.type":"\xff"}', b'{"log.type":"\\ud800"}',
    b'{"log.type":"http","service.name":"web","timestamp":"2023-11-15 00:00:00.000Z"}',
    b'{"log.type":"http","service.name":"web","timestamp":"2023-02-31T00:00:00.000Z"}',
    b'{"log.type":"http","service.name":"web","timestamp":"2023-11-15T00:00:00Z"}', b'{"log.type":"http","service.name":7}',
    b'{"log.type":"http","service.name":"web","severity_number":9.5}', b'{"log.type":"http","severity_number":99999999999}',
    b'{"log.type":"http","service.name":"web","http.response.status_code":"200"}', b'{"log.type":"http","log.record.uid":""}',
    b'{"a":"', b'","b":1}', b'{"a":{}', b'{"log.type":"heartbeat","timestamp":"2023-11-15T00:00:00.000Z"}', None, b"\xef\xbb\xbf{}",
]  # fmt: skip


def records(values, topic="logs.http"):
    count = len(values)
    return Records(topic, 3, list(range(count)), [NOON + 5] * count, [None] * count, list(values), [None] * count)


def parsed(values, topic="logs.http"):
    return [tuple(row[name] for name in ("log_type", "service_name", "uid")) for row in table(records(values, topic)).to_pylist()]


def test_both_ways_say_the_same():
    """Arrow's reader for plain records, and the slow one for all others."""
    values = [event(f"u{number}", NOON + number, service=f"s{number % 3}") for number in range(100)]

    fast, slow = columns._fast(records(values)), columns._slow(records(values))

    assert fast is not None
    assert all(one.equals(other) for one, other in zip(fast, slow, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*ODD, event("a"), event("b", service="b")]), min_size=1, max_size=6))
def test_whatever_its_neighbours_are_a_record_says_the_same(values):
    """Objects that reach over lines, two on one line, none: what is beside a record never changes its columns."""
    assert parsed(values) == [parsed([value])[0] for value in values]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=12).map(lambda tail: b'{"log.type":"http","service.name":"' + tail), min_size=1, max_size=5))
def test_any_bytes_can_be_archived(values):
    """And come back as they were."""
    assert table(records(values)).column("value").to_pylist() == values


@pytest.mark.parametrize("value", [value for value in ODD if value is not None], ids=repr)
def test_what_the_history_job_keeps_can_be_found(value):
    """The columns say what the job says, or know less of an odd record; never anything else."""
    try:
        row = Judge({}).event("logs.http", 3, 0, NOON + 5, value)
    except Malformed:
        return assert_bytes_kept(value)
    (found,) = table(records([value])).to_pylist()
    if row is None or found["log_type"] is None:
        return assert_bytes_kept(value)

    assert found["log_type"] == row[0]
    assert found["service_name"] in (row[1], None)
    assert int(found["timestamp"].timestamp() * 1000) == row[2]


def assert_bytes_kept(value):
    assert table(records([value])).column("value").to_pylist() == [value]


def test_findings_and_letters_have_their_times_and_ids():
    """What a restore looks for them by."""
    why = Explanation("too much", 2.0, 1.0, ">", "%", 2, 100)
    alert = Alert("r", "frequency", "firing", "critical", {"service.name": "web"}, NOON, NOON + 7, why)
    anomaly = Anomaly("r", "d", {"service.name": "web"}, NOON, NOON + 9, 1.0, 2.0, (0.0, 1.0))
    letter = DeadLetter("id", "why", "web", {}, b"x", "00", NOON + 3)
    given_ = {"alerts": alert, "alerts.state": alert, "anomalies": anomaly, "logs.dlq": letter}

    found = {topic: table(records([value.to_json(), b"?"], topic)).to_pylist() for topic, value in given_.items()}

    said = {topic: (int(rows[0]["timestamp"].timestamp() * 1000) - NOON, rows[0]["uid"]) for topic, rows in found.items()}
    assert said == {
        "alerts": (7, alert.transition_id),
        "alerts.state": (7, alert.transition_id),
        "anomalies": (9, anomaly.id),
        "logs.dlq": (3, "id"),
    }
    assert all(rows[0]["service_name"] == "web" and rows[1]["timestamp"] is None for rows in found.values())


def test_of_other_topics_the_bytes_are_kept():
    """Rules, silences and the rest have no columns of their own."""
    (row,) = table(records([event("u")], "rules")).to_pylist()

    assert row["value"] == event("u")
    assert {row[name] for name in ("timestamp", "log_type", "service_name", "uid")} == {None}
