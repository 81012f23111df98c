"""OTLP over HTTP and gRPC: OpenTelemetry's own client, answers only after Kafka's, repetitions, what is turned away."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from producers.order import Limits
from producers.sources import exports, otlp_http

from .station import Station, wait_until
from .test_tls import Authority

NANOSECONDS = 1_795_262_400_000_000_000  # 2026-11-21T12:00:00Z


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def exporter(station: Station, transport: str) -> Any:
    if transport == "grpc":
        return GrpcExporter(endpoint=f"http://127.0.0.1:{station.port}", insecure=True)
    return HttpExporter(endpoint=f"http://127.0.0.1:{station.port}/v1/logs")


def log(station: Station, transport: str, count: int) -> LoggerProvider:
    """As an application does: a logging handler, a batch processor."""
    provider = LoggerProvider(Resource({"service.name": "shop", "host.name": "shop-1", "k8s.pod.name": "shop-7f"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter(station, transport), schedule_delay_millis=50))
    logger = logging.Logger("shop.pay")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    for n in range(count):
        logger.error("payment %d failed", n, extra={"user.id": "u7", "http.response.status_code": 503})
    return provider


def request(body: str = "hello", time: int = NANOSECONDS, **more: Any) -> dict[str, Any]:
    record = {"timeUnixNano": str(time), "severityNumber": 17, "body": {"stringValue": body}, **more}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "lib"}, "logRecords": [record]}]}]}


def post(station: Station, body: bytes, kind: str = "application/json", path: str = "/v1/logs", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", station.port, timeout=20)
    connection.request("POST", path, body, {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_sdk_of_opentelemetry(station: Station, transport: str) -> None:
    """An application with OpenTelemetry's SDK needs no more than our address: every record is there, with its meaning."""
    station.start(f"otlp+{transport}://127.0.0.1:0")

    log(station, transport, 2000).shutdown()

    events = station.events()
    assert sorted(station.bodies()) == sorted(f"payment {n} failed" for n in range(2000))
    assert len({event["log.record.uid"] for event in events}) == 2000
    one = events[0]
    assert (one["service.name"], one["host.name"], one["severity_text"], one["log.type"]) == ("shop", "shop-1", "ERROR", "http")
    assert (one["user.id"], one["http.response.status_code"]) == ("u7", 503)
    assert one["attributes"]["k8s.pod.name"] == "shop-7f"


def test_protobuf_and_json_are_the_same_event(station: Station) -> None:
    """Both encodings, plain and gzip, mean the same, ids included as hexadecimal."""
    station.start("otlp://127.0.0.1:0")
    trace, span = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
    as_json = request(traceId=trace, spanId=span, attributes=[{"key": "n", "value": {"intValue": "7"}}])
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add()
    scope.resource.attributes.add(key="service.name").value.string_value = "shop"
    records = scope.scope_logs.add()
    records.scope.name = "lib"
    record = records.log_records.add(time_unix_nano=NANOSECONDS, severity_number=17)
    record.body.string_value, record.trace_id, record.span_id = "hello", bytes.fromhex(trace), bytes.fromhex(span)
    record.attributes.add(key="n").value.int_value = 7

    first = post(station, json.dumps(as_json).encode())
    second = post(station, gzip.compress(message.SerializeToString()), "application/x-protobuf", Content_Encoding="gzip")

    assert (first, second) == ((200, b"{}"), (200, b""))
    one, other = (
        {name: value for name, value in event.items() if name not in ("log.record.uid", "observed_timestamp")} for event in station.events()
    )
    assert one == other
    assert (one["trace_id"], one["span_id"], one["attributes"]) == (trace, span, {"n": 7, "otel.scope.name": "lib"})
    assert one["timestamp"] == "2026-11-21T12:00:00.000Z"


def test_small_request_of_many_attributes_is_refused(station: Station) -> None:
    """Attributes of a resource count with each of its records: 60 KB that would be a million attributes are refused, and others go on."""
    station.start("otlp://127.0.0.1:0")
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add()
    for number in range(1_000):
        scope.resource.attributes.add(key=f"a{number}").value.int_value = 1
    records = scope.scope_logs.add()
    for _ in range(1_000):
        records.log_records.add(time_unix_nano=NANOSECONDS)

    refused = post(station, message.SerializeToString(), "application/x-protobuf")
    taken = post(station, json.dumps(request()).encode())

    assert (refused[0], taken[0]) == (400, 200)
    assert len(station.events()) == 1


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_no_answer_before_kafka_has_it(station: Station, transport: str) -> None:
    """As long as Kafka has not confirmed, the sender waits; a repetition meanwhile brings nothing twice, and both are answered."""
    station.publisher.hold = True
    station.start(f"otlp+{transport}://127.0.0.1:0")
    data = json.dumps(request()).encode()
    answers: list[Any] = []

    def send() -> None:
        if transport == "http":
            return answers.append(post(station, data)[0])
        with grpc.insecure_channel(f"127.0.0.1:{station.port}") as channel:
            call = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
            answers.append(call(protobuf(), timeout=20))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(station.publisher.records) == 1, "the record")
    wait_until(lambda: waiting(station) == 2, "the second request")
    early = list(answers)
    station.publisher.acknowledge()
    for thread in threads:
        thread.join(20)

    assert early == []
    assert answers in ([200, 200], [b"", b""])
    assert len(station.publisher.records) == 1


def waiting(station: Station) -> int:
    assert station.running
    under_way = station.running.input.source._exports._under_way  # type: ignore[attr-defined]
    return sum(len(export.answers) for export in under_way.values())


