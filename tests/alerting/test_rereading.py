"""Reading again what went past a full channel, from a consumer that is played."""

from __future__ import annotations

from collections import deque
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from alerting.rereading import Rereading
from logverse.settings import Settings


class Message:
    """A record, or the end of a partition as librdkafka tells it."""

    def __init__(self, offset: int, code: int | None = None, partition: int = 0) -> None:
        self._offset, self._partition, self._error = offset, partition, None if code is None else KafkaError(code)

    def offset(self) -> int:
        return self._offset

    def partition(self) -> int:
        return self._partition

    def error(self) -> KafkaError | None:
        return self._error


class Played:
    """Gives a batch at each call."""

    def __init__(self, *batches: list[Message]) -> None:
        self.batches, self.assigned = deque(batches), list[int]()

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned.append(partitions[0].offset)

    def unassign(self) -> None: ...

    def consume(self, _: int, timeout: float) -> list[Message]:
        return self.batches.popleft() if self.batches else []


def rereading(*batches: list[Message]) -> tuple[Rereading, Any]:
    found = Rereading(Settings(bootstrap_servers="127.0.0.1:1"), "alerts")
    found.close()
    found._consumer = played = Played(*batches)
    return found, played


def offsets(messages: list[Any]) -> list[int]:
    return [message.offset() for message in messages]


def test_a_gap_is_read_to_its_end_and_not_further() -> None:
    """Batch by batch without a new assignment; what lies behind the end is not taken, and the next gap starts anew."""
    reader, played = rereading([], [Message(3), Message(4)], [Message(6), Message(7), Message(8)], [Message(7)])

    first, second = reader.read(0, 3, 7), reader.read(0, 3, 7)
    third = reader.read(0, second[1], 7)
    fourth = reader.read(0, 7, 8)

    assert [(offsets(found), reached) for found, reached in (first, second, third, fourth)] == [([], 3), ([3, 4], 5), ([6], 7), ([7], 8)]
    assert played.assigned == [3, 7]


def test_what_the_topic_keeps_no_longer_is_passed_over() -> None:
    """The end of the partition behind the gap ends it; an end before it (a new leader that lags) does not."""
    reader, _ = rereading([Message(5, KafkaError._PARTITION_EOF)], [Message(1, partition=1), Message(9, KafkaError._PARTITION_EOF)])

    assert reader.read(0, 3, 7) == ([], 3)
    assert reader.read(0, 3, 7) == ([], 7)
