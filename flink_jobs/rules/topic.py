"""The rules in force, on the compacted topic `rules`, and what the job says of them on `rules.status`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from flink_jobs.rules.confirmation import LastSaid
from logverse.errors import Malformed, Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.rule import Rule
from logverse.rule_status import ReachStatus, RuleStatus, read_status
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import named

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
# The settings or rights are wrong, or the record is: trying again would not help.
_FINAL = {
    KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._UNKNOWN_TOPIC,
    KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION, KafkaError.POLICY_VIOLATION, KafkaError.INVALID_RECORD,
}  # fmt: skip


def snapshot(settings: Settings) -> dict[str, Rule]:
    """The rules on the topic, by name, paused ones too, deleted ones not. TryAgain, Refused.

    A record that is no rule is logged and left out: it must not keep the others from being run.
    """
    rules: dict[str, Rule] = {}
    for message in read_to_end(settings, named("rules", settings.topic_prefix), TIMEOUT_S):
        try:
            rule = Rule.from_json(message.value() or b"")
        except Malformed as error:
            log.warning("record on topic rules left out: offset %s: %s", message.offset(), error)
            continue
        rules[rule.name] = rule
    return {name: rule for name, rule in rules.items() if not rule.deleted}


def publish(settings: Settings, rules: Iterable[Rule]) -> None:
    """Writes these rules, all acknowledged when it returns. A deletion is a rule with `deleted`. TryAgain, Refused."""
    _write(settings, "rules", [(rule.name, rule.to_json()) for rule in rules])


def announce(settings: Settings, status: ReachStatus) -> None:
    """Writes what a job that was just submitted can see. TryAgain, Refused."""
    _write(settings, "rules.status", [(status.job, status.to_json())])


def _write(settings: Settings, name: str, records: Iterable[tuple[str, bytes]]) -> None:
    problems: list[KafkaError] = []
    config = client_config(settings, enable_idempotence=True, message_timeout_ms=int(TIMEOUT_S * 1000))
    producer = client(Producer, config, logger=_silent())
    topic = named(name, settings.topic_prefix)
    try:
        for key, value in records:
            producer.produce(topic, value, key, on_delivery=lambda error, _: problems.append(error) if error else None)
        unsent = producer.flush(TIMEOUT_S + 1)
    except KafkaException as error:
        raise _translated(error.args[0], topic) from error
    if problems:
        raise _translated(problems[0], topic)
    if unsent:
        raise TryAgain(f"Kafka did not acknowledge {unsent} records of {topic}; run it again: the same written twice is the same")


def last_said(settings: Settings) -> LastSaid:
    """Everything on `rules.status`, digested. TryAgain, Refused."""
    return LastSaid.of(_statuses(settings))


def _statuses(settings: Settings) -> Iterator[RuleStatus | ReachStatus]:
    for message in read_to_end(settings, named("rules.status", settings.topic_prefix), TIMEOUT_S):
        if (status := _status(message.value())) is not None:
            yield status


def _status(value: bytes | None) -> RuleStatus | ReachStatus | None:
    try:
        return read_status(value or b"")
    except Malformed as error:
        log.warning("record on topic rules.status left out: %s", error)
        return None


class StatusTail:
    """What is written to `rules.status` from now on. A context manager; TryAgain, Refused."""

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._topic, self._monotonic = named("rules.status", settings.topic_prefix), monotonic
        config = client_config(settings, group_id="logverse-reader", enable_auto_commit=False, fetch_wait_max_ms=50)
        self._consumer = client(Consumer, config, logger=_silent())
        try:
            self._consumer.assign([TopicPartition(self._topic, 0, end_of(self._consumer, self._topic, monotonic))])
        except (TryAgain, Refused):
            self._consumer.close()
            raise

    def new(self, timeout_s: float) -> Iterator[RuleStatus]:
        """Statuses of rules as they come, for this long; stop iterating to stop waiting."""
        until = self._monotonic() + timeout_s
        while (left := until - self._monotonic()) > 0:
            message = self._consumer.poll(min(left, 0.2))
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise _translated(error, self._topic)
            status = _status(message.value())
            if isinstance(status, RuleStatus):
                yield status

    def __enter__(self) -> StatusTail:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._consumer.close()


def end_of(consumer: Consumer, topic: str, monotonic: Callable[[], float] = time.monotonic) -> int:
    """Where a topic of one partition ends now. One that was just created is unknown or leaderless for a moment: that is waited out."""
    until = monotonic() + TIMEOUT_S
    while True:
        try:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT_S)
            return int(end)
        except KafkaException as error:
            if monotonic() > until:
                raise _translated(error.args[0], topic) from error
            consumer.poll(0.1)


def _translated(error: KafkaError, topic: str) -> Exception:
    if error.code() in _FINAL:
        return Refused(f"{topic}: {error.str()}\n  → logverse topics verify")
    return TryAgain(f"Kafka is away: {error.str()}")


def _silent() -> logging.Logger:
    """librdkafka would print its own complaints to the terminal; ours are raised."""
    quiet = logging.Logger("librdkafka")
    quiet.addHandler(logging.NullHandler())
    return quiet