def protobuf() -> bytes:
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=NANOSECONDS).body.string_value = "hello"
    return bytes(message.SerializeToString())


def test_repetition_is_the_same_event(station: Station) -> None:
    """What is sent again, byte for byte, has the same ids; records without a time are not taken for repetitions; a given id is kept."""
    station.start("otlp://127.0.0.1:0")
    timed, timeless = json.dumps(request()).encode(), json.dumps(request(time=0)).encode()
    given = json.dumps(request(attributes=[{"key": "log.record.uid", "value": {"stringValue": "01JD8"}}])).encode()

    for body in (timed, timed, timeless, timeless, given):
        assert post(station, body)[0] == 200

    uids = [event["log.record.uid"] for event in station.events()]
    assert uids[0] == uids[1]
    assert len(set(uids)) == 4
    assert uids[4] == "01JD8"


def test_kafka_away_is_answered_with_try_again(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka's confirmation the sender hears 503 and when to come back; when our room is full he hears it at once."""
    monkeypatch.setattr(exports, "ANSWER_S", 0.2)
    station.publisher.hold = True
    station.start("otlp://127.0.0.1:0", Limits(bytes_waiting=1_000_000), patience_s=0.2)

    slow = post(station, json.dumps(request()).encode())
    station.publisher.send = lambda records, settled, idle: wait_until(lambda: not idle(), "the end")  # type: ignore[method-assign]
    for n in range(10):
        last = post(station, json.dumps(request(f"{n}" * 100_000)).encode())

    assert slow[0] == last[0] == 503
    assert station.running
    assert station.running.input.source.lag() < 1_000_000


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b'{"resourceLogs": 7}', {}, 400),
        (b"[]", {}, 400),
        (b"\xff\xff\xff", {"kind": "application/x-protobuf"}, 400),
        (b"no gzip", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"x" * 50_000_000), {"Content_Encoding": "gzip"}, 400),
        (b"{}", {"Content_Encoding": "br"}, 415),
        (b"{}", {"kind": "text/plain"}, 415),
        (b"{}", {"path": "/v1/traces"}, 404),
        (b"x" * (otlp_http.LARGEST + 1), {}, 413),
        (b"{}", {}, 200),
    ],
)
def test_requests_that_cannot_be(station: Station, body: bytes, headers: dict[str, str], status: int) -> None:
    """What is no request of ours is refused with the status that says so, and nothing else happens."""
    station.start("otlp://127.0.0.1:0")

    try:
        answered = post(station, body, **headers)[0]
    except ConnectionError:
        answered = 413  # it hung up on us before it had read all

    assert answered == status
    assert station.publisher.records == []
    assert station.account.refused == (0 if status == 200 else 1)


def test_slow_and_broken_clients_harm_nobody_else(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that send half a head, half a body or nonsense are let go; another is answered meanwhile."""
    monkeypatch.setattr(otlp_http, "REQUEST_S", 0.3)
    monkeypatch.setattr(otlp_http, "IDLE_S", 0.3)
    station.start("otlp://127.0.0.1:0", Limits(connections=20))
    broken = [station.connect() for _ in range(30)]
    half = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    for one, data in zip(broken, [b"POST /v1/lo", half, b"\x16\x03\x01\r\n\r\n"] * 10, strict=True):
        one.sendall(data)

    assert post(station, json.dumps(request()).encode())[0] == 200
    wait_until(lambda: all(gone(one) for one in broken), "their goodbye")
    assert station.bodies() == ["hello"]


def test_many_large_requests_at_once_are_bounded(station: Station) -> None:
    """Senders that begin large requests and do not end them use no more memory than one limit for all: then others hear 503."""
    station.start("otlp://127.0.0.1:0", Limits(bytes_waiting=1_000_000))
    head = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    hoarders = [station.connect() for _ in range(4)]
    for one in hoarders:
        one.settimeout(2)
        one.sendall(head + b"x" * 400_000)

    refused = sum(b"503" in first_line(one) for one in hoarders)

    assert refused >= 1
    for one in hoarders:
        one.close()
    wait_until(lambda: post(station, json.dumps(request()).encode())[0] == 200, "room again")


def first_line(one: Any) -> bytes:
    try:
        return bytes(one.recv(12))
    except TimeoutError:
        return b""


def gone(one: Any) -> bool:
    try:
        return not one.recv(1000)
    except ConnectionError:
        return True


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_tls(station: Station, tmp_path: Path, transport: str) -> None:
    """Over TLS the SDK's records arrive when it trusts our authority, and not when it trusts another."""
    ours, strangers = Authority(tmp_path, "ours"), Authority(tmp_path, "strangers")
    station.start(f"otlp+{transport}://127.0.0.1:0", tls=ours.issue("server"))
    url = f"https://localhost:{station.port}"

    for authority in (strangers, ours):
        if transport == "http":
            client: Any = HttpExporter(endpoint=f"{url}/v1/logs", certificate_file=str(authority.certificate), timeout=3)
        else:
            client = GrpcExporter(endpoint=url, credentials=grpc.ssl_channel_credentials(authority.certificate.read_bytes()), timeout=3)
        provider = LoggerProvider()
        provider.add_log_record_processor(BatchLogRecordProcessor(client, schedule_delay_millis=10, export_timeout_millis=1000))
        logger = logging.Logger("shop")
        logger.addHandler(LoggingHandler(logger_provider=provider))
        logger.warning(authority.name)
        threading.Thread(target=provider.shutdown, daemon=True).start()

    wait_until(lambda: station.bodies() == ["ours"], "the trusted one's record")
