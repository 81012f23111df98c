"""How fast events get into MongoDB: `python -m benchmarks.mongodb`.

Two ways in one run, turn by turn, over the same rows and into fresh databases: the store (`save_events`, with all it makes of a row, the
register of buckets and the account of refusals), and as the baseline a bare loop of `bulk_write` over documents that are made before its
clock starts. Prints rows/s of each turn and the ratio of the medians; the goal is 0.8.

It runs on the embedded stand-in, which takes nearly all of the time, so the ratio says what our own work costs beside a server of this
speed; beside a faster one it costs more of the whole. `--hosts HOST:PORT` measures a real MongoDB (databases `bench_…` are made and dropped
there). Client CPU seconds per million rows are printed too: they are the same whatever answers.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bson.datetime_ms import DatetimeMS
from pymongo import ReplaceOne

from benchmarks.history import events
from deploy.local import jars, ports
from deploy.local.home import Home
from deploy.local.servers import mongodb
from flink_jobs.judging import Judge
from logverse import instant
from logverse.errors import TryAgain
from logverse.settings import Settings
from storage.mongodb.connection import Database, connect
from storage.mongodb.schema import opened as schema_of
from storage.mongodb.store import MongoStore
from storage.mongodb.writing import _event as upsert_of
from storage.rows import StoredEvent

GOAL, BATCH = 0.8, 8_000  # the history job's own batch

Way = Callable[[Database, Sequence[StoredEvent]], "Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Rows a second, and CPU seconds of this process per million rows."""

    rate: float
    client: float

    def __str__(self) -> str:
        return f"{self.rate:>9,.0f} rows/s   {self.client:5.1f} client CPU s/million"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--rate", type=int, default=30_000, help="events a second of event time")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--hosts", default="", help="a MongoDB of yours instead of the stand-in")
    options = parser.parse_args(arguments)
    judge = Judge({})
    rows = [StoredEvent._make(row) for number, value in enumerate(events(options)) if (row := judge.event("t", 0, number, 0, value))]
    ways: dict[str, Way] = {"bare bulk_write": bare, "the store": store}
    found: dict[str, list[Figure]] = {name: [] for name in ways}
    with there(options.hosts) as settings:
        print(f"{len(rows):,} events of {options.services} services, {BATCH:,} at a time, at {settings.mongodb_hosts}", flush=True)
        turn(settings, "warm", bare, rows[: len(rows) // 4])
        for number in range(options.turns):
            for name, way in sorted(ways.items(), reverse=bool(number % 2)):
                found[name].append(turn(settings, f"{number}_{way.__name__}", way, rows))
                print(f"  {name:<16} {found[name][-1]}", flush=True)
    rates = {name: median(figure.rate for figure in figures) for name, figures in found.items()}
    print(f"  ratio of the medians {rates['the store'] / rates['bare bulk_write']:.2f}   (goal {GOAL})")


def turn(settings: Settings, name: str, way: Way, rows: Sequence[StoredEvent]) -> Figure:
    """In a database of its own, gone afterwards."""
    own = replace(settings, mongodb_database=f"bench_{name}")
    with schema_of(own) as schema:
        schema.migrate("", "bench", lambda _: None, time.sleep, instant.now)
    with connect(own) as database:
        try:
            return way(database, rows)
        finally:
            database.driver.client.drop_database(database.name)


def bare(database: Database, rows: Sequence[StoredEvent]) -> Figure:
    """What the driver reaches with documents that it is handed: the same ones, in the same batches, and nothing else."""
    collection, now = database["events_http"], instant.now()
    documents = [upsert_of(row, DatetimeMS(now))[0]._doc for row in rows]
    began, used = time.monotonic(), time.process_time()
    for start in range(0, len(documents), BATCH):
        collection.bulk_write(
            [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents[start : start + BATCH]], ordered=False
        )
    return _figure(len(rows), began, used)


def store(database: Database, rows: Sequence[StoredEvent]) -> Figure:
    """As the history job writes."""
    own = MongoStore(database)
    began, used = time.monotonic(), time.process_time()
    for start in range(0, len(rows), BATCH):
        refused = own.save_events(rows[start : start + BATCH])
        if refused:
            raise SystemExit(f"refused: {refused[0].reason}")
    return _figure(len(rows), began, used)


def _figure(rows: int, began: float, used: float) -> Figure:
    return Figure(rows / (time.monotonic() - began), (time.process_time() - used) / rows * 1e6)


@contextmanager
def there(hosts: str) -> Iterator[Settings]:
    """Settings of that MongoDB, or of a stand-in of this run's own."""
    if hosts:
        yield Settings(store="mongodb", mongodb_hosts=hosts)
        return
    home = Home(Path(tempfile.mkdtemp(prefix="lv-bench-")))
    home.make()
    jars.jars_of("mongodb")
    ports.settle(home, ["mongodb"])
    process = subprocess.Popen(mongodb.command(home), stdout=sys.stderr)
    try:
        _wait(home)
        yield Settings(store="mongodb", mongodb_hosts=home.address("mongodb"))
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(home.path, ignore_errors=True)


def _wait(home: Home) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            return mongodb.ready(home)
        except TryAgain:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
