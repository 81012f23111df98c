"""The notification log on Kafka, and the door for records of `alerts` that are none."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from alerting.notification_log import Record
from logverse import topics
from logverse.dead_letter import DeadLetter
from logverse.errors import Malformed, Refused, TryAgain
from logverse.identity import digest
from logverse.instant import Millis
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet, read_to_end

_log = logging.getLogger(__name__)
_SERVICE = "logverse-alerting"
_KEPT = 65_536  # bytes of a record that is no alert which go to logs.dlq


class KafkaNotificationLog:
    """Appends with acks=all and waits for them: for as long as Kafka is away, unless `stopping`.

    Refused when the producer is beyond repair: only a new process can write again.
    """

    def __init__(self, settings: Settings, stopping: Callable[[], bool], clock: Callable[[], Millis]) -> None:
        self._settings, self._stopping, self._clock = settings, stopping, clock
        self._fatal = ""
        config = client_config(settings, enable_idempotence=True, linger_ms=0, message_timeout_ms=30_000, reconnect_backoff_max_ms=1000)
        self._producer: Any = client(Producer, config | {"error_cb": self._troubled}, logger=quiet())

    def append(self, record: Record) -> None:
        self._write(topics.named("notifications", self._settings.topic_prefix), record.key.encode(), record.to_json())

    def records(self) -> Iterator[Record]:
        """All that was ever appended and is still kept. TryAgain when Kafka is away."""
        for message in read_to_end(self._settings, topics.named("notifications", self._settings.topic_prefix)):
            try:
                yield Record.from_json(message.value() or b"")
            except Malformed as error:
                _log.error("notifications[%s]@%s is skipped: %s", message.partition(), message.offset(), error)

    def bury(self, message: Message, reason: str) -> None:
        """Keep a record that is no alert in logs.dlq, with its place."""
        data: bytes = message.value() or b""
        origin = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
        letter = DeadLetter(
            digest(*map(str, origin.values())), reason, _SERVICE, origin, data[:_KEPT], hashlib.sha256(data).hexdigest(), self._clock()
        )
        self._write(topics.named("logs.dlq", self._settings.topic_prefix), letter.id.encode(), letter.to_json())

    def _write(self, topic: str, key: bytes, value: bytes) -> None:
        while (problem := self._once(topic, key, value)) is not None:
            if self._fatal:
                raise Refused(f"{topic} cannot be written any more: {self._fatal}\n  → a new start goes on: logverse alerts deliver")
            _log.warning("Kafka does not take a record for %s, still trying: %s", topic, problem)
            if self._stopping():
                raise TryAgain(f"{topic} could not be written before the stop: {problem}")

    def _troubled(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:  # an idempotent producer that gave up takes nothing ever again
            self._fatal = error.str()

    def _once(self, topic: str, key: bytes, value: bytes) -> str | None:
        done, outcome = threading.Event(), list[str]()

        def delivered(error: Any, _: Message) -> None:
            if error is not None:
                self._troubled(error)
                outcome.append(error.str())
            done.set()

        try:
            self._producer.produce(topic, value, key, on_delivery=delivered)
        except BufferError as error:
            self._producer.poll(1.0)
            return str(error)
        except KafkaException as error:
            self._troubled(error.args[0])
            self._producer.poll(1.0)
            return str(error.args[0].str())
        while not done.is_set():
            self._producer.poll(0.05)  # any of the lanes' threads may serve another's callback
            if self._stopping() and not done.is_set() and self._producer.flush(2.0) and not done.is_set():
                return "Kafka is away"
        return outcome[0] if outcome else None
