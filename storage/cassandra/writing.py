"""Events, alerts and anomalies into Cassandra. Each is written again without harm: the key is a function of the row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from struct import Struct
from typing import Any
from zlib import crc32

from logverse.instant import Millis
from storage.cassandra.batches import UNSET, Batch, Sender, Values, cut
from storage.cassandra.connection import Session
from storage.cassandra.living import Living
from storage.cassandra.register import ANOMALIES
from storage.layout import Sharding, bucket_of, day_of, month_of
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent

# Buckets known to be written down, and for how long: their rows must outlive the events that come into them later.
_REMEMBERED, _REMEMBERED_S = 4096, 86_400.0
_ROW_BYTES = 400  # of a row besides its record and uid: keys, small columns, and what Cassandra adds to each

_EVENT = (
    "INSERT INTO events_{} (service, bucket, shard, ts, uid, severity_number, status_code, route, client_address, user_id, session_id, "
    "trace_id, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BUCKET = "INSERT INTO buckets (service, log_type, month, bucket) VALUES (?, ?, ?, ?)"
_SERVICE = "INSERT INTO services (scope, service, log_type, month) VALUES (?, ?, ?, ?)"
_POINTER = "INSERT INTO activity_by_user (user_id, month, ts, service, uid) VALUES (?, ?, ?, ?, ?)"
_ALERT = "INSERT INTO alerts (month, at, transition_id, alert_id, rule, status, severity, service, record) VALUES (?,?,?,?,?,?,?,?,?)"
_BY_ID = "INSERT INTO alerts_by_id (alert_id, at, transition_id, record) VALUES (?, ?, ?, ?)"
_ANOMALY = "INSERT INTO anomalies (service, day, at, id, rule, record) VALUES (?, ?, ?, ?, ?, ?)"

_PROBES = {
    "events": "SELECT shard FROM events_{} WHERE service = 'probe' AND bucket = 0 AND shard = 0 LIMIT 1",
    "buckets": "SELECT month FROM buckets WHERE service = 'probe' AND log_type = 'probe' AND month = 0 LIMIT 1",
    "services": "SELECT scope FROM services WHERE scope = 'probe' LIMIT 1",
    "pointers": "SELECT month FROM activity_by_user WHERE user_id = 'probe' AND month = 0 LIMIT 1",
    "alerts": "SELECT month FROM alerts WHERE month = 0 LIMIT 1",
    "by_id": "SELECT at FROM alerts_by_id WHERE alert_id = 'probe' LIMIT 1",
    "anomalies": "SELECT day FROM anomalies WHERE service = 'probe' AND day = 0 LIMIT 1",
}

_long, _int, _short = Struct(">q").pack, Struct(">i").pack, Struct(">h").pack

# Log type, service, bucket, shard: what lies in one partition.
_Partition = tuple[str, str, Millis, int]


class Writing:
    """What the contract's save methods do. One process, one object: it remembers for a day what it has written down about buckets."""

    def __init__(self, session: Session, sharding: Sharding, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._session, self._sharding, self._sender = session, sharding, Sender(session)
        self._living = Living(session)
        self._known: set[tuple[str, str, Millis]] = set()
        self._monotonic, self._since = monotonic, monotonic()

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None = None) -> list[RefusedRow]:
        """As the contract says. A bucket is written down before anything lies in it, so that no query passes it over."""
        lives = {log_type: self._living.left(f"events_{log_type}", written) for log_type in {event[0] for event in events}}
        if gone := {log_type for log_type, left in lives.items() if left == 0}:
            kept = [place for place, event in enumerate(events) if event[0] not in gone]
            return [RefusedRow(kept[one.place], one.reason) for one in self.save_events([events[place] for place in kept], written)]
        partitions = self._partitions(events)
        self._write_down(dict.fromkeys(key[:3] for key in partitions))
        refused: list[RefusedRow] = []
        for log_type in dict.fromkeys(key[0] for key in partitions):
            of_type = [(key, places) for key, places in partitions.items() if key[0] == log_type]
            prepared, more = self._insert(_EVENT.format(log_type), lives[log_type])
            batches = chain.from_iterable(_event_batches(prepared, key, places, events, more) for key, places in of_type)
            refused += self._sender.send(batches, _PROBES["events"].format(log_type))
        self._save_pointers(events, {row.place for row in refused}, written)
        return refused

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None = None) -> list[RefusedRow]:
        """By time and by alert; one that either refuses is refused."""
        left = self._living.left("alerts", written)
        by_time = self._save(_ALERT, alerts, lambda row: month_of(row.at), _alert, "alerts", left)
        by_id = self._save(_BY_ID, alerts, lambda row: row.alert_id, _alert_by_id, "by_id", left)
        return list({row.place: row for row in (*by_id, *by_time)}.values())

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None = None) -> list[RefusedRow]:
        """By service and day. The day is written down before anything lies in it, as for events."""
        left = self._living.left("anomalies", written)
        if left != 0:
            self._write_down(dict.fromkeys((ANOMALIES, row.service_name, day_of(row.at)) for row in anomalies))
        return self._save(_ANOMALY, anomalies, lambda row: (row.service_name, day_of(row.at)), _anomaly, "anomalies", left)

    def _partitions(self, events: Sequence[StoredEvent]) -> dict[_Partition, list[int]]:
        """The places of the events in each partition. Runs once an event: the shard is `Sharding.shard_of`, a test holds them alike."""
        found: dict[_Partition, list[int]] = {}
        shards: dict[Millis, int] = {}
        for place, event in enumerate(events):
            bucket = bucket_of(event[2])
            count = shards.get(bucket) or shards.setdefault(bucket, self._sharding.shards(bucket))
            key = (event[0], event[1], bucket, crc32(event[3].encode("utf-8", "surrogatepass")) % count)
            if key in found:
                found[key].append(place)
            else:
                found[key] = [place]
        return found

    def _write_down(self, buckets: Iterable[tuple[str, str, Millis]]) -> None:
        """That these (kind, service, bucket) hold something (storage/cassandra/register.py); once a day and bucket.

        What is refused here is an impossible service name, and so are its events.
        """
        if self._monotonic() - self._since >= _REMEMBERED_S:
            self._known.clear()
            self._since = self._monotonic()
        new = [one for one in buckets if one not in self._known]
        if not new:
            return
        self._save(_BUCKET, new, lambda one: (one[0], one[1], month_of(one[2])), _bucket, "buckets")
        services = list(dict.fromkeys((kind, service, month_of(bucket)) for kind, service, bucket in new))
        self._save(_SERVICE, services, lambda _: "all", _service, "services")
        if len(self._known) + len(new) > _REMEMBERED:
            self._known.clear()
        self._known.update(new)

    def _insert(self, cql: str, left: int | None) -> tuple[Any, Values]:
        """The statement, and what its rows have behind their own values: their time to live, where it is not the table's."""
        return self._session.prepare(cql if left is None else f"{cql} USING TTL ?"), [] if left is None else [_int(left)]

    def _save_pointers(self, events: Sequence[StoredEvent], refused: set[int], written: Millis | None) -> None:
        """From a user to the activity that was stored. A user or uid too long for a key is so for the event too, which is refused."""
        known = [one for place, one in enumerate(events) if one[0] == "activity" and one[8] is not None and place not in refused]
        if known:
            left = self._living.left("activity_by_user", written)
            self._save(_POINTER, known, lambda one: (one.user_id, month_of(one.timestamp)), _pointer, "pointers", left)

    def _save(
        self, cql: str, rows: Sequence[Any], partition: Callable[[Any], object], values: Callable[[Any], Values], probe: str,
        left: int | None = None,
    ) -> list[RefusedRow]:  # fmt: skip
        if left == 0:
            return []
        groups: dict[object, list[int]] = {}
        for place, row in enumerate(rows):
            groups.setdefault(partition(row), []).append(place)
        prepared, more = self._insert(cql, left)
        return self._sender.send(_batches(prepared, groups.values(), rows, lambda row: values(row) + more), _PROBES[probe])


