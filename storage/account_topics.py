"""The topics of an account in Kafka: their records by when they were appended, how far the history job is, and what is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from logverse.instant import Millis
from logverse.topic_range import Ranges
from storage.account import HOUR, Appended


class Message(Protocol):
    """confluent_kafka.Message, as much of it as is looked at."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def timestamp(self) -> tuple[int, Millis]: ...
    def value(self) -> bytes | None: ...


class Kafka(Protocol):
    """logverse/topic_range.py, TopicRanges, in the name of the history's group."""

    def starts(self, topic: str) -> dict[int, int]: ...
    def committed(self, topic: str) -> dict[int, int]: ...
    def between(self, topic: str, since: Millis, until: Millis) -> Ranges: ...
    def read(self, ranges: Ranges) -> Iterator[Message]: ...


class KafkaTopics:
    """The topics of these (full) names; what an Account asks of `Topics`. Where the job is, is asked for at once: whatever it has passed
    by then must be found afterwards, in the store or among the dead letters. Errors as those of TopicRanges."""

    def __init__(self, kafka: Kafka, names: Sequence[str], now: Millis) -> None:
        self._kafka, self._names, self._now = kafka, names, now
        # First where Kafka begins: what it deletes from now on, the job may have read.
        self._starts = {(name, number): offset for name in names for number, offset in kafka.starts(name).items()}
        self._passed = {(name, number): offset for name in names for number, offset in kafka.committed(name).items()}
        self._oldest = self._oldest_left()

    def between(self, since: Millis, until: Millis) -> Iterator[Appended]:
        """Hour by hour: partitions of one hour side by side, so that what is repeated soon is told in little memory."""
        starts = [since, *range(since - since % HOUR + HOUR, until, HOUR), until]
        for begin, end in pairwise(starts):
            ranges: dict[tuple[str, int], tuple[int, int]] = {}
            for name in self._names:
                ranges |= self._kafka.between(name, begin, end)
            for message in self._kafka.read(ranges):
                yield Appended(message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.value())

    def read_up_to(self, topic: str, partition: int) -> int:
        """0 where the job has not committed anything."""
        return self._passed.get((topic, partition), 0)

    def lost(self) -> dict[tuple[str, Millis], int]:
        """How many records Kafka deleted that the job would have read next, by topic and the hour of the oldest record that is left (now,
        where none is). Known until the job has gone on behind them."""
        counts: Counter[tuple[str, Millis]] = Counter()
        for place, start in self._starts.items():
            if self._passed.get(place, start) < start:
                at = self._oldest.get(place, self._now)
                counts[place[0], at - at % HOUR] += start - self._passed[place]
        return dict(counts)

    def deleted_before(self) -> dict[str, Millis]:
        """Topics of which Kafka has deleted records, with the append time of the oldest one that is left."""
        shortened = {name for (name, _), start in self._starts.items() if start > 0}
        return {name: min((at for (topic, _), at in self._oldest.items() if topic == name), default=self._now) for name in shortened}

    def _oldest_left(self) -> dict[tuple[str, int], Millis]:
        """By topic and partition, of those that have lost their beginning."""
        first = {place: (start, start + 1) for place, start in self._starts.items() if start > 0}
        return {(message.topic(), message.partition()): message.timestamp()[1] for message in self._kafka.read(first)}
