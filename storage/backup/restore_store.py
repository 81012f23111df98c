"""Archived records into a store of history: under the identity they always had, and for as long as they had left."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from logverse.alert import Alert
from logverse.anomaly import Anomaly
from logverse.errors import Malformed
from logverse.instant import Millis
from logverse.topics import LOGS
from storage.backup.restore_reading import Archived, Part
from storage.rows import RefusedRow, StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Store

KINDS = (*LOGS.values(), "alerts", "anomalies")  # topics that a store keeps the records of
_MINUTE: Millis = 60_000


class Judge(Protocol):
    """flink_jobs/judging.py: what the history job makes of a record of a log topic."""

    def event(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> tuple[Any, ...] | None:
        """The columns of StoredEvent, None for a heartbeat; Malformed."""


Keeps = Callable[[str, Millis, int | None, int | None, str], bool]


@dataclass(frozen=True, slots=True)
class Lives:
    """How long restored rows live: `kept` is what the store keeps by kind (log type, alerts, anomalies), `now` is milliseconds UTC.

    `least`: what a row gets that has less left, or nothing. None: what is past its time is not restored.
    """

    kept: Mapping[str, Millis]
    now: Millis
    least: Millis | None = None

    def written(self, kind: str, appended: Millis) -> Millis | None:
        """As of when the row is to be saved, so that it lives as long as it should; to the minute, never too short. None: not at all.

        >>> day = 86_400_000
        >>> store, view = Lives({"http": 30 * day}, 100 * day), Lives({"http": 30 * day}, 100 * day, 7 * day)
        >>> [(lives.written("http", 60 * day), lives.written("http", 99 * day) // day) for lives in (store, view)]
        [(None, 99), (6652800000, 99)]
        """
        kept = self.kept[kind]
        if self.least is None and self.now - appended >= kept:
            return None
        exact = appended - appended % _MINUTE + _MINUTE
        return exact if self.least is None else max(exact, self.now - kept + min(self.least, kept))


class IntoStore:
    """A Sink. `judge_of` gives the judge for the records of a topic's id; `keeps` is the policy, which may keep everything.

    Counts: events, alerts, anomalies; heartbeats, by_policy, expired, malformed, refused.
    """

    def __init__(self, store: Store, judge_of: Callable[[str], Judge], keeps: Keeps, lives: Lives) -> None:
        self._store, self._judge_of, self._keeps, self._lives = store, judge_of, keeps, lives
        self._judges: dict[str, Judge] = {}
        self.refusals: list[str] = []

    def put(self, part: Part) -> Counter[str]:
        counts: Counter[str] = Counter()
        rows: defaultdict[tuple[str, Millis], list[Any]] = defaultdict(list)
        row_of = {"alerts": self._alert, "anomalies": self._anomaly}.get(part.file.span.topic, self._event)
        for record in part.records():
            try:
                found = row_of(record)
            except Malformed:
                counts["malformed"] += 1
                continue
            if isinstance(found, str):
                counts[found] += 1
                continue
            kind, row = found
            written = self._lives.written(kind, record.appended)
            if written is None:
                counts["expired"] += 1
            else:
                rows[kind, written].append(row)
        for (kind, written), of_kind in rows.items():
            refused = self._save(kind, of_kind, written)
            self.refusals += [one.reason for one in refused[: max(0, 10 - len(self.refusals))]]
            counts[kind if kind in ("alerts", "anomalies") else "events"] += len(of_kind) - len(refused)
            counts["refused"] += len(refused)
        return +counts

    def close(self) -> None:
        self._store.close()

    def _event(self, record: Archived) -> tuple[str, StoredEvent] | str:
        judge = self._judges.get(record.topic_id) or self._judges.setdefault(record.topic_id, self._judge_of(record.topic_id))
        row = judge.event(record.topic, record.partition, record.offset, record.appended, record.value)
        if row is None:
            return "heartbeats"
        if not self._keeps(row[0], record.appended, row[4], row[5], row[3]):
            return "by_policy"
        return row[0], StoredEvent._make(row)

    def _alert(self, record: Archived) -> tuple[str, StoredAlert]:
        alert = Alert.from_json(_some(record.value))
        service = alert.group.get("service.name", "")
        return "alerts", StoredAlert(
            alert.at, alert.transition_id, alert.id, alert.rule, alert.status, alert.severity, service, _some(record.value)
        )

    def _anomaly(self, record: Archived) -> tuple[str, StoredAnomaly]:
        one = Anomaly.from_json(_some(record.value))
        return "anomalies", StoredAnomaly(one.ends_at, one.id, one.rule, one.group.get("service.name", ""), _some(record.value))

    def _save(self, kind: str, rows: list[Any], written: Millis) -> list[RefusedRow]:
        if kind == "alerts":
            return self._store.save_alerts(rows, written)
        if kind == "anomalies":
            return self._store.save_anomalies(rows, written)
        return self._store.save_events(rows, written)


def _some(value: bytes | None) -> bytes:
    if value is None:
        raise Malformed("empty record")
    return value
