"""Listens to the topics that the demo shows: `alerts` and `summaries`, from their beginning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from deploy.local.demo.traffic import Second
from logverse.alert import Alert
from logverse.errors import Malformed
from logverse.kafka import client, client_config
from logverse.settings import Settings
from logverse.topic_reader import quiet
from logverse.topics import TOPICS


class Listener:
    """Gives what is said, each transition of an alert once, however often the job repeats it. Consumes nothing for anybody."""

    def __init__(self, settings: Settings) -> None:
        config = client_config(settings, group_id="logverse-demo", enable_auto_commit=False, fetch_wait_max_ms=50)
        self._consumer = client(Consumer, config, logger=quiet())  # its own complaints would be printed over the screen
        topics = [(name, number) for name in ("alerts", "summaries") for number in range(TOPICS[name].partitions)]
        self._consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in topics])
        self._known: set[str] = set()

    def hear(self, timeout_s: float) -> Iterator[Alert | Second]:
        """What has been said since the last call; waits for it at most so long. A Kafka that is away says nothing."""
        for message in self._consumer.consume(500, timeout=timeout_s):
            if message.error() is None:
                with suppress(Malformed):  # the alert sink sets it aside
                    yield from self._noun(message)

    def close(self) -> None:
        self._consumer.close()

    def _noun(self, message: Message) -> Iterator[Alert | Second]:
        value = message.value() or b""
        if message.topic() == "summaries":
            yield Second.from_json(value)
            return
        alert = Alert.from_json(value)
        if alert.transition_id not in self._known:
            self._known.add(alert.transition_id)
            yield alert
