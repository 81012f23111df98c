"""Records written to a topic, each acknowledged: for those that change a topic's memory by hand (rules, feedback, inventory, models)."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer

from logverse.errors import Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet
from logverse.topics import named

TIMEOUT_S = 10.0
# The settings or rights are wrong, or the record is: trying again would not help.
_FINAL = {
    KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._UNKNOWN_TOPIC,
    KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION, KafkaError.POLICY_VIOLATION, KafkaError.INVALID_RECORD,
}  # fmt: skip


def write(settings: Settings, name: str, records: Iterable[tuple[str, bytes]]) -> None:
    """Writes these (key, value) to the topic of this short name; all are acknowledged when it returns. TryAgain, Refused."""
    problems: list[KafkaError] = []
    config = client_config(settings, enable_idempotence=True, message_timeout_ms=int(TIMEOUT_S * 1000))
    producer = client(Producer, config, logger=quiet())
    topic = named(name, settings.topic_prefix)
    try:
        for key, value in records:
            producer.produce(topic, value, key, on_delivery=lambda error, _: problems.append(error) if error else None)
            producer.poll(0)
        unsent = producer.flush(TIMEOUT_S + 1)
    except KafkaException as error:
        raise translated(error.args[0], topic) from error
    if problems:
        raise translated(problems[0], topic)
    if unsent:
        raise TryAgain(f"Kafka did not acknowledge {unsent} records of {topic}; run it again: the same written twice is the same")


def translated(error: KafkaError, topic: str) -> Exception:
    """What to do about a client's error with this topic."""
    if error.code() in _FINAL:
        return Refused(f"{topic}: {error.str()}\n  → logverse topics verify")
    return TryAgain(f"Kafka is away: {error.str()}")
