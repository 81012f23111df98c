"""A topic read from its beginning to where it ends now: for those that keep their memory in one, or show what is in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from logverse.errors import Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.settings import Settings

_BATCH = 1000
# Bounded memory, whatever the topic holds; and the end of a topic is told at once, not after half a second of waiting for more. Left
# alone, librdkafka fetches nothing for a second whenever its queue is full.
_READ_ON = {
    "queued.max.messages.kbytes": 8192, "fetch.message.max.bytes": 1_048_576, "fetch.wait.max.ms": 20, "fetch.queue.backoff.ms": 5
}  # fmt: skip


def read_to_end(
    settings: Settings, topic: str, timeout_s: float = 10.0, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Message]:
    """Every record of the topic (full name) up to its end as of now, in order within a partition. Consumes nothing for anybody.

    TryAgain when Kafka is away, or silent for `timeout_s`; Refused when there is no such topic.
    """
    config = client_config(settings, group_id="logverse-reader", enable_auto_commit=False, enable_partition_eof=True) | _READ_ON
    consumer = client(Consumer, config, logger=quiet())
    try:
        waiting = set(_partitions(consumer, topic, timeout_s))
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in waiting])
        patience = monotonic() + timeout_s
        while waiting:
            batch = consumer.consume(_BATCH, timeout=0.2)
            if not batch and monotonic() > patience:
                raise TryAgain(f"Kafka went silent while {topic} was read")
            for message in batch:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    waiting.discard(message.partition())
                else:
                    raise TryAgain(f"{topic} cannot be read: {error.str()}")
            patience = monotonic() + timeout_s if batch else patience
    finally:
        consumer.close()


def _partitions(consumer: Any, topic: str, timeout_s: float) -> list[int]:
    try:
        found = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
    except KafkaException as error:
        raise TryAgain(f"Kafka is away: {error.args[0].str()}") from error
    if found.error is not None:
        raise Refused(f"topic {topic}: {found.error.str()} → logverse topics create")
    return list(found.partitions)


def quiet() -> logging.Logger:
    """For the `logger` of a client: librdkafka complains 20 times a second while Kafka is away; we say it once, in our words."""
    nowhere = logging.Logger("librdkafka")
    nowhere.addHandler(logging.NullHandler())
    return nowhere
