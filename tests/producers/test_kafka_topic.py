"""A topic with others' JSON: their shapes, identity, and offsets that are committed only after acknowledgement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, KafkaError, TopicPartition

from logverse import settings
from logverse.errors import WrongSettings
from producers import shapes
from producers.account import Account
from producers.checkpoint import Checkpoint
from producers.inputs import Input
from producers.memory import MemoryPublisher
from producers.order import InputOrder, Limits
from producers.producer import Pace, Producer
from producers.shapes import SHAPES
from producers.sources.addresses import understood
from producers.sources.given import Given
from producers.sources.kafka_topic import KafkaTopic, on_kafka
from producers.translation import Translator

NOON = 1_795_262_400_000


class Message:
    def __init__(self, value: bytes | None, offset: int, partition: int = 0) -> None:
        self._value, self._offset, self._partition = value, offset, partition

    def value(self) -> bytes | None:
        return self._value

    def offset(self) -> int:
        return self._offset

    def partition(self) -> int:
        return self._partition

    def timestamp(self) -> tuple[int, int]:
        return TIMESTAMP_CREATE_TIME, NOON + self._offset

    def error(self) -> Any:
        return None


class End(Message):
    """librdkafka's word that a partition was read to its end."""

    def __init__(self, partition: int) -> None:
        super().__init__(None, 0, partition)

    def error(self) -> Any:
        return KafkaError(KafkaError._PARTITION_EOF)


class Topic:
    """confluent_kafka's Consumer, in memory: gives out its messages once, in pieces of what is asked."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.committed: dict[int, int] = {}
        self.closed = False

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_revoke, self.on_assign = on_revoke, on_assign
        on_assign(None, [])

    def consume(self, number: int, timeout: float) -> list[Message]:
        piece, self.messages = self.messages[:number], self.messages[number:]
        return piece

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self.committed |= {one.partition: one.offset for one in offsets}

    def close(self) -> None:
        self.closed = True


class Desk:
    """A producer of one topic."""

    def __init__(self, folder: Path, shape: str = "auto", **more: Any) -> None:
        self.topic, self.publisher, self.account, self.now = Topic(), MemoryPublisher(), Account(), NOON
        order = InputOrder("shop", "shop", ("kafka://app",), folder / "shop.json", shape=shape, **more)
        checkpoint = Checkpoint(order.checkpoint)
        self.given = Given(
            order, understood(order.addresses), settings.load({"home": str(folder), "bootstrap_servers": "127.0.0.1:9"}, {}), Limits(),
            checkpoint, Translator("shop", "h", "json", self.account), self.account, lambda: self.now, print, lambda: None, "run", True,
        )  # fmt: skip
        self.source = KafkaTopic(self.given, self.topic, lambda: "T1")
        self.input = Input("shop", "shop", self.source, checkpoint, self.account)
        self.producer = Producer("shop", [self.input], self.publisher, Pace(lambda: self.now, lambda _: None), lambda: False)

    def put(self, *values: Any, partition: int = 0, first: int = 0) -> None:
        for offset, value in enumerate(values, first):
            data = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
            self.topic.messages.append(Message(data, offset, partition))

    def run(self, *values: Any, **more: Any) -> list[dict[str, Any]]:
        self.put(*values, **more)
        while self.producer._step():
            pass
        return [orjson.loads(record.value) for record in self.publisher.records]

    def one(self, value: Any) -> dict[str, Any]:
        return self.run(value)[-1]

    def look(self) -> None:
        self.now += 1000
        self.source.look()


def test_uid_is_topic_partition_and_offset(tmp_path: Path) -> None:
    """A record is the same event however often it is read; one that brings a uid along keeps it."""
    desk = Desk(tmp_path)

    events = desk.run({"message": "a"}, {"message": "b", "log.record.uid": "own-7"}, partition=3, first=41)

    assert [event["log.record.uid"] for event in events] == ["T1-3-41", "own-7"]
    assert [event["timestamp"] for event in events] == ["2026-11-21T12:00:00.041Z", "2026-11-21T12:00:00.042Z"]


@pytest.mark.parametrize("uid", ["jo@example.com password=hunter2", "u" * 101, "a\nb", "", 7])
def test_uid_that_is_none(tmp_path: Path, uid: Any) -> None:
    """What is no id, a secret or a whole text, does not become the event's key: it has that of its place."""
    assert Desk(tmp_path).one({"message": "a", "log.record.uid": uid})["log.record.uid"] == "T1-0-0"


