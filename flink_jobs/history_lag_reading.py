"""Asks Kafka how far the history job is: what it has committed, what there is, and how old the next record is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flink_jobs.history_lag import Lag
from flink_jobs.keeper import READ
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet
from logverse.topics import named

TIMEOUT_S = 10.0
LOOKS = 100  # for the next records, a tenth of a second each
_LITTLE = {"queued.max.messages.kbytes": 4096, "fetch.message.max.bytes": 65_536, "fetch.wait.max.ms": 20}


def lags(settings: Settings) -> list[Lag]:
    """One a topic that the history reads. Consumes nothing. TryAgain while Kafka is away, Refused when it says no."""
    from confluent_kafka import Consumer, KafkaException

    topics = [named(topic, settings.topic_prefix) for topic in READ]
    config = client_config(settings, group_id=named("history", settings.topic_prefix), enable_auto_commit=False) | _LITTLE
    consumer = client(Consumer, config, logger=quiet())
    try:
        kept = _retention(settings, topics)
        spots = _spots(consumer, topics)
        oldest = _oldest(consumer, [spot for spot in spots if spot.behind])
    except KafkaException as error:
        cause = error.args[0]
        raise (TryAgain if cause.retriable() or cause.code() < 0 else Refused)(f"the history's lag is not known: {cause.str()}") from error
    finally:
        consumer.close()
    return [_lag(topic, [spot for spot in spots if spot.topic == topic], oldest, kept.get(topic)) for topic in topics]


class _Spot:
    """A partition: where the job stands, and what there is."""

    def __init__(self, topic: str, partition: int, committed: int, first: int, end: int) -> None:
        self.topic, self.partition = topic, partition
        self.next = max(committed, first)  # without any commit it begins with the first
        self.behind = max(0, end - self.next)
        self.lost = max(0, first - committed) if committed >= 0 else 0


def _lag(topic: str, spots: Sequence[_Spot], oldest: Mapping[tuple[str, int], Millis], kept: Millis | None) -> Lag:
    times = [at for spot in spots if (at := oldest.get((topic, spot.partition))) is not None]
    return Lag(topic, sum(spot.behind for spot in spots), min(times, default=None), sum(spot.lost for spot in spots), kept)


def _spots(consumer: Any, topics: Iterable[str]) -> list[_Spot]:
    from confluent_kafka import TopicPartition

    there = consumer.list_topics(timeout=TIMEOUT_S).topics
    if missing := [topic for topic in topics if topic not in there]:
        raise Refused(f"topic {missing[0]} does not exist\n  → logverse topics create")
    places = [TopicPartition(topic, number) for topic in topics for number in there[topic].partitions]
    found = []
    for place in consumer.committed(places, timeout=TIMEOUT_S):
        if place.error is not None:  # its offset is none
            raise TryAgain(f"the history's lag is not known: {place.topic} partition {place.partition}: {place.error.str()}")
        first, end = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        found.append(_Spot(place.topic, place.partition, place.offset, first, end))
    return found


def _oldest(consumer: Any, behind: Sequence[_Spot]) -> dict[tuple[str, int], Millis]:
    """The time of the next record of each of these."""
    from confluent_kafka import TopicPartition

    found: dict[tuple[str, int], Millis] = {}
    if not behind:
        return found
    consumer.assign([TopicPartition(spot.topic, spot.partition, spot.next) for spot in behind])
    for _ in range(LOOKS):
        for message in consumer.consume(len(behind), timeout=0.1):
            if message.error() is None:
                place = TopicPartition(message.topic(), message.partition())
                found.setdefault((place.topic, place.partition), message.timestamp()[1])
                consumer.pause([place])
        if len(found) == len(behind):
            return found
    # Without its time a record that waits would pass for a new one, and nobody would be warned.
    raise TryAgain(f"Kafka did not give the next record of {len(behind) - len(found)} of {len(behind)} partitions within {LOOKS / 10:g} s")


def _retention(settings: Settings, topics: Sequence[str]) -> dict[str, Millis | None]:
    from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

    admin = client(AdminClient, client_config(settings) | {"log_level": 0}, logger=quiet())  # held until it has answered
    asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics], request_timeout=TIMEOUT_S)
    found: dict[str, Millis | None] = {}
    for resource, outcome in asked.items():
        kept = int(outcome.result()["retention.ms"].value)
        found[resource.name] = kept if kept >= 0 else None
    return found
