"""How fast a backup is, and how much memory it takes whatever the range: `python -m benchmarks.backup`.

Starts Kafka and HDFS of its own, fills `logs.http`, and backs it up with `logverse backup run` in a process of its own: into HDFS and
into a folder, then a range several times as long into HDFS for the memory. Prints events/s from start to end of the command's work, CPU
seconds per million events, and the most memory the process had. Beside it the bare consumer loop on the same topic, which does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, TopicPartition

from benchmarks import history
from benchmarks.servers import only
from logverse import settings as settings_module
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topics import TOPICS, named

GOAL, MOST_MIB = 100_000, 500


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--longer", type=int, default=3, help="so many times the events for the second look at memory")
    parser.add_argument("--parallel", default="")
    options = parser.parse_args(arguments)
    options.services, options.rate = 10, 5_000
    with only("kafka", "namenode", "datanode") as settings, tempfile.TemporaryDirectory(prefix="lv-archive-") as folder:
        filled = topics(settings, "bench", options)
        size = len(next(history.events(options)))
        print(f"{options.events:,} events of {size} bytes on {TOPICS['logs.http'].partitions} partitions")
        print(f"  bare consumer     {bare(filled, options.events):>9,.0f} events/s", flush=True)
        hdfs = f"hdfs://{endpoints(settings)['namenode']}"
        for name, target in (("into HDFS", f"{hdfs}/first"), ("into a folder", str(Path(folder) / "archive"))):
            print(f"  {name:<18}{backup(filled, target, options.parallel)}   (goal {GOAL:,} events/s, {MOST_MIB} MiB)", flush=True)
        options.events *= options.longer
        longer = topics(settings, "longer", options)
        print(f"  {options.events:>10,} events  {backup(longer, f'{hdfs}/longer', options.parallel)}", flush=True)


def endpoints(settings: Settings) -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(settings.home, "endpoints.json").read_text())
    return found


def topics(settings: Settings, prefix: str, options: argparse.Namespace) -> Settings:
    """Fresh topics with the events."""
    history.logverse(settings.home, "--topic-prefix", prefix, "topics", "create")
    made = settings_module.load({"home": settings.home, "topic_prefix": prefix}, {})
    history.fill(made, options)
    return made


def backup(settings: Settings, target: str, parallel: str) -> str:
    command = [sys.executable, "-m", "logverse.cli.main", "--home", settings.home, "--topic-prefix", settings.topic_prefix]
    more = ["--parallel", parallel] if parallel else []
    with subprocess.Popen([*command, "backup", "run", "--target", target, "-o", "json", *more], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    cpu, size = (used.ru_utime + used.ru_stime) / said["rows"] * 1e6, said["bytes"] / said["rows"]
    rate, memory = said["rows"] / said["seconds"], used.ru_maxrss / 1024
    return f"{rate:>9,.0f} events/s   {cpu:5.1f} CPU s/million   {memory:5.0f} MiB   {size:4.0f} bytes each"


def bare(settings: Settings, events: int) -> float:
    """What a loop reaches that looks at nothing."""
    topic = named("logs.http", settings.topic_prefix)
    consumer = Consumer(client_config(settings, group_id="bare", enable_auto_commit=False, enable_partition_eof=True))
    places = [TopicPartition(topic, number, 0) for number in range(TOPICS["logs.http"].partitions)]
    consumer.assign(places)
    began, seen, ends = time.monotonic(), 0, 0
    while ends < len(places):
        for message in consumer.consume(5000, timeout=0.2):
            error = message.error()
            ends += error is not None and error.code() == KafkaError._PARTITION_EOF
            seen += error is None
    consumer.close()
    assert seen == events
    return seen / (time.monotonic() - began)


if __name__ == "__main__":
    main(sys.argv[1:])