def test_offsets_are_committed_after_acknowledgement_only(tmp_path: Path) -> None:
    """An offset is committed when everything before it has arrived, however late and in whatever order it does."""
    desk = Desk(tmp_path)
    desk.publisher.hold = True
    desk.run({"message": "a"}, {"message": "b"})
    desk.run({"message": "c"}, first=2)

    desk.publisher.acknowledge(1)
    desk.look()
    early = dict(desk.topic.committed)
    desk.publisher.acknowledge(0)
    desk.look()

    assert early == {}
    assert desk.topic.committed == {0: 3}


def test_partition_that_goes_to_another_is_committed_first(tmp_path: Path) -> None:
    """When a partition is taken away, what has arrived is committed, and what was read and not sent is left to the other."""
    desk = Desk(tmp_path)
    desk.run({"message": "a"})
    desk.put({"message": "b"}, first=1)
    assert desk.source.stands()

    desk.topic.on_revoke(None, [TopicPartition("app", 0)])

    assert desk.topic.committed == {0: 1}
    assert desk.source.stands() == []


def test_no_time_is_promised_before_the_backlog_is_read(tmp_path: Path) -> None:
    """Until a partition was read to its end its records are older than now: heartbeats hold back as long."""
    desk = Desk(tmp_path)
    desk.topic.on_assign(None, [TopicPartition("app", 0)])
    unknown = desk.source.stands()
    desk.put({"message": "a"})
    list(desk.source.take(NOON))
    known = desk.source.stands()
    desk.topic.messages.append(End(0))

    desk.source.stands()

    assert (unknown, known) == ([0], [NOON])
    assert desk.source.stands() == []


def test_told_to_stop_it_commits_what_has_arrived(tmp_path: Path) -> None:
    """The end waits for what is under way, commits it and leaves the group."""
    desk = Desk(tmp_path)
    desk.publisher.hold = True
    desk.run({"message": "a"})
    desk.publisher.poll = lambda seconds: desk.publisher.acknowledge() if desk.publisher.in_flight() else None  # type: ignore[method-assign]

    arrived = desk.producer.drain()
    desk.source.release()

    assert arrived
    assert (desk.topic.committed, desk.topic.closed) == ({0: 1}, True)


def test_what_is_no_json_is_a_dead_letter_with_its_place(tmp_path: Path) -> None:
    """Garbage goes to logs.dlq with topic, partition and offset; a tombstone is nothing; both are passed."""
    desk = Desk(tmp_path)

    letter = desk.run(b"\xff garbage", None, b"[1]")[0]
    desk.look()

    assert letter["origin"] == {"topic": "app", "partition": 0, "offset": 0}
    assert (desk.account.lines, desk.account.blank, dict(desk.account.dead_letters)) == (3, 1, {"not JSON": 1, "not a JSON object": 1})
    assert desk.topic.committed == {0: 3}


EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "auto": ({"ts": 1_795_262_400, "level": "warn", "msg": "disk"}, {"severity_text": "WARN", "body": "disk"}),
    "ecs": (
        {"@timestamp": "2026-11-21T12:00:00Z", "log": {"level": "error", "file": {"path": "/var/log/a"}}, "message": "no",
         "error": {"type": "IOError"},
         "service": {"name": "pay"}, "host": {"name": "h7"}, "event": {"original": "raw"}},
        {"service.name": "pay", "exception.type": "IOError", "log.file.path": "/var/log/a", "host.name": "h7",
         "log.record.original": "raw"},
    ),
    "otel": (
        {"timeUnixNano": "1795262400000000000", "severityNumber": 17, "body": {"stringValue": "no"},
         "resource": {"attributes": {"service.name": "pay"}}},
        {"service.name": "pay", "severity_text": "ERROR", "body": "no"},
    ),
    "nginx-json": (
        {"time_iso8601": "2026-11-21T13:00:00+01:00", "remote_addr": "10.0.0.7", "request_method": "GET", "request_uri": "/pay?x=1",
         "status": "502",
         "request_time": "0.25", "server_name": "shop.example"},
        {"log.type": "http", "service.name": "shop.example", "http.response.status_code": 502,
         "url.path": "/pay", "http.server.request.duration": 0.25},
    ),
    "kubernetes": (
        {"@timestamp": "2026-11-21T12:00:00Z", "log": '{"level":"error","msg":"inner","user_id":"u7"}\n', "stream": "stderr",
         "kubernetes": {"pod_name": "pay-7f", "namespace_name": "shop", "container_name": "pay", "host": "node-1",
                        "labels": {"app": "pay-api"}}},
        {"service.name": "pay-api", "host.name": "node-1", "body": "inner", "severity_text": "ERROR", "user.id": "u7"},
    ),
    "vector": (
        {"timestamp": "2026-11-21T12:00:00Z", "host": "h7", "file": "/var/log/a", "source_type": "file", "message": "plain words"},
        {"host.name": "h7", "log.file.path": "/var/log/a", "body": "plain words"},
    ),
    "fluent-bit": (
        {"date": 1_795_262_400.25, "log": "plain words", "kubernetes": {"container_name": "pay", "pod_name": "pay-7f"}},
        {"service.name": "pay", "body": "plain words", "timestamp": "2026-11-21T12:00:00.250Z"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_known_by_name(tmp_path: Path, shape: str) -> None:
    """Each shape that has a name finds time, line, host and service where its writer puts them."""
    record, expected = EXAMPLES[shape]

    event = Desk(tmp_path, shape).one(record)

    assert {name: event.get(name) for name in expected} == expected
    assert event["timestamp"].startswith("2026-11-21T12:00:00")


def test_collector_puts_many_records_into_one(tmp_path: Path) -> None:
    """What the OpenTelemetry collector writes as JSON is as many events, each with a uid of its own."""
    records = [{"timeUnixNano": "1795262400000000000", "body": {"stringValue": text}} for text in ("one", "two")]

    events = Desk(tmp_path, "otel").run({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})

    assert [(event["body"], event["log.record.uid"]) for event in events] == [("one", "T1-0-0"), ("two", "T1-0-0-1")]


def test_line_within_is_read_by_its_form(tmp_path: Path) -> None:
    """With --type the body is a line of that form: an access log in Fluent Bit's envelope is http, and keeps its pod."""
    line = '10.0.0.7 - - [21/Nov/2026:12:00:05 +0000] "GET /pay HTTP/1.1" 503 7 "-" "curl/8" 0.01'

    event = Desk(tmp_path, "fluent-bit", log_type="access").one({"log": line, "kubernetes": {"pod_name": "web-1"}})

    assert (event["log.type"], event["http.response.status_code"], event["timestamp"]) == ("http", 503, "2026-11-21T12:00:05.000Z")
    assert event["attributes"]["k8s.pod.name"] == "web-1"


def test_own_field_map(tmp_path: Path) -> None:
    """A YAML file of field names goes before what is known; a slip in one of our names is found."""
    (tmp_path / "map.yaml").write_text("when: timestamp\nctx.who: user.id\napp: service.name\ncolour: paint.colour\n")
    (tmp_path / "slip.yaml").write_text("when: timestamps\n")

    event = Desk(tmp_path, field_map=shapes.field_map(tmp_path / "map.yaml")).one(
        {"when": 1_795_262_400, "ctx": {"who": "u7"}, "app": "pay", "colour": "red", "msg": "x"}
    )

    assert (event["timestamp"], event["user.id"], event["service.name"]) == ("2026-11-21T12:00:00.000Z", "u7", "pay")
    assert event["attributes"]["paint.colour"] == "red"
    with pytest.raises(WrongSettings, match="timestamps"):
        shapes.field_map(tmp_path / "slip.yaml")


def test_mistakes_are_named(tmp_path: Path) -> None:
    """A shape that is none, and a topic that we write to ourselves."""
    with pytest.raises(WrongSettings) as slip:
        Desk(tmp_path, "ecss")
    desk = Desk(tmp_path)
    own = Given(*[understood(["kafka://logs.http"]) if name == "address" else getattr(desk.given, name) for name in Given.__slots__])

    with pytest.raises(WrongSettings) as loop:
        on_kafka(own)

    assert slip.value.remedy == "did you mean ecs?"
    assert "LogVerse's own" in loop.value.problem
