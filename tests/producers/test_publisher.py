"""Acknowledgements counted right, and patience with a Kafka that is away."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from producers.memory import MemoryPublisher
from producers.publisher import KafkaPublisher, Publisher, Shipment
from producers.translation import Record

RECORDS = [Record("logs.http", b"1", None), Record("logs.dlq", b"2", None), Record("logs.http", b"3", "session")]


class FailedForGood:
    """librdkafka's error, as far as it is looked at."""

    def __init__(self, code: int, fatal: bool = False) -> None:
        self._code, self._fatal = code, fatal

    def code(self) -> int:
        return self._code

    def fatal(self) -> bool:
        return self._fatal

    def str(self) -> str:
        return "broken"


def test_shipment_is_settled_by_its_last_acknowledgement() -> None:
    """Whether the broker is quicker or slower than the handing over: settled once, after all."""
    settled: list[str] = []
    quick, slow = (Shipment(lambda name=name: settled.append(name), lambda error: None) for name in ("quick", "slow"))  # type: ignore[misc]

    quick.add(1)
    quick.delivered(None, None)
    quick.add(1)
    quick.delivered(None, None)
    before = list(settled)
    quick.close()
    slow.add(2)
    slow.close()
    slow.delivered(None, None)
    between = list(settled)
    slow.delivered(None, None)

    assert (before, between, settled) == ([], ["quick"], ["quick", "slow"])


def test_shipment_without_records_is_settled_at_once() -> None:
    """A chunk of blank lines is done with: the checkpoint moves over it."""
    settled: list[int] = []

    Shipment(lambda: settled.append(1), lambda error: None).close()

    assert settled == [1]


def test_record_that_failed_for_good_settles_nothing() -> None:
    """What Kafka refused has not arrived: the checkpoint stays before it, whatever arrives after."""
    settled: list[int] = []
    wrong: list[object] = []
    shipment = Shipment(lambda: settled.append(1), wrong.append)

    shipment.add(2)
    shipment.close()
    shipment.delivered(FailedForGood(29), None)
    shipment.delivered(None, None)

    assert (settled, len(wrong)) == ([], 1)


@pytest.fixture
def nowhere() -> tuple[KafkaPublisher, list[str]]:
    said: list[str] = []
    return KafkaPublisher(Settings(bootstrap_servers="127.0.0.1:9"), said.append), said


def test_kafka_that_is_away_is_waited_for(nowhere: tuple[KafkaPublisher, list[str]]) -> None:
    """A producer that finds no broker says so once and goes on asking, until it is told to stop."""
    publisher, said = nowhere
    answers = iter([True, False])

    cluster = publisher.connect(lambda: next(answers))

    assert cluster is None
    assert publisher.away()
    assert [text for text in said if "away" in text] == [
        "Kafka at 127.0.0.1:9 is away (Failed to get metadata: Local: Broker transport failure): waiting, nothing is lost"
    ]


@pytest.mark.parametrize(
    ("code", "error", "what"), [(3, WrongSettings, "topics create"), (10, WrongSettings, "max.message.bytes"), (29, Refused, "broken")]
)
def test_failures_that_stay_stop_the_producer(
    nowhere: tuple[KafkaPublisher, list[str]], code: int, error: type[Exception], what: str
) -> None:
    """A topic that vanished, one that takes no batches, a right that is missing: the next poll says so and what to do."""
    publisher, _ = nowhere
    publisher._failed(FailedForGood(code))

    with pytest.raises(error, match=what):
        publisher.poll(0)


class SaysNo:
    """A librdkafka producer that refuses a record at once."""

    def __init__(self, code: int, fatal: bool = False) -> None:
        self.error, self.polled = FailedForGood(code, fatal), 0

    def produce(self, *_: Any, **__: Any) -> None:
        raise KafkaException(self.error)

    def poll(self, seconds: float) -> None:
        self.polled += 1


@pytest.mark.parametrize(
    ("code", "fatal", "error", "what"),
    [
        (KafkaError._UNKNOWN_PARTITION, False, WrongSettings, "topics create"),
        (KafkaError._UNKNOWN_TOPIC, False, WrongSettings, "topics create"),
        (KafkaError._FATAL, True, Refused, "sends again"),
    ],
)
@pytest.mark.parametrize("verb", ["send", "beat"])
def test_refusal_at_once_is_one_on_delivery(
    nowhere: tuple[KafkaPublisher, list[str]], verb: str, code: int, fatal: bool, error: type[Exception], what: str
) -> None:
    """What librdkafka refuses before it is sent ends in the same message, and settles nothing."""
    publisher, _ = nowhere
    publisher._producer, publisher._partitions = SaysNo(code, fatal), [("logs.http", 0)]  # type: ignore[assignment]
    settled: list[int] = []

    with pytest.raises(error, match=what):
        publisher.beat(b"") if verb == "beat" else publisher.send(RECORDS, lambda: settled.append(1), lambda: True)

    assert settled == []


def test_each_sending_takes_in_acknowledgements(nowhere: tuple[KafkaPublisher, list[str]]) -> None:
    """A busy producer that never waits still hears what has arrived."""
    publisher, _ = nowhere
    publisher._producer = twin = SaysNo(0)  # type: ignore[assignment]

    publisher.send([], lambda: None, lambda: True)

    assert twin.polled == 1


def test_memory_twin_keeps_the_contract() -> None:
    """The twin settles what it was given, in the order the test wants, and counts what it holds back."""
    publisher = MemoryPublisher(hold=True)
    twin: Publisher = publisher
    settled: list[Any] = []

    twin.send(RECORDS, lambda: settled.append("first"), lambda: True)
    twin.send(RECORDS[:1], lambda: settled.append("second"), lambda: True)
    held = twin.in_flight()
    publisher.acknowledge(1)
    publisher.acknowledge(0)

    assert (held, settled, twin.in_flight()) == (4, ["second", "first"], 0)
    assert publisher.records == [*RECORDS, RECORDS[0]]
