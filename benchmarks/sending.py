"""Records into a topic as fast as its client takes them, for benchmarks that need a full one."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Producer

TUNED = {"linger.ms": 50, "batch.size": 524_288, "compression.type": "lz4", "queue.buffering.max.messages": 500_000}
_RUN = 500  # records that go to one partition before the next has its turn


def send(producer: Producer, topic: str, values: Iterable[bytes], partitions: int = 0) -> None:
    """All of them, and wait until they are there. `partitions`: by turns to each of so many; 0 leaves it to the client."""
    for number, value in enumerate(values):
        while True:
            try:
                producer.produce(topic, value, partition=number // _RUN % partitions if partitions else -1)
                break
            except BufferError:
                producer.poll(0.1)
        if not number % 1000:
            producer.poll(0)
    producer.flush()
