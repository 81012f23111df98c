"""Events, alerts and anomalies into MongoDB: unordered bulks of upserts by derived `_id`, so that each may be written again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bson.datetime_ms import DatetimeMS
from pymongo import ReplaceOne

from logverse import instant
from logverse.instant import Millis
from storage.layout import LONGEST_KEY, bucket_of
from storage.mongodb.bulks import Sender, Upsert
from storage.mongodb.connection import Database, Document
from storage.mongodb.keys import clean, newest_first, part
from storage.mongodb.living import Living
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent

# Buckets known to be written down, and for how long: their documents must outlive the events that come into them later.
_REMEMBERED, _REMEMBERED_S = 4096, 86_400.0
_SURE = LONGEST_KEY // 4  # characters that are never too many bytes

# Of StoredEvent, from `severity_number` to `trace_id`, as they are in a document.
COLUMNS = ("severity_number", "status_code", "route", "client_address", "user_id", "session_id", "trace_id")


class Writing:
    """What the contract's save methods do. One process, one object: it remembers for a day what it has written down about buckets."""

    def __init__(
        self, database: Database, clock: Callable[[], Millis] = instant.now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sender, self._living, self._clock = Sender(database), Living(database, clock), clock
        self._known: set[tuple[str, str, Millis]] = set()
        self._monotonic, self._since = monotonic, monotonic()

    def save_events(self, events: Sequence[StoredEvent], written: Millis | None) -> list[RefusedRow]:
        """As the contract says. A bucket is written down before anything lies in it, so that no query passes it over."""
        at, by_type = self._as_of(written), dict[str, list[int]]()
        for place, event in enumerate(events):
            by_type.setdefault(event[0], []).append(place)
        for log_type in [one for one in by_type if self._living.over(f"events_{one}", written)]:
            del by_type[log_type]
        refused = {place: why for places in by_type.values() for place in places if (why := wrong(events[place][1], events[place][3]))}
        for log_type, places in by_type.items():
            by_type[log_type] = [place for place in places if place not in refused]
        self._write_down({(event[0], event[1], bucket_of(event[2])) for event in _chosen(events, by_type)})
        for log_type, places in by_type.items():
            upserts = [_event(events[place], at) for place in places]
            for row in self._sender.send(f"events_{log_type}", upserts):
                refused[places[row.place]] = row.reason
        return [RefusedRow(place, why) for place, why in sorted(refused.items())]

    def save_alerts(self, alerts: Sequence[StoredAlert], written: Millis | None) -> list[RefusedRow]:
        at = self._as_of(written)
        return self._save("alerts", alerts, lambda row: _alert(row, at), lambda row: (row.alert_id, row.transition_id), written)

    def save_anomalies(self, anomalies: Sequence[StoredAnomaly], written: Millis | None) -> list[RefusedRow]:
        at = self._as_of(written)
        return self._save("anomalies", anomalies, lambda row: _anomaly(row, at), lambda row: (row.service_name, row.id), written)

    def _save(
        self, collection: str, rows: Sequence[Any], document: Callable[[Any], Upsert], keys: Callable[[Any], tuple[str, ...]],
        written: Millis | None,
    ) -> list[RefusedRow]:  # fmt: skip
        if self._living.over(collection, written):
            return []
        refused = [RefusedRow(place, why) for place, row in enumerate(rows) if (why := wrong(*keys(row)))]
        places = sorted(set(range(len(rows))) - {one.place for one in refused})
        sent = self._sender.send(collection, [document(rows[place]) for place in places])
        return [*refused, *(RefusedRow(places[one.place], one.reason) for one in sent)]

    def _as_of(self, written: Millis | None) -> DatetimeMS:
        return DatetimeMS(self._clock() if written is None else written)

    def _write_down(self, buckets: Iterable[tuple[str, str, Millis]]) -> None:
        """That these (log type, service, bucket) hold something (storage/mongodb/register.py); once a day and bucket."""
        if self._monotonic() - self._since >= _REMEMBERED_S:
            self._known.clear()
            self._since = self._monotonic()
        new = [one for one in buckets if one not in self._known]
        if not new:
            return
        now = DatetimeMS(self._clock())
        self._sender.send("services", [_service(kind, service, now) for kind, service in dict.fromkeys(one[:2] for one in new)])
        self._sender.send("buckets", [_bucket(*one, now) for one in new])
        if len(self._known) + len(new) > _REMEMBERED:
            self._known.clear()
        self._known.update(new)


def wrong(*keys: str) -> str:
    """Why these cannot be part of a key; empty when they can."""
    for key in keys:
        if len(key) > _SURE and (size := len(key.encode("utf-8", "replace"))) > LONGEST_KEY:
            return f"a key of {size} bytes is longer than {LONGEST_KEY}"
    return ""


def _chosen(events: Sequence[StoredEvent], by_type: dict[str, list[int]]) -> Iterable[StoredEvent]:
    return (events[place] for places in by_type.values() for place in places)


def _event(event: StoredEvent, written: DatetimeMS) -> Upsert:
    """Runs once an event. What is not known is left out: the indexes of look-ups then have no entry for it."""
    _, service, at, uid, severity, status, route, client, user, session, trace, record = event
    service, uid = clean(service), clean(uid)
    key = f"{part(service)}{newest_first(at)}{uid}"
    document: Document = {"_id": key, "service": service, "at": DatetimeMS(at), "uid": uid, "written": written}
    if severity is not None:
        document["severity_number"] = severity
    if status is not None:
        document["status_code"] = status
    if route is not None:
        document["route"] = clean(route)
    if client is not None:
        document["client_address"] = clean(client)
    if user is not None:
        document["user_id"] = clean(user)
    if session is not None:
        document["session_id"] = clean(session)
    if trace is not None:
        document["trace_id"] = clean(trace)
    document["record"] = record
    return ReplaceOne({"_id": key}, document, upsert=True), len(record) + 2 * len(key)


def _alert(alert: StoredAlert, written: DatetimeMS) -> Upsert:
    at, *texts, record = alert
    names = ("transition_id", "alert_id", "rule", "status", "severity", "service")
    document = dict(zip(names, map(clean, texts), strict=True))
    return _upsert(newest_first(at) + document["transition_id"], {"at": DatetimeMS(at), **document, "written": written}, record)


def _anomaly(one: StoredAnomaly, written: DatetimeMS) -> Upsert:
    at, uid, rule, service, record = one
    key = f"{part(service)}{newest_first(at)}{clean(uid)}"
    document = {"service": clean(service), "at": DatetimeMS(at), "id": clean(uid), "rule": clean(rule), "written": written}
    return _upsert(key, document, record)


def _upsert(key: str, document: Document, record: bytes) -> Upsert:
    return ReplaceOne({"_id": key}, {"_id": key, **document, "record": record}, upsert=True), len(record) + 2 * len(key)


def _service(kind: str, service: str, now: DatetimeMS) -> Upsert:
    key = f"{part(kind)}{clean(service)}"
    return ReplaceOne({"_id": key}, {"_id": key, "log_type": kind, "service": clean(service), "written": now}, upsert=True), len(key)


def _bucket(kind: str, service: str, start: Millis, now: DatetimeMS) -> Upsert:
    key = f"{part(kind)}{part(service)}{newest_first(start)}"
    document = {"_id": key, "log_type": kind, "service": clean(service), "start": DatetimeMS(start), "written": now}
    return ReplaceOne({"_id": key}, document, upsert=True), len(key)
