"""How fast events get from Kafka into the events table: `python -m benchmarks.history`.

Starts a stack of its own. In one run: the history job alone, the history job beside the detect job on the same events, and as the
baseline a plain loop in one process that writes the same rows with the driver's own means (prepared statement, `bind`, unlogged batches
of a partition, 16 at a time), with and without the indexes of look-ups. Prints rows/s and CPU seconds per million rows: of the client
(the job's Python and JVM, the loop), and of Cassandra. The job's figures are those of a job that runs: from a tenth of the events to all
of them, as committed to Kafka each second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType
from confluent_kafka import Producer

from benchmarks.sending import TUNED, send
from benchmarks.servers import logverse, running_stack
from flink_jobs.history_lag_reading import lags
from flink_jobs.judging import Judge
from logverse import settings as settings_module
from logverse.event import LogEvent
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import TOPICS, named
from storage.cassandra.connection import connect
from storage.layout import Sharding, bucket_of

START = 1_790_000_000_000
GOAL = 30_000
PLAIN_ROWS, PLAIN_IN_FLIGHT = 50, 16
PLAIN_MOST = 200_000  # its rows are in memory, with all that the driver makes of them


@dataclass(frozen=True, slots=True)
class Figure:
    """Rows a second, and CPU seconds per million rows of the client and of Cassandra."""

    rate: float
    client: float
    store: float

    def __str__(self) -> str:
        return f"{self.rate:>9,.0f} rows/s   {self.client:5.1f} client CPU s/million   {self.store:5.1f} Cassandra CPU s/million"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--rate", type=int, default=GOAL, help="events a second of event time: how many share a partition")
    options = parser.parse_args(arguments)
    with running_stack() as settings:
        print(f"{options.events:,} events of {options.services} services, {options.rate:,} a second of event time")
        plain = topics(settings, "plain")
        loop(plain, islice(events(options), PLAIN_MOST // 2))  # until its code is compiled
        print(f"  plain batches        {loop(plain, islice(events(options), PLAIN_MOST))}", flush=True)
        without_indexes(plain)
        print(f"   the same, no index  {loop(plain, islice(events(options), PLAIN_MOST))}", flush=True)
        for name, jobs in (("history alone", ("history",)), ("history with detect", ("detect", "history"))):
            there = topics(settings, name.replace(" ", "-"))
            fill(there, options)
            print(f"  {name:<21}{job(there, options.events, jobs)}   (goal {GOAL:,} rows/s)", flush=True)


def topics(settings: Settings, prefix: str) -> Settings:
    """Fresh topics and tables."""
    for verb in (("topics", "create"), ("schema", "migrate")):
        logverse(settings.home, "--topic-prefix", prefix, *verb)
    return settings_module.load({"home": settings.home, "topic_prefix": prefix}, {})


def events(options: argparse.Namespace) -> Iterator[bytes]:
    """About 700 bytes each, as producers write them."""
    for number in range(options.events):
        at, client = START + number * 1000 // options.rate, f"10.0.{number % 4}.{number * 31 % 250}"
        fields = {
            "host.name": "web-1", "log.file.path": "/var/log/nginx/access.log", "http.request.method": "GET",
            "url.path": f"/item/{number}", "http.route": "/item/{id}", "http.response.status_code": 200,
            "http.response.body.size": 512, "http.server.request.duration": 0.123, "client.address": client,
            "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64)",
        }  # fmt: skip
        body = (
            f'{client} - - [21/Nov/2026:10:00:00 +0000] "GET /item/{number} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)" 0.123'
        )
        yield LogEvent(at, at, "http", f"service-{number % options.services}", 9, body, f"{number:032x}", fields).to_json()


def fill(settings: Settings, options: argparse.Namespace) -> None:
    topic, partitions = named("logs.http", settings.topic_prefix), TOPICS["logs.http"].partitions
    send(Producer(client_config(settings) | TUNED), topic, events(options), partitions)


def job(settings: Settings, count: int, names: Sequence[str]) -> Figure:
    """Run the jobs until the history has committed all."""
    prefix = ("--topic-prefix", settings.topic_prefix)
    for name in names:
        logverse(settings.home, *prefix, "job", "submit", name, "--checkpoint-interval", "1s")
    try:
        rows = wait(lambda: behind(settings), lambda records: records <= count * 0.9)
        began, before, store = time.monotonic(), cpu(settings, "taskmanager"), cpu(settings, "cassandra")
        wait(lambda: behind(settings), lambda records: records == 0)
        seconds = time.monotonic() - began
        return Figure(
            rows / seconds, (cpu(settings, "taskmanager") - before) / rows * 1e6, (cpu(settings, "cassandra") - store) / rows * 1e6
        )
    finally:
        for name in names:
            logverse(settings.home, *prefix, "job", "stop", name, "--no-savepoint")


def behind(settings: Settings) -> int:
    """Events that the history has not committed."""
    return next(lag.records for lag in lags(settings) if lag.topic.endswith("logs.http"))


def wait(look: Callable[[], int], enough: Callable[[int], bool], patience_s: float = 600.0) -> int:
    until = time.monotonic() + patience_s
    while not enough(found := look()):
        if time.monotonic() > until:
            raise SystemExit(f"nothing moves: {found:,} events are left after {patience_s:.0f} s")
        time.sleep(0.1)
    return found


def loop(settings: Settings, values: Iterator[bytes]) -> Figure:
    """What one process reaches with the rows in its memory and nothing else to do."""
    judge = Judge({})
    made = [row for number, value in enumerate(values) if (row := judge.event("t", 0, number, 0, value))]
    with connect(settings) as session:
        names = (
            "service, bucket, shard, ts, uid, severity_number, status_code, route, client_address, user_id, session_id, trace_id, record"
        )
        prepared = session.prepare(f"INSERT INTO events_http ({names}) VALUES ({', '.join('?' * 13)})")
        began, before, store = time.monotonic(), time.process_time(), cpu(settings, "cassandra")
        under_way: deque[Any] = deque()
        for batch in plain_batches(prepared, made):
            under_way.append(session.execute_async(batch))
            if len(under_way) >= PLAIN_IN_FLIGHT:
                under_way.popleft().result()
        for future in under_way:
            future.result()
        seconds, rows = time.monotonic() - began, len(made)
        client = time.process_time() - before
    return Figure(rows / seconds, client / rows * 1e6, (cpu(settings, "cassandra") - store) / rows * 1e6)


def without_indexes(settings: Settings) -> None:
    """Drops what look-ups by client, user, session and trace need: what they cost a write shows in the same run."""
    with connect(settings) as session:
        for name in ("client", "user", "session", "trace"):
            session.execute(f"DROP INDEX events_http_{name}", timeout_s=60)


def plain_batches(prepared: Any, rows: Sequence[Any], at_once: int = 20_000) -> Iterator[Any]:
    sharding = Sharding()
    for start in range(0, len(rows), at_once):
        groups = defaultdict(list)
        for row in rows[start : start + at_once]:
            bucket = bucket_of(row[2])
            groups[row[1], bucket, sharding.shard_of(bucket, row[3])].append(row)
        for key, group in groups.items():
            for first in range(0, len(group), PLAIN_ROWS):
                batch = BatchStatement(batch_type=BatchType.UNLOGGED)
                for row in group[first : first + PLAIN_ROWS]:
                    batch.add(prepared, (*key, *(UNSET_VALUE if value is None else value for value in row[2:])))
                yield batch


def cpu(settings: Settings, name: str) -> float:
    """User and system seconds of a process of the stack and of what it started."""
    state = json.loads((Path(settings.home) / "run" / "state.json").read_bytes())
    found = psutil.Process(next(one["pid"] for one in state["processes"] if one["name"] == name))
    used = 0.0
    for one in (found, *found.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            used += times.user + times.system
    return used


if __name__ == "__main__":
    main(sys.argv[1:])
