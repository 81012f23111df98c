"""What history keeps, as rows: plain tuples, because forty thousand of them are made a second."""

from __future__ import annotations

from typing import NamedTuple

from logverse.instant import Millis


class StoredEvent(NamedTuple):
    """One event. `record` is the record's value as it was on the topic, byte for byte; the rest is what queries select by.

    `timestamp` (event time) and `uid` are functions of the source position: the same line is the same row however often it is
    written. A record without a usable time has the broker's time, one without a uid the topic's id, partition and offset.
    """

    log_type: str
    service_name: str
    timestamp: Millis
    uid: str
    severity_number: int | None
    status_code: int | None
    route: str | None
    client_address: str | None
    user_id: str | None
    session_id: str | None
    trace_id: str | None
    record: bytes


class StoredAlert(NamedTuple):
    """One transition of one alert, as on topic `alerts`. `at` is event time; `service_name` is empty for a rule across services."""

    at: Millis
    transition_id: str
    alert_id: str
    rule: str
    status: str
    severity: str
    service_name: str
    record: bytes


class StoredAnomaly(NamedTuple):
    """What a detector found strange, as on topic `anomalies`. `at` is the end of its window in event time."""

    at: Millis
    id: str
    rule: str
    service_name: str
    record: bytes


class RefusedRow(NamedTuple):
    """A row that the store will never take, with the store's own reason; `place` is its index among those given."""

    place: int
    reason: str
