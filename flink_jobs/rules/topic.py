"""The rules in force, on the compacted topic `rules`, and what the job says of them on `rules.status`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from confluent_kafka import Consumer, KafkaException, TopicPartition

from flink_jobs.rules.confirmation import LastSaid
from logverse.errors import Malformed, Refused, TryAgain
from logverse.kafka import client, client_config
from logverse.rule import Rule
from logverse.rule_status import ReachStatus, RuleStatus, read_status
from logverse.settings import Settings
from logverse.topic_reader import quiet, read_to_end
from logverse.topic_writer import translated, write
from logverse.topics import named

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


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
    write(settings, "rules", [(rule.name, rule.to_json()) for rule in rules])


def announce(settings: Settings, status: ReachStatus) -> None:
    """Writes what a job that was just submitted can see. TryAgain, Refused."""
    write(settings, "rules.status", [(status.job, status.to_json())])


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
        self._consumer = client(Consumer, config, logger=quiet())
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
                raise translated(error, self._topic)
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
                raise translated(error.args[0], topic) from error
            consumer.poll(0.1)
