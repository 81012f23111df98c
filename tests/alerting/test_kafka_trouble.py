"""What the sink says and does when Kafka does not want it. No server: librdkafka's reports are handed in."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from alerting.configuration import CONSOLE_ONLY
from alerting.kafka_log import KafkaNotificationLog
from alerting.message import Notification
from alerting.notification_log import Record
from alerting.service import Service
from logverse.errors import Refused
from logverse.settings import Settings
from tests.alerting.stand_ins import NOON, alert

SETTINGS = Settings(bootstrap_servers="127.0.0.1:1")


class Broken:
    """A producer that gave up for good, as an idempotent one does after an answer out of sequence."""

    def produce(self, *_: Any, **__: Any) -> None:
        raise KafkaException(KafkaError(KafkaError._FATAL, "out of sequence", fatal=True))

    def poll(self, _: float) -> None: ...


def test_a_producer_beyond_repair_ends_the_process() -> None:
    """Only a new one can write: the supervisor starts it, instead of a warning each second for ever."""
    log = KafkaNotificationLog(SETTINGS, stopping=lambda: False, clock=lambda: NOON)
    log._producer = Broken()

    with pytest.raises(Refused, match="out of sequence"):
        log.append(Record.of(Notification(alert(), "ops", "console"), "delivered", 1, NOON))


@pytest.mark.parametrize(("code", "setting"), [(KafkaError._AUTHENTICATION, "sasl_password_file"), (KafkaError._SSL, "ssl_ca_file")])
def test_wrong_credentials_are_named_once(caplog: pytest.LogCaptureFixture, code: int, setting: str) -> None:
    """With the setting to mend, however often librdkafka tries; and again after it had worked."""
    service = Service(SETTINGS, CONSOLE_ONLY)
    caplog.set_level(logging.WARNING)

    for _ in range(3):
        service._troubled(KafkaError(code))
    once = [record.getMessage() for record in caplog.records]
    service._heard()
    service._troubled(KafkaError(code))

    assert len(once) == 1
    assert setting in once[0]
    assert len(caplog.records) == 2
