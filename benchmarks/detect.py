"""How fast the detect job reads Kafka, against its SQL without the Python and a plain window job: `python -m benchmarks.detect`.

Starts a stack of its own, fills a topic at two event-time densities and runs each variant to the end of it in a process of its own
(a mini-cluster, parallelism 2). Prints events/s with start-up included, CPU seconds per million events of JVM and Python together, and
the ratios. Densities: `dense` is 100,000 events per second of event time in 50 services; `sparse` is 5,000 in 5,000 series.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Producer

from benchmarks.servers import running_stack
from logverse import settings as settings_module
from logverse.event import LogEvent
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import named

VARIANTS = ("plain-window", "sql-only", "detect")
DENSITIES = {"dense": (100_000, 50, 4), "sparse": (5_000, 50, 100)}  # events per event second, services, routes of each
START = 1_767_225_600_000  # 2026-01-01


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--densities", nargs="+", choices=list(DENSITIES), default=list(DENSITIES))
    options = parser.parse_args(arguments)
    with running_stack() as settings:
        for density in options.densities:
            prefixed = fill(settings, density, options.events)
            rows = measure(prefixed, "rows")["rows"]
            report(density, options.events, {variant: measure(prefixed, variant) for variant in VARIANTS}, rows)


def fill(settings: Settings, density: str, count: int) -> Settings:
    """Fresh topics with `count` events in event-time order; returns the settings that name them."""
    home = settings.home
    prefixed = settings_module.load({"home": home, "topic_prefix": density}, {})
    subprocess.run([sys.executable, "-m", "logverse.cli.main", "--home", home, "--topic-prefix", density, "topics", "create"], check=True)
    producer = Producer(
        client_config(prefixed, linger_ms=50, batch_size=524_288, compression_type="lz4", queue_buffering_max_messages=500_000)
    )
    chance = random.Random(7)
    per_second, services, routes = DENSITIES[density]
    topic = named("logs.http", density)
    for number in range(count):
        at = START + number * 1000 // per_second
        event = LogEvent(
            timestamp=at, observed_timestamp=at, log_type="http", service_name=f"service-{number % services}", severity_number=9,
            body=f'10.0.{number % 250}.7 - - "GET /r/{number} HTTP/1.1" 200 512', uid=f"{number:032x}",
            fields={
                "http.request.method": "GET", "http.route": f"/r{chance.randrange(routes)}/{{id}}",
                "http.response.status_code": 503 if chance.random() < 0.005 else 200,
                "http.server.request.duration": chance.lognormvariate(-3, 1), "http.response.body.size": 512,
            },
        )  # fmt: skip
        while True:
            try:
                producer.produce(topic, event.to_json())
                break
            except BufferError:
                producer.poll(0.1)
        if not number % 1000:
            producer.poll(0)
    producer.flush()
    return prefixed


def measure(settings: Settings, variant: str) -> dict[str, Any]:
    """Run one variant to the end of the topic in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.detect_variant", variant, settings.bootstrap_servers, settings.topic_prefix]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{variant} failed:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(density: str, events: int, results: dict[str, dict[str, Any]], rows: int) -> None:
    per_second, services, routes = DENSITIES[density]
    print(f"\n{density}: {events:,} events, {per_second:,} a second of event time, {services} services, {services * routes:,} routes")
    for variant, result in results.items():
        speed, cpu = events / result["seconds"], result["cpu_s"] / events * 1e6
        print(f"  {variant:<13}{speed:>10,.0f} events/s, start-up included   {cpu:5.1f} CPU s per million")
    seconds = {variant: result["seconds"] for variant, result in results.items()}
    print(f"  detect / sql-only {seconds['sql-only'] / seconds['detect']:.2f} (goal 0.85)", end="")
    print(f"   detect / plain-window {seconds['plain-window'] / seconds['detect']:.2f}", end="")
    print(f"   rows into Python {rows:,} ({rows / seconds['detect']:,.0f}/s)")


if __name__ == "__main__":
    main(sys.argv[1:])
