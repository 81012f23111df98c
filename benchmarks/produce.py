"""How fast a producer sends access logs, against a bare client that sends the lines as they are: `python -m benchmarks.produce`.

Both in one run, on the same Kafka, each in a process of its own, alternating: the whole producer (reading, parsing, identity, JSON,
checkpoint, acknowledgements) and a confluent-kafka loop that only sends the raw lines, with the same client settings. Prints lines/s,
CPU seconds per million lines (start-up included), the ratios, and the producer's largest PSS.
Starts a stack of its own, or takes the Kafka of --bootstrap-servers, where topics with a prefix of the run's own are made and deleted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from benchmarks.servers import running_stack
from logverse import settings as settings_module
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import TOPICS, named
from producers.publisher import tuned

AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", "curl/8.5.0")


@dataclass(frozen=True, slots=True)
class Figure:
    """One run: lines/s of wall time, CPU seconds per million lines, largest PSS in MiB."""

    rate: float
    cpu: float
    pss: float


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bootstrap-servers", help="Kafka; default: one of its own")
    parser.add_argument("--lines", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raw", nargs=2, metavar=("FILE", "TOPIC"), help=argparse.SUPPRESS)
    options = parser.parse_args([] if arguments is None else arguments)
    with nullcontext(options) if options.bootstrap_servers else running_stack() as kafka, tempfile.TemporaryDirectory() as folder:
        flags = {"bootstrap_servers": kafka.bootstrap_servers, "topic_prefix": f"bench{uuid.uuid4().hex[:8]}"}
        settings = settings_module.load(flags, {})
        if options.raw:
            return send_raw(settings, Path(options.raw[0]), options.raw[1])
        compare(settings, Path(folder), options.lines, options.rounds)


def compare(settings: Settings, folder: Path, count: int, rounds: int) -> None:
    """Alternate the two, and print what they need."""
    from deploy import topics

    log = folder / "access.log"
    write(log, count)
    kafka = ("--bootstrap-servers", settings.bootstrap_servers)
    whole = ("-m", "logverse.cli.main", "--home", str(folder), *kafka, "--topic-prefix", settings.topic_prefix, "produce", str(log))
    raw = ("-m", "benchmarks.produce", *kafka, "--raw", str(log), named("logs.error", settings.topic_prefix))
    ours, bare = [], []
    topics.create(settings)
    try:
        for number in range(rounds):
            afresh = ("--service", "bench", "--no-follow", "--checkpoint", str(folder / f"{number}.json"))
            ours.append(measured((*whole, *afresh), count))
            bare.append(measured(raw, count))
            print(f"round {number + 1}: producer {said(ours[-1])} · bare client {said(bare[-1])}", flush=True)
    finally:
        admin = AdminClient(client_config(settings))
        for future in admin.delete_topics([named(topic, settings.topic_prefix) for topic in TOPICS]).values():
            future.result()
    rate, cpu = median(one.rate for one in ours), median(one.cpu for one in ours)
    bare_rate, bare_cpu = median(one.rate for one in bare), median(one.cpu for one in bare)
    print(f"producer      {rate:,.0f} lines/s   {cpu:.1f} CPU s/million   {1e6 / cpu:,.0f} lines/s per core")
    print(f"bare client   {bare_rate:,.0f} lines/s   {bare_cpu:.1f} CPU s/million")
    print(f"ratio         {rate / bare_rate:.2f} of the lines/s, {cpu / bare_cpu:.2f} times the CPU")
    print(f"memory        PSS {max(one.pss for one in ours):.0f} MiB at most")
    print("targets       60,000 lines/s per core (16.7 CPU s/million), PSS 120 MiB")


def said(figure: Figure) -> str:
    return f"{figure.rate:,.0f}/s {figure.cpu:.1f} s/M"


def measured(command: tuple[str, ...], count: int) -> Figure:
    """Run a Python process, and what it took."""
    before, started = os.times(), time.monotonic()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pss = 0.0
    while process.poll() is None:
        pss = max(pss, _pss(process.pid))
        time.sleep(0.1)
    took, after = time.monotonic() - started, os.times()
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} ended with {process.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Figure(count / took, cpu / count * 1e6, pss)


def send_raw(settings: Settings, log: Path, topic: str) -> None:
    """The least that sending lines can cost: read, send, wait for all acknowledgements."""
    producer = Producer(tuned(settings))
    with log.open("rb") as file:
        for number, line in enumerate(file):
            while True:
                try:
                    producer.produce(topic, line)
                    break
                except BufferError:
                    producer.poll(0.05)
            if number % 500 == 0:
                producer.poll(0)
    producer.flush()


def write(path: Path, count: int) -> None:
    """Access log lines of a varied site: 400 clients, ids in paths, queries, two user agents, durations; 1,000 a second."""
    with path.open("w") as file:
        for n in range(count):
            clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(1_767_225_600 + n // 1000))
            target = (f"/item/{n * 7919 % 5000}", "/", f"/search?q={n}", "/cart", f"/static/{n % 97}.js")[n % 5]
            status = 500 if n % 211 == 0 else 404 if n % 53 == 0 else 200
            client = f"10.0.{n % 4}.{n * 31 % 100}"
            file.write(f'{client} - - [{clock}] "GET {target} HTTP/1.1" {status} {n % 9000} "-" "{AGENTS[n % 2]}" {n % 700 / 1000:.3f}\n')


def _pss(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_full_info().pss) / 2**20
    except psutil.Error:
        return 0.0


if __name__ == "__main__":
    main(sys.argv[1:])
