"""The ids that Kafka gave topics: part of the identity of records without one, since a topic made anew starts at offset 0 again."""

from __future__ import annotations

from collections.abc import Iterable

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.kafka import client, client_config
from logverse.settings import Settings, brokers
from logverse.topic_reader import quiet

TIMEOUT_S = 15.0


def topic_ids(settings: Settings, topics: Iterable[str]) -> dict[str, str]:
    """By full name. TryAgain while Kafka is away; WrongSettings when one of them does not exist."""
    from confluent_kafka import KafkaError, KafkaException, TopicCollection
    from confluent_kafka.admin import AdminClient

    admin = client(AdminClient, client_config(settings) | {"log_level": 0}, logger=quiet())  # held until it has answered
    found = {}
    for name, outcome in admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_S).items():
        try:
            found[name] = str(outcome.result().topic_id)
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise WrongSettings(f"topic {name} does not exist", remedy="logverse topics create") from error
            said = f"{brokers(settings)}: {name} cannot be described: {cause.str()}"
            raise (TryAgain if cause.retriable() or cause.code() < 0 else Refused)(said) from error
    return found
