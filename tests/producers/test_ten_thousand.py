"""10,000 events a second from real clients: every one is there, once, or is counted as lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .station import Station, wait_until

pytestmark = pytest.mark.proof

RATE, COUNT = 10_000, 100_000


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def lines() -> list[str]:
    return [f"payment {n} of u{n % 250}" for n in range(COUNT)]


@pytest.mark.parametrize("way", [["--tcp"], ["--tcp", "--octet-count"], ["--udp"]], ids="-".join)
def test_logger(station: Station, way: list[str]) -> None:
    """util-linux's `logger` sends 100,000 lines at 10,000/s: all of them are events, or are counted where UDP had no room."""
    station.start("syslog://127.0.0.1:0")
    command = ["logger", "--server", "127.0.0.1", "--port", str(station.port), *way, "--rfc5424", "--tag", "shop", "--priority", "user.err"]
    began = time.monotonic()

    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as sender:
        assert sender.stdin
        for n, line in enumerate(lines()):
            while n % 100 == 0 and time.monotonic() - began < n / RATE:
                time.sleep(0.001)
            sender.stdin.write(line + "\n")
    sent = time.monotonic() - began
    wait_until(lambda: station.account.lines + station.account.lost.total() >= COUNT, "all of them", 60)
    arrived = time.monotonic() - began

    lost = station.account.lost.total()
    print(f"logger {' '.join(way)}: sent in {sent:.2f} s, all accounted for {arrived - sent:.2f} s later, {lost} lost")
    assert sent < 1.2 * COUNT / RATE
    assert station.account.lines + lost == COUNT
    assert lost == 0 or way == ["--udp"]
    assert set(station.bodies()) <= set(lines())
    assert len({event["log.record.uid"] for event in station.events()}) == COUNT - lost == len(set(station.bodies()))


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_sdk_of_opentelemetry(station: Station, transport: str) -> None:
    """The SDK's batch processor at 10,000/s: every record is an event, once."""
    station.start(f"otlp+{transport}://127.0.0.1:0")
    endpoint = f"http://127.0.0.1:{station.port}" + ("/v1/logs" if transport == "http" else "")
    client = Path(__file__).with_name("otlp_client.py")

    done = subprocess.run(
        [sys.executable, str(client), transport, endpoint, str(RATE), str(COUNT)], capture_output=True, text=True, timeout=120, check=True
    )

    print(f"OpenTelemetry SDK over {transport}: {float(done.stdout):,.0f} records/s handed to it; {done.stderr[-200:]}")
    assert sorted(station.bodies()) == sorted(f"payment {n}" for n in range(COUNT))
    assert len({event["log.record.uid"] for event in station.events()}) == COUNT
