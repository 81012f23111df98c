"""OTLP over gRPC takes so many connections and no more: the next one is dropped, those that are there go on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from producers.order import Limits

from .station import Station, wait_until

# What a client of HTTP/2 says first, with empty settings (RFC 9113, 3.4): the server answers with its own.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def answered(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1024))
    except ConnectionError:
        return False


def test_connections_are_bounded(station: Station) -> None:
    """Silent ones take places, not memory without end; a place that is free again is taken."""
    station.start("otlp+grpc://127.0.0.1:0", limits=Limits(connections=3))
    with ExitStack() as opened:
        silent = []
        for _ in range(5):
            silent.append(opened.enter_context(station.connect()))
            silent[-1].sendall(HELLO)

        served = [answered(one) for one in silent]

    assert served == [True, True, True, False, False]
    wait_until(lambda: export(station), "a place that is free again")


def export(station: Station) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{station.port}") as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        try:
            return call(ExportLogsServiceRequest().SerializeToString(), timeout=5) == b""
        except grpc.RpcError:
            return False
