"""Brings a Kafka into the shape that `logverse.topics` describes: create what is missing, name what differs, count what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from logverse.errors import Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topics import DAY, LOGS, TOPICS, Topic, named

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A topic as the broker has it."""

    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a topic differs from what it must be, and what mends it."""

    topic: str
    problem: str
    remedy: str


def differences(wanted: Mapping[str, Topic], there: Mapping[str, Shape]) -> list[Difference]:
    """What of the wanted topics (by full name) is missing or other than it must be. More partitions than wanted are as good."""
    found = []
    for name, topic in wanted.items():
        shape = there.get(name)
        if shape is None:
            found.append(Difference(name, "does not exist", "logverse topics create"))
            continue
        if shape.partitions < topic.partitions:
            problem = f"has {shape.partitions} partitions, wants {topic.partitions}"
            found.append(Difference(name, problem, f"kafka-topics --alter --topic {name} --partitions {topic.partitions}"))
        found += _config_differences(name, topic, shape)
    return found


def _config_differences(name: str, topic: Topic, shape: Shape) -> list[Difference]:
    found = []
    for key, value in topic.config.items():
        if shape.config.get(key) != value:
            remedy = f"kafka-configs --alter --entity-type topics --entity-name {name} --add-config {key}={value}"
            found.append(Difference(name, f"{key} is {shape.config.get(key, 'not set')}, wants {value}", remedy))
    return found


def wanted(prefix: str) -> dict[str, Topic]:
    """The topics of this prefix's set by their full names."""
    return {named(name, prefix): topic for name, topic in TOPICS.items()}


def create(
    settings: Settings, sleep: Callable[[float], None] = time.sleep, monotonic: Callable[[], float] = time.monotonic,
    only: Mapping[str, Topic] | None = None,
) -> list[str]:  # fmt: skip
    """Create the topics that are missing and leave the others alone; the new names, once they can be used. TryAgain, Refused.

    `only`: these (by full name) instead of all that the prefix's set has.
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

    admin, made = _admin(settings), []
    present = _metadata(admin, settings).topics
    missing = {name: topic for name, topic in (only or wanted(settings.topic_prefix)).items() if name not in present}
    new = [NewTopic(name, num_partitions=topic.partitions, config=dict(topic.config)) for name, topic in missing.items()]
    for name, outcome in (admin.create_topics(new, request_timeout=TIMEOUT_S) if new else {}).items():
        try:
            outcome.result()
            made.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was as quick
                raise _translated(error, f"topic {name} cannot be created") from error
    _until_seen(admin, settings, missing, sleep, monotonic)
    return made


def _until_seen(
    admin: Any, settings: Settings, names: Iterable[str], sleep: Callable[[float], None], monotonic: Callable[[], float]
) -> None:
    """The controller has made them; the brokers that clients ask hear of it a moment later. TryAgain when they do not."""
    until = monotonic() + TIMEOUT_S
    while unseen := [name for name in names if name not in _metadata(admin, settings).topics]:
        if monotonic() > until:
            raise TryAgain(f"Kafka made {unseen[0]} and does not show it yet")
        sleep(0.1)


def verify(settings: Settings) -> list[Difference]:
    """How the topics of this Kafka differ from what they must be; empty when all is well. TryAgain, Refused."""
    names = wanted(settings.topic_prefix)
    return differences(names, shapes(settings, list(names)))


def shapes(settings: Settings, names: list[str]) -> dict[str, Shape]:
    """The topics among these names that exist, as they are."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined]

    admin = _admin(settings)
    found = {name: topic for name, topic in _metadata(admin, settings).topics.items() if name in names}
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in found]
    configs = {}
    for resource, outcome in (admin.describe_configs(asked, request_timeout=TIMEOUT_S) if asked else {}).items():
        try:
            configs[resource.name] = {key: entry.value for key, entry in outcome.result().items()}
        except KafkaException as error:
            raise _translated(error, f"configuration of {resource.name} cannot be read") from error
    return {name: Shape(len(topic.partitions), configs[name]) for name, topic in found.items()}


def records(settings: Settings, partitions: Mapping[str, int]) -> dict[str, int]:
    """Offsets between first and next of all partitions, a topic: its records, or more where compaction or transactions left holes."""
    from confluent_kafka import KafkaException, TopicPartition
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

    admin, counts = _admin(settings), dict.fromkeys(partitions, 0)
    spots = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
    latest, earliest = OffsetSpec.latest(), OffsetSpec.earliest()  # type: ignore[no-untyped-call]
    for spec, sign in ((latest, 1), (earliest, -1)):
        for spot, outcome in (admin.list_offsets(dict.fromkeys(spots, spec), request_timeout=TIMEOUT_S) if spots else {}).items():
            try:
                counts[spot.topic] += sign * outcome.result().offset
            except KafkaException as error:
                raise _translated(error, f"offsets of {spot.topic} cannot be read") from error
    return counts


def newest_append(settings: Settings) -> int:
    """The newest append time on the log topics, by the broker's clock, milliseconds UTC; 0 while they are empty. TryAgain, Refused."""
    from confluent_kafka import KafkaException, TopicPartition
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

    there = shapes(settings, [named(name, settings.topic_prefix) for name in LOGS.values()])
    spots = [TopicPartition(name, number) for name, shape in there.items() for number in range(shape.partitions)]
    newest = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
    admin = _admin(settings)  # held until it has answered: the futures of one that is gone never do
    answers = admin.list_offsets(dict.fromkeys(spots, newest), request_timeout=TIMEOUT_S) if spots else {}
    try:
        return max((0, *(int(outcome.result().timestamp) for outcome in answers.values())))  # an empty partition says -1
    except KafkaException as error:
        raise _translated(error, "append times cannot be read") from error


def listing(settings: Settings) -> list[dict[str, Any]]:
    """A row for every wanted topic: topic, purpose, partitions, kept, records; the last three empty for one that is missing."""
    topics = wanted(settings.topic_prefix)
    there = shapes(settings, list(topics))
    counts = records(settings, {name: shape.partitions for name, shape in there.items()})
    return [_row(name, topic.purpose, there.get(name), counts.get(name)) for name, topic in topics.items()]


def kept(config: Mapping[str, str]) -> str:
    """How long a topic keeps its records, in words.

    >>> kept({"cleanup.policy": "delete", "retention.ms": "604800000"}), kept({"cleanup.policy": "compact"})
    ('7 days', 'newest of each key')
    """
    if "compact" in config.get("cleanup.policy", ""):
        return "newest of each key"
    ms = int(config.get("retention.ms", -1))
    return f"{ms / DAY:g} days" if ms >= 0 else "for ever"


def _row(name: str, purpose: str, shape: Shape | None, count: int | None) -> dict[str, Any]:
    there = {"partitions": shape.partitions, "kept": kept(shape.config)} if shape else {"partitions": None, "kept": "missing"}
    return {"topic": name, **there, "records": count, "purpose": purpose}


def _admin(settings: Settings) -> Any:
    from confluent_kafka.admin import AdminClient

    return client(AdminClient, client_config(settings) | {"log_level": 0})


def _metadata(admin: Any, settings: Settings) -> Any:
    from confluent_kafka import KafkaException

    try:
        return admin.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        remedy = "logverse status; or name another: --bootstrap-servers HOST:PORT"
        raise TryAgain(f"no Kafka answers at {settings.bootstrap_servers}: {error.args[0].str()}\n  → {remedy}") from error


def _translated(error: Any, what: str) -> Exception:
    cause = error.args[0]
    return (TryAgain if cause.retriable() else Refused)(f"{what}: {cause.str()}")
