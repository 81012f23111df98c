"""Takes a set of topics away that was made for a while, and the consumer groups that read them."""

from __future__ import annotations

from typing import Any

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet

TIMEOUT_S = 15.0


def remove(settings: Settings, prefix: str) -> list[str]:
    """Delete every topic and every consumer group whose name begins with `prefix` and a dot; the topics' names. TryAgain, Refused.

    WrongSettings for an empty prefix: that would be everything.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    if not prefix:
        raise WrongSettings("no prefix", where="remove", remedy="name the set that is to go")
    admin = client(AdminClient, client_config(settings) | {"log_level": 0}, logger=quiet())  # held until it has answered
    try:
        names = sorted(name for name in admin.list_topics(timeout=TIMEOUT_S).topics if name.startswith(f"{prefix}."))
        _settle(admin.delete_topics(names, request_timeout=TIMEOUT_S) if names else {}, "UNKNOWN_TOPIC_OR_PART")
        groups = admin.list_consumer_groups(request_timeout=TIMEOUT_S).result().valid
        ours = [one.group_id for one in groups or () if one.group_id.startswith(f"{prefix}.")]
        _settle(admin.delete_consumer_groups(ours, request_timeout=TIMEOUT_S) if ours else {}, "GROUP_ID_NOT_FOUND")
    except KafkaException as error:
        raise TryAgain(f"Kafka is away: {error.args[0].str()}") from error
    return names


def _settle(outcomes: dict[str, Any], gone: str) -> None:
    """What is gone already is as good as deleted."""
    from confluent_kafka import KafkaException

    for name, outcome in outcomes.items():
        try:
            outcome.result()
        except KafkaException as error:
            cause = error.args[0]
            if cause.name() != gone:
                raise (TryAgain if cause.retriable() else Refused)(f"{name} cannot be deleted: {cause.str()}") from error
