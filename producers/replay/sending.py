"""A spool into one partition of a topic: what a replay's job reads, in one order of time."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from logverse.errors import TryAgain
from logverse.kafka import client
from logverse.settings import Settings
from logverse.topic_reader import quiet
from producers.publisher import tuned
from producers.replay.spool import Spool

_EACH = 1000
PATIENCE_MS = 60_000  # for a Kafka that is away: nobody waits at a replay for ever


def send(settings: Settings, topic: str, spool: Spool, sent: Callable[[int], None] = lambda _: None) -> None:
    """All of it, acknowledged when this returns. `topic` is the full name; `sent` is told how many are on their way.

    TryAgain when Kafka does not take it. Every event goes here whatever its type: over several partitions there would be no order, and
    a job that reads one of them faster than another keeps all that lies between in its memory.
    """
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = client(Producer, {**tuned(settings), "message.timeout.ms": PATIENCE_MS}, logger=quiet())
    try:
        for number, item in enumerate(spool, 1):
            while True:
                try:
                    producer.produce(topic, item.value, item.key, partition=0, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % _EACH == 0:
                producer.poll(0)
                sent(number)
                if failed:
                    break
        left = producer.flush(PATIENCE_MS / 1000 + 5)
    except KafkaException as error:
        raise TryAgain(f"Kafka does not take the events: {error.args[0].str()}") from error
    if failed or left:
        raise TryAgain(f"Kafka does not take the events: {failed[0].str() if failed else f'{left:,} were not acknowledged'}")
