"""The history job's thinking: each record is stored, not stored by policy, a heartbeat, or a dead letter with its reason. No Flink here.

judge (judging.py) → policy → store, which is waited for as long as it takes → what it refuses is a dead letter too
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeVar

from flink_jobs.judging import Judge, Row
from logverse.alert import Alert
from logverse.anomaly import Anomaly
from logverse.dead_letter import DeadLetter
from logverse.errors import Malformed, TryAgain
from logverse.instant import Millis
from logverse.topics import LOGS, named

LONGEST_WAIT_S = 5.0
FIRST_WAIT_S = 0.1
TELL_MS: Millis = 60_000  # how often a wait is told of in the log
REOPEN_MS: Millis = 60_000  # after so long the way to the store is opened anew: some drivers give a node up that kept them out once
KEPT = 600_000  # bytes of a record in its dead letter: as base64 it must fit into one record; the sha256 is of all of them
NAMED = 200  # characters of a service's name there: it is of the record's own making

log = logging.getLogger("history")

T = TypeVar("T")

EVENTS, ALERTS, ANOMALIES, SUMMARIES = "events", "alerts", "anomalies", "summaries"
# Topic → what its records are. All that the history reads.
READ: dict[str, str] = {**dict.fromkeys(LOGS.values(), EVENTS), "alerts": ALERTS, "anomalies": ANOMALIES, "summaries": SUMMARIES}


class Record(NamedTuple):
    """A record as Kafka has it. `appended`: when, by the broker's clock, milliseconds UTC."""

    topic: str
    partition: int
    offset: int
    appended: Millis
    value: bytes | None


class Refusal(Protocol):
    """storage/rows.py, RefusedRow: a row that will never be taken, by its place among those given, and why."""

    @property
    def place(self) -> int: ...
    @property
    def reason(self) -> str: ...


class SeriesKeeper(Protocol):
    """Keeps and rolls up summaries."""

    def save(self, records: Sequence[tuple[str, bytes]]) -> Sequence[Refusal]:
        """Keep these records of topic `summaries`, each with its position `topicid:partition:offset`. TryAgain when the store is away."""


class History(Protocol):
    """Where rows go. Saved twice is there once. Each answers what it will never take, and raises TryAgain while it is away."""

    def keeps(self, log_type: str, appended: Millis, severity_number: int | None, status_code: int | None, uid: str) -> bool:
        """Whether an event is to be stored, by the policy that held when Kafka appended it."""

    def save_events(self, rows: Sequence[Row]) -> Sequence[Refusal]: ...
    def save_alerts(self, rows: Sequence[Row]) -> Sequence[Refusal]: ...
    def save_anomalies(self, rows: Sequence[Row]) -> Sequence[Refusal]: ...
    def save_summaries(self, rows: Sequence[Row]) -> Sequence[Refusal]: ...
    def close(self) -> None: ...


