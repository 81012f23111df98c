"""Records to Kafka: idempotent, acknowledged by all replicas, bounded in memory, patient while the broker is away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from logverse.errors import Refused, WrongSettings
from logverse.kafka import client, client_config
from logverse.settings import Settings, brokers
from logverse.topics import LOGS, named
from producers.translation import DEAD, Record

MAX_BYTES_IN_FLIGHT = 24 * 1024 * 1024  # back-pressure begins here: what a crash may send twice, and most of our memory
MAX_RECORDS_IN_FLIGHT = 100_000

TOPICS = (*LOGS.values(), DEAD)
_ASKED = 10  # times for topics that are missing: a broker may be some moments behind `logverse topics create`
_POLL_EACH = 500  # records between two looks at what was acknowledged


class Publisher(Protocol):
    """Sends records and says when they have arrived. Its twin in memory is in `producers.memory`.

    Where it has to wait it calls `idle` again and again, and gives up when that answers False.
    """

    def connect(self, idle: Callable[[], bool]) -> str | None:
        """Wait for Kafka: the cluster's id, None when it gave up. WrongSettings when a topic is missing."""

    def send(self, records: Iterable[Record], settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        """Hand over records, waiting while too much is in flight; `settled` is called once all of them are acknowledged."""

    def beat(self, value: bytes) -> bool:
        """Send a heartbeat to every partition of the log topics; False when the last one has not arrived yet."""

    def poll(self, seconds: float) -> None:
        """Take in acknowledgements, waiting this long for the first. Refused: nothing more will arrive."""

    def in_flight(self) -> int:
        """Records, heartbeats among them, that are not acknowledged yet."""

    def away(self) -> bool:
        """Whether no broker can be reached."""


class Shipment:
    """Counts the acknowledgements of records that were sent together."""

    __slots__ = ("_left", "_settled", "_wrong")

    def __init__(self, settled: Callable[[], None], wrong: Callable[[KafkaError], None]) -> None:
        self._settled, self._wrong = settled, wrong
        self._left = 1  # held open until everything was handed over

    def add(self, count: int) -> None:
        self._left += count

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """librdkafka's report on one record. One that failed for good leaves the shipment open, so no checkpoint passes it."""
        if error is not None:
            return self._wrong(error)
        self._left -= 1
        if not self._left:
            self._settled()

    def close(self) -> None:
        """Everything was handed over."""
        self._left -= 1
        if not self._left:
            self._settled()


def tuned(settings: Settings, bytes_in_flight: int = MAX_BYTES_IN_FLIGHT) -> dict[str, Any]:
    """The client's configuration: nothing lost or doubled by retries that never end, large batches, bounded memory."""
    return client_config(
        settings, client_id="logverse-producer", enable_idempotence=True, acks="all", compression_type="lz4",
        linger_ms=20, batch_size=512 * 1024, message_timeout_ms=0, message_max_bytes=1_000_000,
        queue_buffering_max_kbytes=bytes_in_flight // 1024, queue_buffering_max_messages=MAX_RECORDS_IN_FLIGHT,
    ) | {"log_level": 0}  # fmt: skip


class KafkaPublisher:
    """The Publisher on a real cluster."""

    def __init__(self, settings: Settings, say: Callable[[str], None], bytes_in_flight: int = MAX_BYTES_IN_FLIGHT) -> None:
        self._say, self._away = say, False
        self._failure: Exception | None = None
        self._address = brokers(settings)
        self._names = {topic: named(topic, settings.topic_prefix) for topic in TOPICS}
        self._partitions: list[tuple[str, int]] = []
        self._beats = 0
        self._producer = client(Producer, {**tuned(settings, bytes_in_flight), "error_cb": self._trouble})

    def connect(self, idle: Callable[[], bool]) -> str | None:
        asked = 0
        while True:
            try:
                cluster = self._producer.list_topics(timeout=2.0)
                missing = [name for name in self._names.values() if name not in cluster.topics]
                asked += 1
            except KafkaException as error:
                missing = []
                self._say_away(error.args[0].str())
            else:
                if not missing or asked == _ASKED:
                    break
                self._producer.poll(0.2)
            if not idle():
                return None
        if missing:
            raise WrongSettings(f"Kafka has no topic {', '.join(missing)}", where=self._address, remedy="logverse topics create")
        names = [self._names[topic] for topic in LOGS.values()]
        self._partitions = [(name, number) for name in names for number in cluster.topics[name].partitions]
        self._away = False
        return str(cluster.cluster_id)

    def send(self, records: Iterable[Record], settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        shipment = Shipment(partial(self._arrived, settled), self._failed)
        produce, names, delivered = self._producer.produce, self._names, shipment.delivered
        for number, (topic, value, key) in enumerate(records, 1):
            shipment.add(1)
            while True:
                try:
                    produce(names[topic], value, key, on_delivery=delivered)
                    break
                except BufferError:
                    self.poll(0.1)
                    if not idle():
                        return
                except KafkaException as error:
                    self._failed(error.args[0])
                    return self.poll(0)
            if number % _POLL_EACH == 0:
                self.poll(0)
        shipment.close()
        self.poll(0)

    def beat(self, value: bytes) -> bool:
        if self._beats:
            return False
        for topic, partition in self._partitions:
            try:
                self._producer.produce(topic, value, partition=partition, on_delivery=self._beat_delivered)
                self._beats += 1
            except BufferError:
                return False
            except KafkaException as error:
                self._failed(error.args[0])
                self.poll(0)
        return True

    def poll(self, seconds: float) -> None:
        self._producer.poll(seconds)
        if self._failure:
            raise self._failure

    def in_flight(self) -> int:
        return len(self._producer)

    def away(self) -> bool:
        return self._away

    def _beat_delivered(self, error: KafkaError | None, message: Message) -> None:
        self._beats -= 1
        self._away = False
        if error is not None:
            self._failed(error)

    def _arrived(self, settled: Callable[[], None]) -> None:
        if self._away:
            self._away = False
            self._say(f"Kafka at {self._address} is back")
        settled()

    def _failed(self, error: KafkaError) -> None:
        """What stays wrong however long one waits, said at once or on delivery: retries without end are librdkafka's own."""
        if error.fatal():
            self._failure = Refused(f"Kafka at {self._address}: {error.str()}; a new start sends again what is not acknowledged")
        elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION):
            self._failure = WrongSettings(f"a topic has vanished: {error.str()}", where=self._address, remedy="logverse topics create")
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self._failure = WrongSettings(
                "a topic takes no batches of 1 MB", where=self._address, remedy="set its max.message.bytes to 1048588, Kafka's default"
            )
        else:
            self._failure = Refused(f"Kafka at {self._address} refused records: {error.str()}")

    def _trouble(self, error: KafkaError) -> None:
        if error.fatal():
            self._failed(error)
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._say_away("no broker answers")
        elif error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            self._say(f"Kafka at {self._address} does not let us in: {error.str()}")

    def _say_away(self, why: str) -> None:
        if not self._away:
            self._away = True
            self._say(f"Kafka at {self._address} is away ({why}): waiting, nothing is lost")
