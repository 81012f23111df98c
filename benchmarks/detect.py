"""How fast the detect job reads Kafka, against its SQL without the Python and a plain window job: `python -m benchmarks.detect`.

Starts a stack of its own, fills a topic at two event-time densities and runs each variant to the end of it in a process of its own
(a mini-cluster, parallelism 2), once over all events and once over a tenth of them: what the difference took is the speed without start-up
(a JVM, a plan, Python workers). Prints events/s with and without start-up, CPU seconds per million events of JVM and Python together,
and the ratios. Densities: `dense` is 100,000 events per second of event time in 50 services, `series` the same in 5,000 routes of them:
what comes in a second of a job that keeps up with such a rate. `sparse` is 5,000 events a second in 5,000 routes, as a job sees them that
catches up at many times their pace: nothing is reduced. `scan` is `dense` with 100,000 client addresses that are not found. Rules: the
shipped ones, or 200 (benchmarks/rules_200.py).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from benchmarks.sending import TUNED, send
from benchmarks.servers import logverse, running_stack
from logverse import settings as settings_module
from logverse.event import LogEvent
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import named

VARIANTS = ("plain-window", "sql-only", "detect")
# Events per event second, services, routes of each, client addresses.
DENSITIES = {
    "dense": (100_000, 50, 4, 1_000),
    "series": (100_000, 50, 100, 1_000),
    "sparse": (5_000, 50, 100, 1_000),
    "scan": (100_000, 50, 4, 100_000),
}
GOALS = {"default": 0.85, "200": 0.7}
START = 1_767_225_600_000  # 2026-01-01


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000, help="of the dense topic; the sparse one has a quarter")
    parser.add_argument("--densities", nargs="+", choices=list(DENSITIES), default=["dense", "sparse"])
    parser.add_argument("--rules", choices=list(GOALS), default="default")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each variant, of which the quickest counts")
    options = parser.parse_args(arguments)
    with running_stack() as settings:
        for density in options.densities:
            # Where nothing shares a second and a series nothing is reduced: a quarter of the events says as much in the same time.
            events = options.events // 4 if density == "sparse" else options.events
            few, all_ = (fill(settings, density, name, count) for name, count in (("few", events // 10), ("all", events)))
            crossing = measure(all_, "rows", options.rules)
            results = {variant: Result(events, *best) for variant, best in quickest([few, all_], options.rules, options.rounds).items()}
            report(density, events, results, crossing, options.rules)


@dataclass(frozen=True)
class Result:
    """What a variant took for a tenth of the events, and for all of them."""

    events: int
    few: dict[str, Any]
    all: dict[str, Any]

    def rate(self) -> float:
        """Events a second, start-up included."""
        return float(self.events / self.all["seconds"])

    def running_rate(self) -> float:
        """Events a second of a job that runs already."""
        return float(self.events * 0.9 / (self.all["seconds"] - self.few["seconds"]))

    def running_cpu(self) -> float:
        """CPU seconds per million events of a job that runs already."""
        return float((self.all["cpu_s"] - self.few["cpu_s"]) / (self.events * 0.9) * 1e6)


def fill(settings: Settings, density: str, name: str, count: int) -> Settings:
    """Fresh topics with `count` events in event-time order; returns the settings that name them."""
    home, prefix = settings.home, f"{density}-{name}"
    prefixed = settings_module.load({"home": home, "topic_prefix": prefix}, {})
    logverse(home, "--topic-prefix", prefix, "topics", "create")
    chance = random.Random(7)
    values = (_event(density, number, chance).to_json() for number in range(count))
    send(Producer(client_config(prefixed) | TUNED), named("logs.http", prefix), values)
    return prefixed


def _event(density: str, number: int, chance: random.Random) -> LogEvent:
    per_second, services, routes, clients = DENSITIES[density]
    at = START + number * 1000 // per_second
    return LogEvent(
        timestamp=at, observed_timestamp=at, log_type="http", service_name=f"service-{number % services}", severity_number=9,
        body=f'10.0.{number % 250}.7 - - "GET /r/{number} HTTP/1.1" 200 512', uid=f"{number:032x}",
        fields={
            "http.request.method": "GET", "http.route": f"/r{chance.randrange(routes)}/{{id}}",
            "client.address": f"10.{number % clients // 62_500}.{number % clients // 250 % 250}.{number % 250}",
            "url.path": f"/r/{number}", "http.response.status_code": _status(density, chance.random()),
            "http.server.request.duration": chance.lognormvariate(-3, 1), "http.response.body.size": 512,
        },
    )  # fmt: skip


def _status(density: str, chance: float) -> int:
    return 404 if density == "scan" or 0.005 <= chance < 0.015 else 503 if chance < 0.005 else 200


def quickest(topics: Sequence[Settings], rules: str, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Of each variant its quickest run over each topic. The variants take turns: a machine that others use too changes its speed."""
    runs: dict[tuple[str, int], list[dict[str, Any]]] = {(variant, place): [] for variant in VARIANTS for place in range(len(topics))}
    for _ in range(rounds):
        for (variant, place), found in runs.items():
            found.append(measure(topics[place], variant, rules))
    return {variant: [min(runs[variant, at], key=lambda run: run["seconds"]) for at in range(len(topics))] for variant in VARIANTS}


def measure(settings: Settings, variant: str, rules: str) -> dict[str, Any]:
    """Run one variant to the end of the topic in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.detect_variant", variant, settings.bootstrap_servers, settings.topic_prefix, rules]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{variant} failed:\n{done.stderr[-3000:]}")
    printed = [line for line in done.stdout.splitlines() if line.startswith("{")]  # the JVM may print a line of its own after ours
    result: dict[str, Any] = json.loads(printed[-1])
    return result


def report(density: str, events: int, results: dict[str, Result], crossing: dict[str, Any], rules: str) -> None:
    per_second, services, routes, clients = DENSITIES[density]
    print(
        f"\n{density}: {events:,} events, {per_second:,} a second of event time, {services} services, {services * routes:,} routes,",
        end=" ",
    )
    print(f"{clients:,} clients; rules: {rules}")
    for variant, result in results.items():
        speed = f"{result.running_rate():>10,.0f} events/s running, {result.rate():>8,.0f} with start-up"
        print(f"  {variant:<13}{speed}   {result.running_cpu():5.1f} CPU s per million")
    rates = {variant: result.running_rate() for variant, result in results.items()}
    print(f"  detect / sql-only {rates['detect'] / rates['sql-only']:.2f} (goal {GOALS[rules]})", end="")
    print(f"   detect / plain-window {rates['detect'] / rates['plain-window']:.2f}", end="")
    rows, most = crossing["rows"], crossing["most_clients"]
    print(f"   rows into Python {rows:,} ({rows / events * rates['detect']:,.0f}/s), clients in one at most {most}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
