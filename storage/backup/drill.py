"""A drill: what of an archive is restored for practice, and how the copy is compared with it, field by field, by a reader of its own.

The reader here knows neither the history job's judge nor what restores: it reads Parquet and JSON as anybody would.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyarrow import parquet as pq  # type: ignore[import-untyped]

from logverse.event import HEARTBEAT, LOG_TYPES
from logverse.identity import digest
from logverse.instant import Millis
from logverse.instant import read as time_of
from logverse.topics import LOGS
from storage.backup.archive import Archive
from storage.backup.manifest import File
from storage.backup.restore_store import KINDS
from storage.backup.targets.target import Target
from storage.hashes import hash64
from storage.store import Selection, Store

HOUR: Millis = 3_600_000
SHOWN = 10  # differences that are told one by one
_COLUMNS = ("severity_number", "status_code", "route", "client_address", "user_id", "session_id", "trace_id", "record")
_EVER = (0, 4_102_444_800_000)


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour (of appending) that an archive has, and its files that a store could hold."""

    start: Millis
    files: tuple[File, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def hours(archive: Archive) -> list[Hour]:
    """All that have events, oldest first."""
    found: defaultdict[Millis, list[File]] = defaultdict(list)
    for file in archive.files.values():
        if file.span.topic in KINDS:
            found[file.appended.first - file.appended.first % HOUR].append(file)
    return [Hour(start, tuple(files)) for start, files in sorted(found.items()) if any(one.span.topic in LOGS.values() for one in files)]


def cut(hour: Hour, most: int, shuffled: Callable[[Sequence[File]], Sequence[File]]) -> Hour:
    """As many of its files, in any order, as have no more than `most` rows together; one at least."""
    chosen: list[File] = []
    for file in shuffled(hour.files):
        if not chosen or sum(one.rows for one in chosen) + file.rows <= most:
            chosen.append(file)
    return Hour(hour.start, tuple(chosen))


@dataclass(slots=True)
class Compared:
    """What came of it: distinct records of the archive, by kind; those that are not in the copy, or are there with another field; and
    what the copy has besides. `odd` were compared by identity and bytes only, `unread` not at all: this reader does not understand them
    (they are malformed, or only Flink's lenient reader knows what they are).
    """

    compared: Counter[str] = field(default_factory=Counter)
    fields: int = 0
    missing: int = 0
    different: int = 0
    besides: int = 0
    odd: int = 0
    unread: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        return not (self.missing or self.different or self.besides)

    def tell(self, what: str) -> None:
        if len(self.shown) < SHOWN:
            self.shown.append(what)


class Plain:
    """A record as this reader understands it: what identifies it (kind, service, time, id), and its fields by name."""

    __slots__ = ("fields", "id", "kind", "service", "time")

    def __init__(self, kind: str, service: str, time: Millis, id_: str, fields: dict[str, Any]) -> None:
        self.kind, self.service, self.time, self.id, self.fields = kind, service, time, id_, fields


def compare(target: Target, hour: Hour, store: Store) -> Compared:
    """Every record of these files with what `store`, which should hold nothing else, has of it."""
    found, wanted, spans = Compared(), set[int](), dict[tuple[str, str], list[Millis]]()
    for file in hour.files:
        for records in _read(target, file, found):
            of_group: dict[int, Plain] = {}
            for one in records:
                known = hash64(f"{one.kind} {one.service} {one.time} {one.id}")
                if known not in wanted:
                    of_group[known] = one
                    found.compared[one.kind] += 1
                    span = spans.setdefault((one.kind, one.service), [one.time, one.time])
                    span[0], span[1] = min(span[0], one.time), max(span[1], one.time)
            wanted |= of_group.keys()
            _of_group(of_group, store, found)
    found.besides = max(0, _held(store, spans) - sum(found.compared.values()) + found.missing - found.unread)
    return found


def _of_group(wanted: dict[int, Plain], store: Store, found: Compared) -> None:
    """The copies of one row group's records, asked for by service and time."""
    spans: defaultdict[tuple[str, str], list[Millis]] = defaultdict(list)
    for one in wanted.values():
        spans[one.kind, one.service].append(one.time)
    left = dict(wanted)
    for (kind, service), times in spans.items():
        for copy in _rows(store, kind, service, min(times), max(times) + 1):
            known = hash64(f"{kind} {service} {copy['timestamp']} {copy['id']}")
            if known in left:
                _fields(left.pop(known), copy, found)
    for one in left.values():
        found.missing += 1
        found.tell(f"missing: {one.kind} of {one.service}, id {one.id}")


def _fields(one: Plain, copy: dict[str, Any], found: Compared) -> None:
    found.odd += set(one.fields) == {"record"}
    found.fields += len(one.fields) + 4  # and the four that it was found by
    wrong = [name for name, value in one.fields.items() if copy[name] != value]
    if wrong:
        found.different += 1
        found.tell(f"different: {one.kind} of {one.service}, id {one.id}: {', '.join(wrong)}")


def _rows(store: Store, kind: str, service: str, since: Millis, until: Millis) -> Iterator[dict[str, Any]]:
    if kind == "alerts":
        yield from ({"timestamp": row.at, "id": row.transition_id, **row._asdict()} for row in store.alerts(since, until))
    elif kind == "anomalies":
        yield from ({"timestamp": row.at, **row._asdict()} for row in store.anomalies(service, since, until))
    else:
        selection = Selection(kind, service, since, until)
        yield from ({"id": row.uid, **row._asdict()} for row in store.events(selection, page=5_000))


def _held(store: Store, spans: dict[tuple[str, str], list[Millis]]) -> int:
    """All that the copy has."""
    events = sum(1 for service, kind in store.services() for _ in store.events(Selection(kind, service, *_EVER), page=5_000))
    alerts = sum(1 for _ in store.alerts(*_around(spans, "alerts")))
    return events + alerts + sum(1 for _ in store.anomalies(None, *_around(spans, "anomalies")))


def _around(spans: dict[tuple[str, str], list[Millis]], kind: str) -> tuple[Millis, Millis]:
    times = [time for (one, _), span in spans.items() if one == kind for time in span]
    return (min(times), max(times) + 1) if times else (0, 1)


def _read(target: Target, file: File, found: Compared) -> Iterator[list[Plain]]:
    """The records of each row group that are to be in a store: no heartbeats, nothing malformed."""
    with target.open(file.name) as opened:
        parquet = pq.ParquetFile(opened)
        for number in range(parquet.num_row_groups):
            rows = parquet.read_row_group(number, columns=["partition", "offset", "appended", "value"]).to_pylist()
            records: list[Plain] = []
            for row in rows:
                try:
                    records += _plain(file, row)
                except (TypeError, ValueError, KeyError, AttributeError):
                    found.unread += 1
            yield records


def _plain(file: File, row: dict[str, Any]) -> list[Plain]:
    flat = json.loads(row["value"])
    if flat.get("log.type") == HEARTBEAT:
        return []
    if file.span.topic == "alerts":
        return [_alert(flat, row["value"])]
    if file.span.topic == "anomalies":
        service = flat["group"].get("service.name", "")
        return [Plain("anomalies", service, flat["ends_at"], flat["id"], {"rule": flat["rule"], "record": row["value"]})]
    return [_event(file, flat, row)]


def _alert(flat: dict[str, Any], record: bytes) -> Plain:
    columns = {"alert_id": flat["id"], **{name: flat[name] for name in ("rule", "status", "severity")}, "record": record}
    return Plain("alerts", "", flat["at"], flat["transition_id"], {**columns, "service_name": flat["group"].get("service.name", "")})


def _event(file: File, flat: dict[str, Any], row: dict[str, Any]) -> Plain:
    kind, service = flat["log.type"], flat["service.name"]
    if kind not in LOG_TYPES or not isinstance(service, str):
        raise ValueError("no event that this reader understands")
    try:
        at = time_of(flat["timestamp"])
    except (KeyError, TypeError, ValueError):
        at = int(row["appended"].timestamp() * 1000)
    uid = flat.get("log.record.uid")
    uid = uid if isinstance(uid, str) and uid else digest(file.span.topic_id, row["partition"], row["offset"])
    f"{service}{uid}".encode()  # half a surrogate pair has no bytes: not understood
    texts = (flat.get("http.route"), flat.get("client.address"), flat.get("user.id") or flat.get("user.name"))
    figures, others = (
        (flat.get("severity_number"), flat.get("http.response.status_code")),
        (*texts, flat.get("session.id"), flat.get("trace_id")),
    )
    usual = all(one is None or (type(one) is int and 0 <= one < 2**15) for one in figures)
    usual = usual and all(one is None or (type(one) is str and one.isprintable()) for one in others)
    named = dict(zip(_COLUMNS, (*figures, *others, row["value"]), strict=True))
    return Plain(kind, service, at, uid, named if usual else {"record": row["value"]})
