"""A Kafka topic that others write JSON to. Its offsets are committed once what was read before them has arrived as events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from logverse.errors import Malformed, WrongSettings
from logverse.instant import Millis
from logverse.kafka import client, client_config
from logverse.topic_reader import quiet
from logverse.topics import TOPICS, named
from producers import shapes
from producers.checkpoint import Position
from producers.shapes.reading import Reading
from producers.sources.given import Given
from producers.sources.seldom import Seldom
from producers.sources.source import Batch
from producers.translation import Structured

_AT_ONCE = 1_000  # messages
COMMIT_MS = 1_000
_FETCH_S = 0.05
_PATIENCE_S = 10.0
# Left alone, librdkafka fetches nothing for a second whenever its queue is full: half of the speed.
_READ_ON = {
    "queued.max.messages.kbytes": 16_384, "fetch.message.max.bytes": 4_194_304, "fetch.queue.backoff.ms": 5,
    "max.poll.interval.ms": 86_400_000,
}  # fmt: skip


class KafkaTopic:
    """An event's uid is topic id, partition and offset, unless it brings one along: read again, it is the same event.

    `consumer` is a confluent_kafka.Consumer; `topic_id` asks for the id, which is another one when a topic was deleted and made anew.
    """

    live = False

    def __init__(self, given: Given, consumer: Any, topic_id: Callable[[], str]) -> None:
        self._given, self._consumer, self._topic_id, self._topic = given, consumer, topic_id, given.address.topic
        self._reading = Reading(shapes.named(given.order.shape, given.order.field_map, "--shape"), given.order.log_type)
        self._seldom = Seldom(given.say, given.clock)
        self._id = topic_id()
        self._positions: dict[int, Position] = {}
        self._committed: dict[int, int] = {}
        self._waiting: list[Message] = []
        self._behind: set[int] | None = None  # partitions that were not read to their end yet; not known before they are assigned
        self._last: Millis = 0  # the time of the newest record that was taken
        self._looked: Millis = 0
        self._closed = False
        consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def look(self, reading: bool = False) -> None:
        now = self._given.clock()
        if not self._closed and now - self._looked >= COMMIT_MS:
            self._looked = now
            self._commit(asynchronous=True)

    def stands(self) -> list[Millis]:
        if not self._waiting and not self._closed:
            self._fetch(0)
        if self._waiting:
            return [max(1, self._waiting[0].timestamp()[1])]
        return [self._last] if self._behind is None or self._behind else []

    def take(self, now: Millis) -> Iterator[Batch]:
        if not self._waiting and not self._closed:
            self._fetch(_FETCH_S)  # there is more, and it has not come yet
        messages, self._waiting = self._waiting, []
        self._last = max([self._last, *(message.timestamp()[1] for message in messages)])
        for partition in sorted({int(message.partition() or 0) for message in messages}):
            of_it = [message for message in messages if message.partition() == partition]
            records = [self._given.translator.structured(one, now) for message in of_it for one in self._structured(message, now)]
            position = self._positions.setdefault(partition, Position(path=self._topic, first_seen=now))
            yield Batch(records, position.begin(int(of_it[-1].offset() or 0) + 1, None).settle)

    def end(self) -> None:
        """A topic has none."""

    def close(self) -> None:
        self._closed, self._waiting = True, []

    def release(self) -> None:
        """What has not arrived by now is read again by the next run, or by another of the group."""
        self._commit(asynchronous=False)
        self._consumer.close()

    def over(self) -> bool:
        return self._closed

    def lag(self) -> int:
        return sum(len(message.value() or b"") for message in self._waiting)

    def _fetch(self, patience_s: float) -> None:
        for message in self._consumer.consume(_AT_ONCE, patience_s):
            error = message.error()
            if error is None:
                self._waiting.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._behind = (self._behind or set()) - {int(message.partition() or 0)}
            else:
                self._seldom(f"topic {self._topic}", error.str())

    def _structured(self, message: Message, now: Millis) -> Iterator[Structured]:
        value, uid = message.value(), f"{self._id}-{message.partition()}-{message.offset()}"
        if value is None:
            self._given.account.lines += 1
            self._given.account.blank += 1
            return
        at = message.timestamp()[1] if message.timestamp()[1] > 0 else now
        origin = {"topic": self._topic, "partition": message.partition(), "offset": message.offset()}
        try:
            for place, (own, parsed) in enumerate(self._reading.events(value)):
                yield Structured(own or (f"{uid}-{place}" if place else uid), parsed, at, value, origin)
        except Malformed as error:
            yield Structured(uid, error, at, value, origin)

    def _commit(self, asynchronous: bool) -> None:
        moved = {partition: position.offset for partition, position in self._positions.items() if position.offset}
        fresh = {partition: offset for partition, offset in moved.items() if self._committed.get(partition) != offset}
        if not fresh:
            return
        try:
            offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in fresh.items()]
            self._consumer.commit(offsets=offsets, asynchronous=asynchronous)
            self._committed |= fresh
        except KafkaException as error:
            self._seldom(f"topic {self._topic}", f"offsets cannot be committed: {error.args[0].str()}; what was read is read again")

    def _assigned(self, _: object, partitions: list[TopicPartition]) -> None:
        self._behind = (self._behind or set()) | {partition.partition for partition in partitions}
        with suppress(KafkaException):  # Kafka is away again: the id that is known is the best there is
            self._id = self._topic_id()

    def _revoked(self, _: object, partitions: list[TopicPartition]) -> None:
        self._commit(asynchronous=False)
        self._lost(_, partitions)

    def _lost(self, _: object, partitions: list[TopicPartition]) -> None:
        """Others read them on from what was committed; what is under way to Kafka they send again, as the same events."""
        gone = {partition.partition for partition in partitions}
        self._waiting = [message for message in self._waiting if message.partition() not in gone]
        for partition in gone:
            self._positions.pop(partition, None)
            self._committed.pop(partition, None)
            self._behind = (self._behind or set()) - {partition}


def on_kafka(given: Given) -> KafkaTopic:
    """The source on the brokers of the settings. WrongSettings when there is no such topic, or when it is one that we write to."""
    topic, order, settings = given.address.topic, given.order, given.settings
    if topic in {named(name, settings.topic_prefix) for name in TOPICS}:
        raise WrongSettings("is a topic of LogVerse's own", where=given.address.text, remedy="name the topic that others write to")
    group = order.group or f"logverse-{named(order.name, settings.topic_prefix)}"
    seldom = Seldom(given.say, given.clock)
    config = client_config(
        settings,
        group_id=group,
        enable_auto_commit=False,
        enable_auto_offset_store=False,
        auto_offset_reset="earliest",
        enable_partition_eof=True,
    )
    admin = client(AdminClient, client_config(settings), logger=quiet())

    def topic_id() -> str:
        described = admin.describe_topics(TopicCollection([topic]))[topic].result(_PATIENCE_S)
        return str(described.topic_id)

    try:
        topic_id()
    except KafkaException as error:
        raise WrongSettings(
            f"cannot be read: {error.args[0].str()}", where=given.address.text, remedy="check its name: kafka://TOPIC"
        ) from error
    trouble = {"error_cb": lambda error: seldom(f"topic {topic}", error.str())}
    return KafkaTopic(given, client(Consumer, config | _READ_ON | trouble, logger=quiet()), topic_id)
