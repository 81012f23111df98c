"""Kafka's records by offset: a range ends where it must, and what Kafka has deleted meanwhile is told."""

from __future__ import annotations

from types import SimpleNamespace as Plain

import pytest
from confluent_kafka import KafkaError

from logverse import topic_range
from logverse.errors import TryAgain
from logverse.settings import Settings
from storage.backup import reading
from storage.backup.manifest import Span
from storage.backup.reading import KafkaSource


def message(offset, error=None):
    made = Plain(offset=lambda: offset, timestamp=lambda: (1, 7), key=lambda: None, value=lambda: b"v", headers=lambda: None)
    made.error = lambda: error and Plain(code=lambda: error, str=lambda: "said")
    return made


class Broker:
    """Gives out these batches, one after the other; then nothing."""

    def __init__(self, *batches, low=0):
        self.batches, self.low, self.assigned = list(batches), low, []

    def consume(self, *_, **__):
        return self.batches.pop(0) if self.batches else []

    def assign(self, places):
        self.assigned.append(places[0].offset)

    def unassign(self):
        pass

    def get_watermark_offsets(self, *_, **__):
        return self.low, 99


def read(monkeypatch, broker, start=0, end=10):
    """The pieces of the range [start, end): offsets, the end, and from where on it was deleted."""
    monkeypatch.setattr(reading, "client", lambda *_, **__: broker)
    clock = iter(range(10_000))
    source = KafkaSource(Settings(bootstrap_servers="a:1"), {"logs.http": "id"}, 5.0, lambda: float(next(clock)))
    pieces = source.reader().read(Span("logs.http", "id", 0, start, end))
    return [(piece.records.offsets, piece.next, piece.deleted) for piece in pieces]


def test_a_range_that_ends_in_a_hole_ends_with_what_lies_behind_it(monkeypatch):
    """A transaction's end is an offset without a record. On a topic that is written to all the time its end is never reached."""
    broker = Broker([message(7), message(8)], [message(10), message(11)], *([message(n)] for n in range(12, 5000)))

    assert read(monkeypatch, broker) == [([7, 8], 9, None), ([], 10, None)]
    assert len(broker.batches) == 4988


def test_a_range_ends_at_the_end_of_the_partition(monkeypatch):
    """Of which the last offsets may be holes."""
    broker = Broker([message(7)], [message(10, KafkaError._PARTITION_EOF)])

    assert read(monkeypatch, broker) == [([7], 8, None), ([], 10, None)]


def test_what_kafka_has_deleted_meanwhile_is_told(monkeypatch):
    """And the rest is read."""
    broker = Broker([message(2)], [message(3, KafkaError._AUTO_OFFSET_RESET)], [message(6), message(9)], low=6)

    assert read(monkeypatch, broker) == [([2], 3, None), ([], 6, 3), ([6, 9], 10, None)]
    assert broker.assigned == [0, 6]


def test_silence_is_no_end(monkeypatch):
    """What was not looked at is not called empty."""
    with pytest.raises(TryAgain, match=r"went silent while logs\.http partition 0 was read at offset 3"):
        read(monkeypatch, Broker([message(2)]))


def test_a_reader_whose_queue_was_full_reads_on_at_once(monkeypatch):
    """Left alone, librdkafka fetches nothing for a second then: a half to a tenth of the speed (measured)."""
    given = []
    monkeypatch.setattr(reading, "client", lambda _, config, **__: given.append(config))
    monkeypatch.setattr(topic_range, "client", lambda _, config, **__: given.append(config))

    KafkaSource(Settings(bootstrap_servers="a:1"), {}).reader()
    topic_range.TopicRanges(Settings(bootstrap_servers="a:1"))

    assert [config["fetch.queue.backoff.ms"] <= 20 for config in given] == [True, True]
