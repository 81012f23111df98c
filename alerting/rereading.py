"""Records of a topic read once more, from an offset on: for a channel that was full when they came by."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet

_BATCH = 500
_NOWHERE = (-1, -1)
_READ = {
    "enable_auto_commit": False, "enable_partition_eof": True, "auto_offset_reset": "earliest", "queued_max_messages_kbytes": 8192,
    "fetch_queue_backoff_ms": 5,
}  # fmt: skip


class Rereading:
    """A consumer beside the group: it commits nothing."""

    def __init__(self, settings: Settings, topic: str) -> None:
        config = client_config(settings, group_id="logverse-reader", **_READ)
        self._consumer: Any = client(Consumer, config, logger=quiet())
        self._topic, self._place = topic, _NOWHERE

    def read(self, partition: int, start: int, end: int) -> tuple[list[Message], int]:
        """Some records from `start` on, before `end`; and the offset to go on from. Nothing and `start` while there is nothing yet:
        it does not wait, since the reading for the other channels would wait too.

        Records that the topic keeps no longer are passed over.
        """
        if self._place != (partition, start):
            self._consumer.assign([TopicPartition(self._topic, partition, start)])
        found, reached = list[Message](), start
        for message in self._consumer.consume(_BATCH, timeout=0):
            if message.partition() != partition or not start <= (message.offset() or 0):
                continue
            error = message.error()
            if (error is None or error.code() == KafkaError._PARTITION_EOF) and message.offset() >= end:
                reached = end
                break
            if error is None:
                found.append(message)
                reached = message.offset() + 1
        self._place = (partition, reached)
        if reached == end:
            self._consumer.unassign()
            self._place = _NOWHERE
        return found, reached

    def close(self) -> None:
        self._consumer.close()
