"""Kafka's side of a backup: partitions as they are, and their records by offset. Nothing is consumed in anybody's name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from logverse.errors import Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet
from logverse.topics import named
from storage.backup.columns import Records
from storage.backup.manifest import Span
from storage.backup.plan import Part

_GROUP = "logverse-backup"  # librdkafka wants one; nothing is ever committed for it
_BATCH, _WAIT_S = 4000, 0.05  # so short that what arrives meanwhile is little memory
# Offsets that are gone are an error here, and not another place to go on from in silence. A fetch is counted as Kafka has compressed it,
# which may be to a fiftieth. Left alone, librdkafka fetches nothing for a second whenever its queue is full: half of the speed.
_TUNED = {
    "auto.offset.reset": "error", "queued.max.messages.kbytes": 2048, "fetch.message.max.bytes": 1_048_576, "fetch.wait.max.ms": 20,
    "fetch.queue.backoff.ms": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records, and how far everything has been looked at by now. `deleted`: from there to `next` Kafka has deleted what there was."""

    records: Records
    next: int
    deleted: int | None = None


class Reader(Protocol):
    """One thread's way to the records."""

    def read(self, span: Span) -> Iterator[Piece]:
        """The records of this span in order of their offsets; ends where it does, or earlier at a transaction that is still open."""

    def close(self) -> None: ...


class Source(Protocol):
    """The topics that are backed up."""

    def parts(self) -> Sequence[Part]:
        """Every partition, as it is now."""

    def reader(self) -> Reader: ...


class KafkaSource:
    """The topics of these ids, by short name. TryAgain when Kafka is away, or silent for `timeout_s`; Refused when a topic is gone."""

    def __init__(
        self, settings: Settings, topic_ids: Mapping[str, str], timeout_s: float = 30.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._ids, self._timeout, self._monotonic = settings, topic_ids, timeout_s, monotonic

    def parts(self) -> Sequence[Part]:
        reader = self.reader()
        try:
            return [part for topic in self._ids for part in reader.parts(topic)]
        finally:
            reader.close()

    def reader(self) -> KafkaReader:
        return KafkaReader(self._settings, self._ids, self._timeout, self._monotonic)


class KafkaReader:
    """See KafkaSource."""

    def __init__(self, settings: Settings, topic_ids: Mapping[str, str], timeout_s: float, monotonic: Callable[[], float]) -> None:
        config = client_config(settings, group_id=_GROUP, enable_auto_commit=False, enable_partition_eof=True) | _TUNED
        self._consumer = client(Consumer, config, logger=quiet())
        self._prefix, self._ids, self._timeout, self._monotonic = settings.topic_prefix, topic_ids, timeout_s, monotonic

    def parts(self, topic: str) -> list[Part]:
        name = named(topic, self._prefix)
        with _translating(name):
            found = self._consumer.list_topics(name, timeout=self._timeout).topics[name]
            if found.error is not None:
                raise Refused(f"topic {name}: {found.error.str()} → logverse topics create")
            edges = {number: self._edges(TopicPartition(name, number)) for number in sorted(found.partitions)}
        return [Part(topic, self._ids[topic], number, low, high) for number, (low, high) in edges.items()]

    def read(self, span: Span) -> Iterator[Piece]:
        place = TopicPartition(named(span.topic, self._prefix), span.partition, span.start)
        self._consumer.assign([place])
        at, patience = span.start, self._monotonic() + self._timeout
        while at < span.next:
            with _translating(place.topic):
                batch: list[Any] = self._consumer.consume(_BATCH, timeout=_WAIT_S)
            records, seen = _records(span, batch), _last(batch)
            if seen >= at:  # what lies behind the span says that all before it was looked at
                at = min(seen + 1, span.next)
                yield Piece(records, at)
            for message in batch:
                if message.error() is None:
                    continue
                piece = self._trouble(place, span, message, at)
                if piece is not None:
                    yield piece
                    at = piece.next
                if piece is not None and piece.deleted is None:
                    self._consumer.unassign()
                    return
            if batch:
                patience = self._monotonic() + self._timeout
            elif self._monotonic() > patience:
                raise TryAgain(f"Kafka went silent while {place.topic} partition {place.partition} was read at offset {at}")
        self._consumer.unassign()

    def close(self) -> None:
        self._consumer.close()

    def _trouble(self, place: TopicPartition, span: Span, message: Any, at: int) -> Piece | None:
        """What an error among the messages means: the end, a deleted beginning, or a reason to stop."""
        code = message.error().code()
        if code == KafkaError._PARTITION_EOF:
            return Piece(Records(span.topic, span.partition), min(max(at, message.offset()), span.next))
        if code != KafkaError._AUTO_OFFSET_RESET:
            raise TryAgain(f"{place.topic} partition {place.partition} cannot be read at offset {at}: {message.error().str()}")
        with _translating(place.topic):
            low = min(self._edges(place)[0], span.next)
            if low <= at:
                raise TryAgain(f"{place.topic} partition {place.partition} has no offset {at} at the moment: {message.error().str()}")
            self._consumer.assign([TopicPartition(place.topic, place.partition, low)])
        return Piece(Records(span.topic, span.partition), low, deleted=at)

    def _edges(self, place: TopicPartition) -> tuple[int, int]:
        low, high = self._consumer.get_watermark_offsets(place, timeout=self._timeout)
        return int(low), int(high)


def _last(batch: list[Any]) -> int:
    """The last offset of a record in it; -1 when there is none."""
    return next((int(message.offset()) for message in reversed(batch) if message.error() is None), -1)


def _records(span: Span, batch: list[Any]) -> Records:
    """Those of the batch that lie in the span."""
    good = [message for message in batch if message.error() is None and message.offset() < span.next]
    return Records(
        span.topic, span.partition, [message.offset() for message in good], [message.timestamp()[1] for message in good],
        [message.key() for message in good], [message.value() for message in good], [message.headers() for message in good],
    )  # fmt: skip


@contextmanager
def _translating(what: str) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise TryAgain(f"Kafka is away: {what}: {error.args[0].str()}") from error
