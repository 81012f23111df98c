"""The columns of an archive: each record as Kafka has it, byte for byte, and beside it what it is looked for by.

Restoring takes the bytes and judges them anew; the parsed columns only choose. They say what the history job says of a record
(event time: the record's, else Kafka's), and are null where it says nothing; a record may be odd enough that they know less than the job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import json as arrow_json

from logverse import instant
from logverse.errors import Malformed
from logverse.event import LOG_TYPES
from logverse.instant import Millis
from logverse.topics import LOGS

_TIME = pa.timestamp("ms", "UTC")
_TAG = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("topic", _TAG, nullable=False),  # the short name: logverse/topics.py
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("appended", _TIME, nullable=False),  # the record's time in Kafka: on log topics the broker's
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),  # null: of compacted topics, the key is deleted
        pa.field("headers", pa.list_(pa.struct([("name", pa.string()), ("value", pa.binary())]))),
        pa.field("timestamp", _TIME),  # event time
        pa.field("log_type", pa.string()),  # http, error, activity, heartbeat; of other topics null
        pa.field("service_name", pa.string()),
        pa.field("uid", pa.string()),  # of the event, transition, anomaly or dead letter; null: its place is what identifies it
        pa.field("severity_number", pa.int32()),
        pa.field("status_code", pa.int32()),
    ]
)

_FLAT = pa.schema(
    [
        ("timestamp", pa.string()), ("log.type", pa.string()), ("service.name", pa.string()), ("log.record.uid", pa.string()),
        ("severity_number", pa.int32()), ("http.response.status_code", pa.int32()),
    ]
)  # fmt: skip
_WRITTEN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
_PARSED = SCHEMA.names[7:]
_SMALL, _LARGE = 2**15 - 1, 2**31 - 1  # as the store's columns


class Parsed(NamedTuple):
    """What one record says, in the order of the schema's parsed columns."""

    timestamp: Millis | None = None
    log_type: str | None = None
    service_name: str | None = None
    uid: str | None = None
    severity_number: int | None = None
    status_code: int | None = None


@dataclass(slots=True)
class Records:
    """Some records of one partition, column by column."""

    topic: str
    partition: int
    offsets: list[int] = field(default_factory=list)
    appended: list[Millis] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[list[tuple[str, bytes | None]] | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)

    def cut(self, start: int, end: int) -> Records:
        """The records from the number `start` to before `end`, itself when that is all."""
        if start == 0 and end >= len(self):
            return self
        return Records(self.topic, self.partition, *(column[start:end] for column in self._columns()))

    def extend(self, others: Records) -> None:
        for mine, theirs in zip(self._columns(), others._columns(), strict=True):
            mine.extend(theirs)

    def bytes(self) -> int:
        """Of keys and values."""
        return sum(map(len, filter(None, self.values))) + sum(map(len, filter(None, self.keys)))

    def _columns(self) -> tuple[list[Any], ...]:
        return self.offsets, self.appended, self.keys, self.values, self.headers


