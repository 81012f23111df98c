"""What the history of some topics holds, as tests look at it: the store's rows as plain pairs, dead letters, what is left to do."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from flink_jobs.keeper import READ
from logverse.errors import TryAgain
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import TOPICS, named
from storage.store import Selection
from storage.stores import opened

EVER = (0, 4_000_000_000_000)


@dataclass(frozen=True)
class Kept:
    """The history behind these settings."""

    settings: Settings

    def rows(self, service: str, log_type: str = "http") -> list[tuple[str, str]]:
        """The uid and the sha256 of the body of each event of the service; none while the store is away."""
        try:
            with closing(opened(self.settings)) as store:
                found = list(store.events(Selection(log_type, service, *EVER), page=5_000))
        except TryAgain:
            return []
        return [(row.uid, sha256(json.loads(row.record)["body"].encode()).hexdigest()) for row in found]

    def holds_some(self, service: str) -> bool:
        """Whether there is a row of this service by now."""
        try:
            with closing(opened(self.settings)) as store:
                return next(iter(store.events(Selection("http", service, *EVER), page=1)), None) is not None
        except TryAgain:
            return False

    def behind(self) -> int:
        """Records that the history job has not committed; while Kafka does not say, one."""
        prefix = self.settings.topic_prefix
        consumer = Consumer(client_config(self.settings, group_id=named("history", prefix)))
        try:
            places = [TopicPartition(named(topic, prefix), number) for topic in READ for number in range(TOPICS[topic].partitions)]
            return sum(_behind(consumer, place) for place in consumer.committed(places, timeout=10))
        except KafkaException:
            return 1
        finally:
            consumer.close()

    def letters(self) -> list[dict[str, Any]]:
        """Each dead letter once."""
        found = read_to_end(self.settings, named("logs.dlq", self.settings.topic_prefix), timeout_s=60)
        letters = [json.loads(message.value()) for message in found]
        return list({letter["id"]: letter for letter in letters if not letter.get("replayed")}.values())

    def put(self, topic: str, values: list[bytes]) -> None:
        """Records as they are, over all partitions."""
        producer = Producer(client_config(self.settings, message_max_bytes=16_000_000))
        for number, value in enumerate(values):
            producer.produce(named(topic, self.settings.topic_prefix), value, partition=number % TOPICS[topic].partitions)
        assert producer.flush(60) == 0


def _behind(consumer: Consumer, committed: TopicPartition) -> int:
    first, end = consumer.get_watermark_offsets(TopicPartition(committed.topic, committed.partition), timeout=10)
    return end - max(first, committed.offset)
