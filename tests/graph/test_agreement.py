"""What the history job calls malformed is what the detect job does not count, on generated records and the real JSON decoder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flink_jobs import tables
from flink_jobs.judging import FIGURES, TEXTS, Judge
from flink_jobs.settings import JobSettings
from logverse.errors import Malformed
from logverse.event import LogEvent

pytestmark = pytest.mark.flink

AT = 1_790_000_000_000
EVENT = LogEvent(
    AT, AT, "http", "wéb", 9, 'GET "/pay" \\ 503', "file-17",
    {"http.response.status_code": 503, "http.server.request.duration": 0.25, "client.address": "10.0.0.1", "user.id": "u1"},
    {"deep": {"list": [1, 2.5e3, None, True, "é"]}},
).to_json()  # fmt: skip

ODD_NAME = re.compile(rb'"[^"]*\xff[^"]*"\s*:')

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
    st.sampled_from(["2026-11-21T10:00:00.000Z", "17", "http", ""]),
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=5
)
columns = st.sampled_from(sorted(TEXTS | FIGURES))
log_types = st.sampled_from(["http", "http", "error", "activity", "heartbeat", "audit", 5, None, ["http"]])
services = st.one_of(st.just("web"), st.text(max_size=5), scalars, st.just({"a": "b"}))


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """An object with odd values, its fields in any order, some left out, perhaps something behind it."""
    fields = draw(st.dictionaries(columns | st.text(max_size=4), values, max_size=5))
    fields |= {name: draw(of) for name, of in (("log.type", log_types), ("service.name", services)) if draw(st.integers(0, 9))}
    fields = dict(draw(st.permutations(list(fields.items()))))
    text = json.dumps(fields, ensure_ascii=draw(st.booleans()))
    tail = draw(st.sampled_from(["", "", "", " ", "x", "}", ',"a":1', "{}", "\x00"]))
    return (text + tail).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good record with a few bytes cut, put in or changed."""
    data = bytearray(EVENT)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data) - 1))
        what = draw(
            st.sampled_from([b"", b'"', b"\\", b",", b"}", b"{", b"]", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\t", b"0", b"\\ud800"])
        )
        data[place : place + draw(st.integers(0, 2))] = what
    return bytes(data)


# A record is a line of a file here: no line ends. No list at the top and no byte of ones in a name either, see the last two tests.
records = st.one_of(objects(), objects(), damaged(), damaged(), st.binary(max_size=30)).filter(
    lambda record: b"\n" not in record and b"\r" not in record and record.strip()[:1] != b"[" and not ODD_NAME.search(record)
)


def test_both_jobs_agree_on_what_is_malformed(tmp_path: Path) -> None:
    """What is no event here is in no count there, and the other way round."""
    batch = drawn(1_500)

    counted = in_counts(batch, tmp_path)

    differ = [(record, stored(record), record in counted) for record in batch if stored(record) != (record in counted)]
    assert differ == []
    assert 100 < len(counted) < len(batch) - 100


def test_they_differ_on_a_list_of_events(tmp_path: Path) -> None:
    """Known: Flink's decoder makes as many events of one record; for the history it is one record, and no event."""
    several = b"[" + EVENT + b"," + EVENT + b"]"

    assert in_counts([several], tmp_path) == {several}
    assert not stored(several)


def test_they_differ_on_a_byte_of_ones_in_a_name(tmp_path: Path) -> None:
    """Known: Jackson pads the last four bytes of a name with ones, and so takes this name for one it has seen; the history refuses it."""
    odd = EVENT.replace(b"attributes", b"attribut\xffes")

    assert in_counts([EVENT, odd], tmp_path) == {EVENT, odd}
    assert in_counts([odd, EVENT], tmp_path) == {EVENT}
    assert stored(EVENT) and not stored(odd)


def drawn(count: int) -> list[bytes]:
    """Distinct records. One start of Flink judges all of them, hence no test a record."""
    found: dict[bytes, None] = {}

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(record=records)
    def collect(record: bytes) -> None:
        found[record] = None

    collect()
    return list(found)


def stored(record: bytes) -> bool:
    try:
        return Judge({}).event("logs.http", 0, 0, AT, record) is not None
    except Malformed:
        return False


def in_counts(batch: Sequence[bytes], folder: Path) -> set[bytes]:
    """Those of which the detect job counts an event: its decoder with its columns, and the condition of its own first view.

    All in one file, a line each: to open a file a record takes a minute. Behind each comes an event whose service is the record's number.
    """
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    lines = [part for number, record in enumerate(batch) for part in (record, marker(number))]
    (folder / "records").write_bytes(b"\n".join(lines) + b"\n")
    env = StreamExecutionEnvironment.get_execution_environment(Configuration())
    env.set_parallelism(1)
    t_env = StreamTableEnvironment.create(env)
    names = ", ".join(f"`{name}` {kind}" for name, kind in tables.DECODED.items())
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE `events` ({names}) WITH ('connector'='filesystem', 'path'='{folder.as_uri()}', "
        "'format'='json', 'json.ignore-parse-errors'='true', 'json.timestamp-format.standard'='ISO-8601')"
    )
    condition = tables.views(JobSettings({}), {"any": "TRUE"}, {})["timed"].rpartition(" WHERE ")[2]
    # Every column is asked for, else the decoder looks at none; as one figure, since PyFlink is slow to hand over many.
    decoded = ", ".join(f"CAST(`{name}` AS STRING)" for name in tables.DECODED)
    query = f"SELECT `service.name`, CHAR_LENGTH(CONCAT_WS('', {decoded})) FROM `events` WHERE {condition}"
    with t_env.sql_query(query).execute().collect() as rows:
        services: list[Any] = [row[0] for row in rows]
    t_env.execute_sql("DROP TEMPORARY TABLE `events`")
    found, passed = set(), 0
    for service in services:
        if service == f"record {passed}":
            passed += 1
        else:
            found.add(batch[passed])
    assert passed == len(batch)
    return found


def marker(number: int) -> bytes:
    return json.dumps({"log.type": "http", "service.name": f"record {number}"}).encode()