class Keeper:
    """Takes records in batches of some thousands. `opened` gives the way to the store; it may raise TryAgain as every save may.

    `counts` says what became of the records: a kind of READ for what is stored, `heartbeats`, `by-policy`, `malformed`, `refused`.
    """

    def __init__(
        self,
        opened: Callable[[], History],
        topic_ids: Mapping[str, str],  # Kafka's id of each topic, by full name
        prefix: str,
        clock: Callable[[], Millis],
        sleep: Callable[[float], None],
    ) -> None:
        self._opened, self._topic_ids = opened, topic_ids
        self._clock, self._sleep = clock, sleep
        self._judge = Judge(topic_ids)
        self._kinds = {named(topic, prefix): kind for topic, kind in READ.items()}
        self._history: History | None = None
        self.counts: Counter[str] = Counter()

    def keep(self, records: Sequence[Record]) -> list[DeadLetter | None]:
        """Returns when every record is where it belongs; for those that became a dead letter, that. Waits for the store for ever.

        Refused or WrongSettings when the store does not let us work at all.
        """
        letters: list[DeadLetter | None] = [None] * len(records)
        rows: dict[str, list[Row]] = {EVENTS: [], ALERTS: [], ANOMALIES: [], SUMMARIES: []}
        places: dict[str, list[int]] = {kind: [] for kind in rows}
        event, keeps, kinds, beats, others = self._judge.event, self._patiently(lambda: self._open().keeps, len(records)), self._kinds, 0, 0
        events, of_events = rows[EVENTS], places[EVENTS]
        for place, record in enumerate(records):
            topic, partition, offset, appended, value = record
            kind = kinds[topic]
            try:
                if kind != EVENTS:
                    rows[kind].append(self._other(kind, record))
                    places[kind].append(place)
                elif (row := event(topic, partition, offset, appended, value)) is None:
                    beats += 1
                elif keeps(row[0], appended, row[4], row[5], row[3]):
                    events.append(row)
                    of_events.append(place)
                else:
                    others += 1
            except Malformed as error:
                self.counts["malformed"] += 1
                letters[place] = self._letter(record, str(error)[:200])
        self.counts.update({"heartbeats": beats, "by-policy": others})
        for kind, of_kind in rows.items():
            for refusal in self._save(kind, of_kind) if of_kind else ():
                place = places[kind][refusal.place]
                service = str(rows[kind][refusal.place][1]) if kind == EVENTS else ""
                letters[place] = self._letter(records[place], f"refused by the store: {refusal.reason}"[:500], service)
        return letters

    def _other(self, kind: str, record: Record) -> Row:
        if record.value is None:
            raise Malformed("empty record")
        if kind == ALERTS:
            return _alert_row(record.value)
        if kind == ANOMALIES:
            return _anomaly_row(record.value)
        return f"{self._topic_ids.get(record.topic, record.topic)}:{record.partition}:{record.offset}", record.value

    @staticmethod
    def _saves(history: History) -> dict[str, Callable[[Sequence[Row]], Sequence[Refusal]]]:
        return {
            EVENTS: history.save_events,
            ALERTS: history.save_alerts,
            ANOMALIES: history.save_anomalies,
            SUMMARIES: history.save_summaries,
        }

    def _save(self, kind: str, rows: Sequence[Row]) -> Sequence[Refusal]:
        refused = self._patiently(lambda: self._saves(self._open())[kind](rows), len(rows))
        self.counts.update({kind: len(rows) - len(refused), "refused": len(refused)})
        return refused

    def _open(self) -> History:
        if self._history is None:
            self._history = self._opened()
        return self._history

    def _let_go(self) -> None:
        """The next try opens the way anew."""
        if self._history is not None:
            self._history.close()
            self._history = None

    def _patiently(self, action: Callable[[], T], rows: int) -> T:
        """Do this, however long the store is away."""
        delay, since, told, opened = FIRST_WAIT_S, self._clock(), 0, 0
        while True:
            try:
                return action()
            except TryAgain as error:
                waited = self._clock() - since
                if waited >= told:
                    told = waited + TELL_MS
                    log.warning("history waits for the store since_s=%d records=%d why=%r", waited // 1000, rows, str(error))
                if waited >= opened + REOPEN_MS:
                    opened = waited
                    self._let_go()
                self._sleep(delay)
                delay = min(delay * 2, LONGEST_WAIT_S)

    def _letter(self, record: Record, reason: str, service: str = "") -> DeadLetter:
        topic, partition, offset, appended, value = record
        data = value or b""
        origin = {"topic": topic, "partition": partition, "offset": offset, "length": len(data)}
        place = self._judge.place_id(topic, partition, offset)
        return DeadLetter(place, reason, service[:NAMED], origin, data[:KEPT], sha256(data).hexdigest(), appended)


def _alert_row(value: bytes) -> Row:
    """In the order of storage/rows.py, StoredAlert."""
    alert = Alert.from_json(value)
    service = alert.group.get("service.name", "")
    return alert.at, alert.transition_id, alert.id, alert.rule, alert.status, alert.severity, service, value


def _anomaly_row(value: bytes) -> Row:
    """In the order of storage/rows.py, StoredAnomaly."""
    anomaly = Anomaly.from_json(value)
    return anomaly.ends_at, anomaly.id, anomaly.rule, anomaly.group.get("service.name", ""), value
