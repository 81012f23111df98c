"""The memory of the alert sink: topic `notifications`, one record for everything that became of a notification.

There is no local file: whoever serves the sink next reads the topic to its end and knows who was told what.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, get_args

import orjson

from alerting.message import Notification
from logverse.errors import Malformed
from logverse.instant import Millis

# attempt: a try failed, another follows. The others are final: delivered; refused by the far side; superseded (the end of an
# alert nobody was told of); expired (too old to matter when it could at last be delivered).
Outcome = Literal["attempt", "delivered", "refused", "superseded", "expired"]
_REMEMBERED = 200_000  # notifications kept in mind, the newest; about 125 MB


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one notification. The record's Kafka key is `key`, the idempotency key.

    `at` is processing time in milliseconds, `attempt` counts the tries so far, `error` is why the last one failed.
    """

    key: str
    status: Outcome
    attempt: int
    at: Millis
    error: str
    receiver: str
    channel: str
    alert_id: str
    fingerprint: str
    transition_id: str
    alert_status: str

    @classmethod
    def of(cls, notification: Notification, status: Outcome, attempt: int, at: Millis, error: str = "") -> Record:
        alert = notification.alert
        return cls(
            notification.key, status, attempt, at, error, notification.receiver, notification.channel,
            alert.id, alert.fingerprint, alert.transition_id, alert.status,
        )  # fmt: skip

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes | str) -> Record:
        """The record in these bytes; Malformed when they are none."""
        try:
            flat = orjson.loads(data)
            record = cls(**{name: flat[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a notification record: {error}") from error
        if record.status not in get_args(Outcome):
            raise Malformed(f"not a notification record: status {record.status!r}")
        return record


class NotificationLog(Protocol):
    """Where records are kept; KafkaNotificationLog in kafka_log.py, MemoryLog here."""

    def append(self, record: Record) -> None:
        """Keep it; returning means it survives the death of this process. TryAgain when asked to stop before that."""


class MemoryLog:
    """A notification log that lives as long as this object: the twin for tests."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, record: Record) -> None:
        self.records.append(record)


@dataclass(slots=True)
class _Told:
    """How far people on one channel know one alert: the key of the notification that said it fires, and whether they know its end."""

    firing_key: str
    resolved: bool = False


class Memory:
    """What the records say, kept small: which notifications are settled, and what people already know of an alert.

    Holds the newest 200,000 notifications; those forgotten are older than anything Flink replays.
    """

    def __init__(self, records: Iterable[Record] = (), remembered: int = _REMEMBERED) -> None:
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._told: OrderedDict[tuple[str, str, str], _Told] = OrderedDict()
        self._tries: OrderedDict[str, int] = OrderedDict()  # of those not settled
        self._remembered, self._lock = remembered, threading.Lock()
        for record in records:
            self.learn(record)

    def learn(self, record: Record) -> None:
        with self._lock:
            if record.status == "attempt":
                self._tries[record.key] = record.attempt
            else:
                self._tries.pop(record.key, None)
                self._settled[record.key] = None
            if record.status == "delivered":
                self._learn_told(record)
            for memory in (self._settled, self._told, self._tries):
                while len(memory) > self._remembered:
                    memory.popitem(last=False)

    def _learn_told(self, record: Record) -> None:
        where = (record.alert_id, record.receiver, record.channel)
        if record.alert_status == "firing":
            self._told.setdefault(where, _Told(record.key))
        elif where in self._told:
            self._told[where].resolved = True

    def settled(self, key: str) -> bool:
        return key in self._settled

    def tries(self, key: str) -> int:
        """How often it was tried in vain so far, by us or by those before us."""
        return self._tries.get(key, 0)

    def told_by(self, alert_id: str, receiver: str, channel: str) -> str | None:
        """The key of the notification that told them it fires, None when nobody did."""
        told = self._told.get((alert_id, receiver, channel))
        return told.firing_key if told else None

    def knows_end(self, alert_id: str, receiver: str, channel: str) -> bool:
        told = self._told.get((alert_id, receiver, channel))
        return told is not None and told.resolved
