"""Cassandra does not answer for five minutes under load: nobody's alert waits for it, and afterwards every record is accounted for."""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from logverse import instant
from logverse.alert import Alert
from logverse.event import LogEvent, heartbeat
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import LOGS, TOPICS
from tests.stack.conftest import Stack, wait_until
from tests.stack.kept import Kept

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(1800)]

RULE = """rules:
  - {name: first-failure, type: frequency, where: {http.response.status_code: 5xx}, group_by: [service.name, http.route],
     num_events: 1, window: 10s}
"""
RATE = 2_000  # events a second
WARM_S, BEFORE_S, AWAY_S = 40, 60, 300
EACH_S = 2.0  # between two routes that fail for the first time


class Load(threading.Thread):
    """Events at a steady rate, and now and then the first failure of a route. `handed`: when, by route, milliseconds."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._producer = Producer(client_config(settings, linger_ms=5, compression_type="lz4"))
        self.handed: dict[str, int] = {}
        self.sent = 0
        self.ended = threading.Event()

    def run(self) -> None:
        began = beat = failed = time.monotonic()
        while not self.ended.wait(0.005):
            now = time.monotonic()
            while self.sent < (now - began) * RATE:
                self._send(f"/r{self.sent % 100}", 200)
            if now - failed >= EACH_S:
                failed, route = now, f"/first/{len(self.handed)}"
                self.handed[route] = instant.now()
                self._send(route, 503)
            if now - beat >= 1:
                beat = now
                self._beat()
            self._producer.poll(0)
        assert self._producer.flush(60) == 0

    def _send(self, route: str, status: int) -> None:
        now, self.sent = instant.now(), self.sent + 1
        fields = {"http.route": route, "http.response.status_code": status, "http.server.request.duration": 0.1}
        event = LogEvent(now, now, "http", f"service-{self.sent % 20}", 9, f"GET {route}", f"{self.sent:032x}", fields)
        self._producer.produce("logs.http", event.to_json())

    def _beat(self) -> None:
        for topic in LOGS.values():
            for partition in range(TOPICS[topic].partitions):
                self._producer.produce(topic, heartbeat(instant.now(), "load"), partition=partition)


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With both jobs."""
    made = Stack(tmp_path_factory.mktemp("w"))
    try:
        made.logverse("up")
        made.logverse("schema", "migrate")
        rules = made.home / "first-failure.yaml"
        rules.write_text(RULE)
        made.logverse("rules", "apply", str(rules))
        for job in ("detect", "history"):
            made.logverse("job", "submit", job, "--parallelism", "1")
        yield made
    finally:
        made.logverse("down", check=False)


def test_no_alert_waits_for_the_store(stack: Stack, tmp_path: Path) -> None:
    """As fast as before while it is away; then the history catches up and the account ends at nothing missing."""
    kept, load = Kept(stack.settings), Load(stack.settings)
    load.start()
    try:
        passes(WARM_S, load)
        before = passes(BEFORE_S, load)
        with away(stack):
            meanwhile = passes(AWAY_S, load)
            behind = kept.behind()
        back = time.monotonic()
        wait_until(lambda: kept.behind() < RATE * 20, "the history nearly caught up", timeout=900)
        caught_up_s = time.monotonic() - back
    finally:
        load.ended.set()
        load.join()
    stack.wait_ready()
    wait_until(lambda: kept.behind() == 0, "the history's end", timeout=120)

    seen = firings(stack.settings)
    first, second = (
        [seen[route] - at for route, at in load.handed.items() if begin <= at < end - 10_000] for begin, end in (before, meanwhile)
    )
    told = stack.logverse("account", "--since", "1h", "-o", "json", check=False)
    assert told.stdout, told.stderr
    account = json.loads(told.stdout)
    print(
        f"\nCassandra away for {AWAY_S} s at {RATE:,} events/s: alerts p50 {statistics.median(first):.0f} ms before, "
        f"{statistics.median(second):.0f} ms meanwhile, worst {max(first)} and {max(second)} ms of {len(first)} and {len(second)}; "
        f"{behind:,} records behind when it came back, caught up after {caught_up_s:.0f} s; account: {account['totals']}"
    )
    assert behind > RATE * AWAY_S * 0.9, "the store was not away"
    assert statistics.median(second) < statistics.median(first) * 1.2 + 100
    assert max(second) < max(first) * 1.5 + 500
    assert (account["totals"]["missing"], account["totals"]["doubled"], account["totals"]["pending"]) == (0, 0, 0)
    assert account["totals"]["stored"] == load.sent
    assert json.loads(stack.logverse("job", "status", "history", "-o", "json").stdout)["failures"] == 0


def passes(seconds: float, load: Load) -> tuple[int, int]:
    """Lets time pass under load; its begin and end."""
    begin = instant.now()
    wait_until(lambda: not load.is_alive() or instant.now() - begin >= seconds * 1000, "time", timeout=seconds + 60)
    assert load.is_alive()
    return begin, instant.now()


@contextmanager
def away(stack: Stack) -> Iterator[None]:
    """Cassandra takes connections and answers nothing: worse than refusing them."""
    pid = int(stack.process("cassandra")["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def firings(settings: Settings) -> dict[str, int]:
    """When each route's first alert was written, milliseconds."""
    found: dict[str, int] = {}
    for message in read_to_end(settings, "alerts", timeout_s=60):
        alert = Alert.from_json(message.value() or b"")
        if alert.status == "firing":
            found.setdefault(alert.group.get("http.route", ""), message.timestamp()[1])
    return found
