"""From the event that makes an alert true to the alert in its topic, under load: `python -m benchmarks.latency`.

Starts a stack of its own with the detect job (one-second summaries, one-second watermark delay), sends events at a steady rate, and
now and then the first failure of a route nobody failed on before; a rule fires on the first failure of a route. Prints the time
from handing that event to the Kafka client to the alert's own record time, as percentiles; the rest of the event's second and the
watermark delay (on average 1.5 s) are in it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.servers import logverse, running_stack
from logverse.alert import Alert
from logverse.event import LogEvent, heartbeat
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import LOGS, TOPICS

RULE = """rules:
  - {name: first-failure, type: frequency, where: {http.response.status_code: 5xx}, group_by: [service.name, http.route],
     num_events: 1, window: 10s}
"""


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20_000, help="events per second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=60, help="seconds of load before the first measured one")
    options = parser.parse_args(arguments)
    with running_stack() as settings:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rules:
            rules.write(RULE)
            rules.flush()
            logverse(settings.home, "rules", "apply", rules.name)
        logverse(settings.home, "job", "submit", "detect")
        handed = load(settings, options.rate, options.warm_up, options.seconds)
        delays = sorted(at - handed[route] for route, at in fired(settings, set(handed)))
        missing = len(handed) - len(delays)
        if len(delays) < 2:
            raise SystemExit(f"only {len(delays)} of {len(handed)} alerts came")
        cuts = statistics.quantiles(delays, n=100)
        print(f"produce → alerts at {options.rate:,} events/s: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, max {delays[-1]:.0f} ms")
        print(f"  {len(delays)} alerts, {missing} missing (goal p50 ≤ 2,000 ms, p99 ≤ 3,000 ms)")


def load(settings: Settings, rate: int, warm_up: int, seconds: int) -> dict[str, int]:
    """Sends the load; returns, for each route that failed, when its event was handed over (milliseconds)."""
    producer = Producer(client_config(settings, linger_ms=5, compression_type="lz4", queue_buffering_max_messages=500_000))
    handed: dict[str, int] = {}
    began, number = time.monotonic(), 0
    beat = 0.0
    while (elapsed := time.monotonic() - began) < warm_up + seconds:
        due = int(elapsed * rate)
        for one in range(number, due):
            producer.produce("logs.http", _event(one, f"/r{one % 100}", 200).to_json())
        if elapsed > warm_up and len(handed) < (elapsed - warm_up) * 2:
            route = f"/needle/{len(handed)}"
            handed[route] = time.time_ns() // 1_000_000
            producer.produce("logs.http", _event(due, route, 503).to_json())
        if elapsed > beat:
            beat += 1.0
            _beat(producer)
        producer.poll(0.002)
        number = due
    until = time.monotonic() + 5  # the last second needs heartbeats to close
    while time.monotonic() < until:
        _beat(producer)
        producer.poll(0.5)
    producer.flush()
    print(f"sent {number / (warm_up + seconds):,.0f} events/s")
    return handed


def fired(settings: Settings, wanted: set[str], patience_s: float = 30.0) -> Iterator[tuple[str, int]]:
    """The first firing of each wanted route and the time of its record (milliseconds), until all came or patience ends."""
    consumer = Consumer(client_config(settings, group_id="benchmark", enable_auto_commit=False))
    consumer.assign([TopicPartition("alerts", place, 0) for place in range(TOPICS["alerts"].partitions)])
    until = time.monotonic() + patience_s
    while wanted and time.monotonic() < until:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        alert = Alert.from_json(message.value() or b"")
        route = alert.group.get("http.route", "")
        if alert.status == "firing" and route in wanted:
            wanted.discard(route)
            yield route, message.timestamp()[1]
    consumer.close()


def _event(number: int, route: str, status: int) -> LogEvent:
    now = time.time_ns() // 1_000_000
    fields = {"http.request.method": "GET", "http.route": route, "http.response.status_code": status, "http.server.request.duration": 0.1}
    return LogEvent(
        now, now, "http", f"service-{number % 50}" if status == 200 else "service-0", 9, f"GET {route}", f"{number:032x}", fields
    )


def _beat(producer: Producer) -> None:
    for topic in LOGS.values():
        for partition in range(TOPICS[topic].partitions):
            producer.produce(topic, heartbeat(time.time_ns() // 1_000_000, "benchmark"), partition=partition)


if __name__ == "__main__":
    main(sys.argv[1:])
