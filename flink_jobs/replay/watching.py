"""What a replay's job writes, read while it writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from flink_jobs.replay.episodes import Episodes
from logverse.alert import Alert
from logverse.errors import TryAgain
from logverse.instant import Millis
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.summary import DIMENSIONS
from logverse.topic_reader import quiet
from logverse.topics import named

READ = ("alerts", "summaries", "logs.late")
_COUNT = len(DIMENSIONS)  # where a summary's item has how many events it is of
_TUNED = {"queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": 50, "fetch.queue.backoff.ms": 5, "auto.offset.reset": "earliest"}


@dataclass(slots=True)
class Judged:
    """How far the job has come. `at`: event time of its newest summary."""

    events: int = 0
    seconds: int = 0  # of services: summaries' records
    late: int = 0  # came late to the job, or ahead of its clock: nothing of a replay does
    cut: int = 0  # seconds of a service that are too large for the topic, and so not in `events`
    at: Millis = 0

    def take(self, topic: str, value: bytes, episodes: Episodes) -> None:
        """A record of one of the topics READ, without their prefix."""
        if topic == "alerts":
            episodes.take(Alert.from_json(value))
        elif topic == "logs.late":
            self.late += 1
        else:
            found = orjson.loads(value)
            self.events += sum(item[_COUNT] for item in found["items"])
            self.seconds += 1
            self.cut += bool(found.get("cut"))
            self.at = max(self.at, found["second"])


def written(settings: Settings, over: Callable[[], bool], patience_s: float = 30.0) -> Iterator[tuple[str, bytes] | None]:
    """Every record of the topics READ (without their prefix) until `over`, None now and then while there is none. TryAgain."""
    config = client_config(settings, group_id=named("reader", settings.topic_prefix), enable_auto_commit=False) | _TUNED
    consumer = client(Consumer, config, logger=quiet())
    topics = {named(topic, settings.topic_prefix): topic for topic in READ}
    try:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in topics])
        done = False
        while not done:
            done = over()
            for message in _batches(consumer, list(topics) if done else [], patience_s):
                yield None if message is None else (topics[message[0]], message[1])
    except KafkaException as error:
        raise TryAgain(f"Kafka is away: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _batches(consumer: Consumer, to_the_end: Sequence[str], patience_s: float) -> Iterator[tuple[str, bytes] | None]:
    """What there is now; of the topics `to_the_end` all that there will ever be."""
    ends = {topic: consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=patience_s)[1] for topic in to_the_end}
    until = time.monotonic() + patience_s
    while True:
        batch = consumer.consume(500, timeout=0.2)
        for message in batch:
            if message.error() is None:
                yield message.topic() or "", message.value() or b""
        if batch:
            until = time.monotonic() + patience_s
        else:
            yield None
        if not any(_position(consumer, topic) < end for topic, end in ends.items()):
            return
        if time.monotonic() > until:
            raise TryAgain("Kafka went silent while the results were read")


def _position(consumer: Consumer, topic: str) -> int:
    (found,) = consumer.position([TopicPartition(topic, 0)])
    return max(found.offset, 0)  # it says -1001 before the first record
