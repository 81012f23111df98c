"""Topics read by when their records were appended, or by offsets: for those that look at a part of one, and consume nothing for anybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet

_BATCH = 2000
# Left alone, librdkafka fetches nothing for a second whenever its queue is full: a third of the speed.
_TUNED = {"auto.offset.reset": "earliest", "queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": 20, "fetch.queue.backoff.ms": 5}

Ranges = Mapping[tuple[str, int], tuple[int, int]]  # topic and partition → first offset, and the one behind the last


class TopicRanges:
    """A reader of parts of topics (full names). Every method raises TryAgain when Kafka is away, Refused when there is no such topic.

    `group` is whose committed offsets `committed` tells; nothing is committed in its name.
    """

    def __init__(
        self, settings: Settings, group: str = "logverse-reader", timeout_s: float = 15.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        config = client_config(settings, group_id=group, enable_auto_commit=False, enable_partition_eof=True) | _TUNED
        self._consumer = client(Consumer, config, logger=quiet())
        self._timeout, self._monotonic = timeout_s, monotonic

    def offsets(self, topic: str, at: Millis) -> dict[int, int]:
        """By partition the offset of the first record that was appended at or after `at`; where there is none yet, the end."""
        with _translating(topic):
            asked = [TopicPartition(topic, number, at) for number in self._partitions(topic)]
            found = _whole(self._consumer.offsets_for_times(asked, timeout=self._timeout))
            return {one.partition: self._end(topic, one.partition) if one.offset in (OFFSET_END, -1) else one.offset for one in found}

    def between(self, topic: str, since: Millis, until: Millis) -> Ranges:
        """What was appended in [since, until)."""
        first, behind = self.offsets(topic, since), self.offsets(topic, until)
        return {(topic, number): (first[number], behind[number]) for number in first}

    def committed(self, topic: str) -> dict[int, int]:
        """By partition the offset that the group would go on from; partitions of which it has not committed any are left out."""
        with _translating(topic):
            asked = [TopicPartition(topic, number) for number in self._partitions(topic)]
            found = _whole(self._consumer.committed(asked, timeout=self._timeout))
            return {one.partition: one.offset for one in found if one.offset >= 0}

    def starts(self, topic: str) -> dict[int, int]:
        """By partition the offset of the oldest record that Kafka still has; the end where there is none."""
        with _translating(topic):
            return {number: self._edges(topic, number)[0] for number in self._partitions(topic)}

    def read(self, ranges: Ranges) -> Iterator[Any]:
        """The records (confluent_kafka.Message) of these ranges, in the order of their offsets within a partition."""
        waiting = {place: behind for place, (first, behind) in ranges.items() if first < behind}
        self._consumer.assign([TopicPartition(*place, ranges[place][0]) for place in waiting])
        patience = self._monotonic() + self._timeout
        while waiting:
            with _translating("records"):
                batch: list[Any] = self._consumer.consume(_BATCH, timeout=0.2)
            for message in batch:
                place = message.topic(), message.partition()
                if self._at_end(message):
                    waiting.pop(place, None)
                elif place in waiting and message.offset() < waiting[place]:
                    yield message
                if message.error() is None and place in waiting and message.offset() >= waiting[place] - 1:
                    del waiting[place]
                    self._consumer.pause([TopicPartition(*place)])
            if batch:
                patience = self._monotonic() + self._timeout
            elif self._monotonic() > patience:
                raise TryAgain(f"Kafka went silent while {', '.join(sorted({topic for topic, _ in waiting}))} was read")
        self._consumer.unassign()

    def close(self) -> None:
        self._consumer.close()

    def __enter__(self) -> TopicRanges:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _partitions(self, topic: str) -> list[int]:
        found = self._consumer.list_topics(topic, timeout=self._timeout).topics[topic]
        if found.error is not None:
            raise Refused(f"topic {topic}: {found.error.str()} → logverse topics create")
        return sorted(found.partitions)

    def _end(self, topic: str, partition: int) -> int:
        return self._edges(topic, partition)[1]

    def _edges(self, topic: str, partition: int) -> tuple[int, int]:
        first, behind = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=self._timeout)
        return int(first), int(behind)

    @staticmethod
    def _at_end(message: Any) -> bool:
        error = message.error()
        if error is None:
            return False
        if error.code() != KafkaError._PARTITION_EOF:
            raise TryAgain(f"{message.topic()} cannot be read: {error.str()}")
        return True


def _whole(places: list[TopicPartition]) -> list[TopicPartition]:
    """These, of which Kafka answered each one: an offset beside an error is none."""
    for one in places:
        if one.error is not None:
            raise TryAgain(f"Kafka does not say where {one.topic} partition {one.partition} stands: {one.error.str()}")
    return places


@contextmanager
def _translating(what: str) -> Iterator[Any]:
    try:
        yield
    except KafkaException as error:
        raise TryAgain(f"Kafka is away: {what}: {error.args[0].str()}") from error
