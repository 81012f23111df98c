"""How fast a restore is, into each place that there is: `python -m benchmarks.restore`.

Makes an archive of events in a folder, starts the servers that are asked for, and runs `logverse restore` in a process of its own: into
files, into topics, into a view in Cassandra and into one in MongoDB (the stand-in). Prints records/s of the command's work, its CPU seconds
per million records and the most memory it had. Beside each, in the same run, a bare loop that has the same records ready in its memory
and does nothing else: writes lines, produces with the restore's own settings, batches with Cassandra's driver, `bulk_write`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from confluent_kafka import Producer

from benchmarks import history, mongodb
from benchmarks.sending import send
from benchmarks.servers import logverse, only
from flink_jobs.judging import Judge
from logverse import instant, topics
from logverse.kafka import client_config
from logverse.settings import Settings
from storage.backup import archive
from storage.backup.columns import Records
from storage.backup.manifest import Span
from storage.backup.plan import Part
from storage.backup.reading import Piece
from storage.backup.restore_topic import TUNED
from storage.backup.run import Backup
from storage.backup.targets.folder import Folder
from storage.cassandra.connection import connect
from storage.rows import StoredEvent

GOAL, MOST_MIB = 30_000, 500
PLACES = ("files", "topic", "cassandra", "mongodb")
_BATCH = 4_000


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--rate", type=int, default=GOAL, help="events a second of event time: how many share a partition of the store")
    parser.add_argument("--into", choices=PLACES, action="append", help="repeatable; default: all, one after the other")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lv-archive-") as folder:
        archived(Path(folder) / "archive", options)
        size = len(next(history.events(options)))
        print(f"{options.events:,} events of {size} bytes, goal {GOAL:,} records/s and {MOST_MIB} MiB", flush=True)
        for place in options.into or PLACES:
            WAYS[place](Path(folder), options)


class Made:
    """A Source of events that no Kafka has."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    def parts(self) -> Sequence[Part]:
        return [Part("logs.http", "benchmark", 0, 0, self._options.events)]

    def reader(self) -> Made:
        return self

    def read(self, span: Span) -> Iterator[Piece]:
        values: list[bytes | None] = []
        for number, value in enumerate(history.events(self._options), 1):
            values.append(value)
            if len(values) == _BATCH or number == span.next:
                offsets = list(range(number - len(values), number))
                times = [history.START + offset * 1000 // self._options.rate + 5 for offset in offsets]
                nothing = [None] * len(values)
                yield Piece(Records(span.topic, span.partition, offsets, times, [*nothing], values, [*nothing]), number)
                values = []

    def close(self) -> None:
        """Nothing is held."""


def archived(folder: Path, options: argparse.Namespace) -> None:
    target = Folder(folder)
    Backup(Made(options), target, archive.read(target), folder.parent / "spool" / "run", instant.now).run()


def files(folder: Path, options: argparse.Namespace) -> None:
    values, out = list(history.events(options)), folder / "plain.jsonl"
    began = clocks()
    with out.open("wb") as file:
        file.writelines(value + b"\n" for value in values)
        file.flush()
        os.fsync(file.fileno())
    told("plain lines", len(values), began)
    settings = Settings(home=str(folder / "home"))
    restored(settings, folder, options, "files", "--into", "files", "--out", str(folder / "out"))


def topic(folder: Path, options: argparse.Namespace) -> None:
    with only("kafka") as settings:
        values = list(history.events(options))
        producer = Producer(client_config(settings) | TUNED)
        began = clocks()
        send(producer, "logs.http", values, topics.TOPICS["logs.http"].partitions)
        told("bare producer", len(values), began)
        restored(settings, folder, options, "topic", "--into", "topic")


def cassandra(folder: Path, options: argparse.Namespace) -> None:
    with only("cassandra") as settings:
        logverse(settings.home, "--topic-prefix", "plain", "schema", "migrate")
        rows = stored(options)
        with connect(replace(settings, topic_prefix="plain")) as session:
            names = "service, bucket, shard, ts, uid, severity_number, status_code, route, client_address, user_id, session_id, trace_id"
            prepared = session.prepare(f"INSERT INTO events_http ({names}, record) VALUES ({', '.join('?' * 13)})")
            began, under_way = clocks(), []
            for batch in history.plain_batches(prepared, rows):
                under_way.append(session.execute_async(batch))
                if len(under_way) >= history.PLAIN_IN_FLIGHT:
                    under_way.pop(0).result()
            for future in under_way:
                future.result()
            told("plain batches", len(rows), began)
        restored(settings, folder, options, "view in Cassandra")


def mongo(folder: Path, options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        settings = stack.enter_context(mongodb.there(""))
        print(f"  bare bulk_write    {mongodb.turn(settings, 'plain', mongodb.bare, stored(options))}", flush=True)
        own = replace(settings, home=str(folder / "mongodb"))
        restored(own, folder, options, "view in MongoDB")


def stored(options: argparse.Namespace) -> list[StoredEvent]:
    judge = Judge({})
    return [
        StoredEvent._make(row) for number, value in enumerate(history.events(options)) if (row := judge.event("t", 0, number, 0, value))
    ]


def clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def told(name: str, rows: int, began: tuple[float, float]) -> None:
    seconds, used = (now - then for now, then in zip(clocks(), began, strict=True))
    print(f"  {name:<19}{rows / seconds:>9,.0f} records/s   {used / rows * 1e6:5.1f} CPU s/million", flush=True)


def restored(settings: Settings, folder: Path, options: argparse.Namespace, name: str, *more: str) -> None:
    command = [sys.executable, "-m", "logverse.cli.main", "--home", settings.home]
    asked = ["restore", "--since", instant.written(history.START), "--type", "http", "--target", str(folder / "archive"), "--yes"]
    environ = os.environ | {f"LOGVERSE_{one.upper()}": value for one in ("store", "mongodb_hosts") if (value := getattr(settings, one))}
    with tempfile.TemporaryFile() as out, subprocess.Popen([*command, *asked, *more, "-o", "json"], stdout=out, env=environ) as process:
        used, memory = watched(process)
        out.seek(0)
        said = json.loads(out.read())
    rows = sum(said["counts"].get(one, 0) for one in ("events", "records", "lines"))
    if rows != options.events:
        raise SystemExit(f"{rows:,} of {options.events:,} records came back: {said}")
    print(f"  {name:<19}{rows / said['seconds']:>9,.0f} records/s   {used / rows * 1e6:5.1f} CPU s/million   {memory:5.0f} MiB", flush=True)


def watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """CPU seconds, and the most memory in MiB: of the process itself, since what `wait4` says begins with what its parent had."""
    one, most, used = psutil.Process(process.pid), 0, 0.0
    while process.poll() is None:
        with suppress(psutil.Error):
            most, times = max(most, one.memory_info().rss), one.cpu_times()
            used = times.user + times.system
        time.sleep(0.02)
    return used, most / 2**20


WAYS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "files": files,
    "topic": topic,
    "cassandra": cassandra,
    "mongodb": mongo,
}


if __name__ == "__main__":
    main(sys.argv[1:])