def _event_batches(
    prepared: Any, key: _Partition, places: Sequence[int], events: Sequence[StoredEvent], more: Values
) -> Iterator[Batch]:  # fmt: skip
    """The batches of one partition."""
    start = [_utf8(key[1]), _long(key[2]), _short(key[3])]
    weights = [len(events[place][11]) + len(events[place][3]) + _ROW_BYTES for place in places]
    for first, end in cut(weights):
        yield Batch(prepared, [_event(start, events[place], more) for place in places[first:end]], places[first:end])


def _event(start: Values, event: StoredEvent, more: Values) -> Values:
    """The values of an INSERT in its order; what is not known is unset, since a null would be a tombstone."""
    _, _, at, uid, severity, status, route, client, user, session, trace, record = event
    return [
        *start,
        _long(at),
        _utf8(uid),
        UNSET if severity is None else _short(severity),
        UNSET if status is None else _int(status),
        UNSET if route is None else _utf8(route),
        UNSET if client is None else _utf8(client),
        UNSET if user is None else _utf8(user),
        UNSET if session is None else _utf8(session),
        UNSET if trace is None else _utf8(trace),
        record,
        *more,
    ]


def _batches(prepared: Any, groups: Iterable[list[int]], rows: Sequence[Any], values: Callable[[Any], Values]) -> Iterator[Batch]:
    for places in groups:
        of_group = [values(rows[place]) for place in places]
        weights = [_ROW_BYTES + sum(len(value) for value in one if isinstance(value, bytes)) for one in of_group]
        for first, end in cut(weights):
            yield Batch(prepared, of_group[first:end], places[first:end])


def _bucket(one: tuple[str, str, Millis]) -> Values:
    return [_utf8(one[1]), _utf8(one[0]), _long(month_of(one[2])), _long(one[2])]


def _service(one: tuple[str, str, Millis]) -> Values:
    return [b"all", _utf8(one[1]), _utf8(one[0]), _long(one[2])]


def _pointer(event: StoredEvent) -> Values:
    at, texts = event.timestamp, (event.service_name, event.uid)
    return [_utf8(event.user_id or ""), _long(month_of(at)), _long(at), *map(_utf8, texts)]


def _alert(alert: StoredAlert) -> Values:
    texts = (alert.transition_id, alert.alert_id, alert.rule, alert.status, alert.severity, alert.service_name)
    return [_long(month_of(alert.at)), _long(alert.at), *map(_utf8, texts), alert.record]


def _alert_by_id(alert: StoredAlert) -> Values:
    return [_utf8(alert.alert_id), _long(alert.at), _utf8(alert.transition_id), alert.record]


def _anomaly(one: StoredAnomaly) -> Values:
    return [_utf8(one.service_name), _long(day_of(one.at)), _long(one.at), _utf8(one.id), _utf8(one.rule), one.record]


def _utf8(text: str) -> bytes:
    """Half a surrogate pair becomes a question mark: Cassandra would take its bytes, and nobody could read the partition any more."""
    return text.encode("utf-8", "replace")