def table(records: Records) -> pa.Table:
    """These records in the form of SCHEMA."""
    count = len(records)
    parsed = _fast(records) if records.topic in LOGS.values() else None
    topic = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([records.topic]))
    columns = [
        topic, pa.repeat(pa.scalar(records.partition, pa.int32()), count), pa.array(records.offsets, pa.int64()),
        pa.array(records.appended, pa.int64()).cast(_TIME), pa.array(records.keys, pa.binary()), pa.array(records.values, pa.binary()),
        _headers(records.headers), *(parsed or _slow(records)),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _headers(headers: list[list[tuple[str, bytes | None]] | None]) -> pa.Array:
    kind = SCHEMA.field("headers").type
    if not any(headers):
        return pa.nulls(len(headers), kind)
    return pa.array([None if one is None else [{"name": name, "value": value} for name, value in one] for one in headers], kind)


def _fast(records: Records) -> list[pa.Array] | None:
    """The parsed columns by Arrow's own reader (C++, without Python's lock), all at once; None when one of the records is not plain.

    It reads objects and not lines, so that a row might be another record's. It cannot be: each value begins with `{` and ends with `}`
    and none has a newline, so nothing reaches over a line's end, each line has an object at least, and there are as many as lines.
    """
    try:
        data = b"\n".join(records.values)  # type: ignore[arg-type]  # a null is a TypeError
        if not all(value[:1] == b"{" and value[-1:] == b"}" for value in records.values):  # type: ignore[index]
            return None
        if not records.values or data.count(b"\n") != len(records) - 1 or not (data.isascii() or data.decode()):
            return None
        reading = arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1)
        parsing = arrow_json.ParseOptions(explicit_schema=_FLAT, unexpected_field_behavior="ignore")
        found = arrow_json.read_json(pa.BufferReader(data), reading, parsing).combine_chunks()
        if found.num_rows != len(records):
            return None
        times, *others = (found.column(name).combine_chunks() for name in _FLAT.names)
        if times.null_count or not pc.all(pc.match_substring_regex(times, _WRITTEN)).as_py():
            return None
        return [times.cast(_TIME), *others]
    except (pa.ArrowInvalid, TypeError, UnicodeDecodeError):
        return None


def _slow(records: Records) -> list[pa.Array]:
    """The same one by one."""
    read = READERS.get(records.topic)
    given = zip(records.values, records.appended, strict=True)
    rows = [_parsed(read, value, at) for value, at in given] if read else [Parsed()] * len(records)
    columns = zip(*rows, strict=True) if rows else [()] * len(_PARSED)
    kinds = [SCHEMA.field(name).type for name in _PARSED]
    return [pa.array(column, pa.int64() if kind == _TIME else kind).cast(kind) for kind, column in zip(kinds, columns, strict=True)]


Read = Callable[[Mapping[str, Any], Millis], Parsed]


def _parsed(read: Read, value: bytes | None, appended: Millis) -> Parsed:
    try:
        return read(orjson.loads(value or b""), appended)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, Malformed):
        return Parsed()


def _event(flat: Mapping[str, Any], appended: Millis) -> Parsed:
    log_type, severity, status = flat["log.type"], flat.get("severity_number"), flat.get("http.response.status_code")
    try:
        at: Millis | None = instant.read(flat["timestamp"])
    except (KeyError, TypeError, Malformed):
        at = appended if log_type in LOG_TYPES else None
    return Parsed(
        at, _text(log_type), _text(flat.get("service.name")), _text(flat.get("log.record.uid")) or None,
        severity if type(severity) is int and 0 <= severity <= _SMALL else None,
        status if type(status) is int and 0 <= status <= _LARGE else None,
    )  # fmt: skip


def _alert(flat: Mapping[str, Any], _: Millis) -> Parsed:
    return Parsed(_time(flat["at"]), None, _text(flat["group"].get("service.name")), _text(flat["transition_id"]))


def _anomaly(flat: Mapping[str, Any], _: Millis) -> Parsed:
    return Parsed(_time(flat["ends_at"]), None, _text(flat["group"].get("service.name")), _text(flat["id"]))


def _letter(flat: Mapping[str, Any], _: Millis) -> Parsed:
    return Parsed(instant.read(flat["timestamp"]), None, _text(flat["service.name"]), _text(flat["id"]))


# Topic → what its records say. Of the others only the bytes are kept.
READERS: dict[str, Read] = {
    **dict.fromkeys(LOGS.values(), _event),
    "alerts": _alert, "alerts.state": _alert, "anomalies": _anomaly, "logs.dlq": _letter,
}  # fmt: skip


def _text(value: Any) -> str | None:
    """Half a surrogate pair has no bytes in UTF-8: orjson has refused the record that has one."""
    return value if type(value) is str else None


def _time(value: Any) -> Millis | None:
    return value if type(value) is int and instant.BEGINNING <= value <= instant.END else None
