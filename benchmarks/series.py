"""How fast a month is drawn: `python -m benchmarks.series`.

Rolls thirty days of summaries of one service up as the history job does (one a minute, 60 series each), into Cassandra, then asks for
30-day charts as the command does, warm: the rate, the share of failures, and percentiles by route, which needs every series. Starts a
stack of its own, or takes the Cassandra of --cassandra HOST:PORT, where a keyspace of the run's own is made and dropped.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

import orjson

from benchmarks.query import keyspaced, timed
from logverse import durations
from logverse.settings import Settings
from logverse.summary import DIMENSIONS, DURATION_BOUNDS
from storage.cassandra.series import CassandraSeries
from storage.cassandra.store import CassandraStore, opened
from storage.series import SeriesWriter
from storage.series_chart import chart

DAYS = 30
MINUTE, HOUR = 60_000, 3_600_000
BEGIN = 1_767_225_600_000  # 2026-01-01
NOW = BEGIN + DAYS * 24 * HOUR
TARGET_MS = 300.0
CHARTS: dict[str, tuple[str, str | None]] = {
    "rate": ("rate", None),
    "5xx-share": ("5xx-share", None),
    "p95 --by http.route": ("p95", "http.route"),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cassandra", metavar="HOST:PORT", help="default: a stack of its own")
    parser.add_argument("--asked", type=int, default=100, help="charts of each kind that are timed")
    options = parser.parse_args([] if arguments is None else arguments)
    with keyspaced(options.cassandra) as settings:
        store = opened(settings)
        try:
            load(CassandraSeries(store.session))
            ask(settings, store, options.asked)
        finally:
            store.close()


def load(series: CassandraSeries) -> None:
    writer, started = SeriesWriter(series), time.monotonic()
    minutes = range(BEGIN, NOW, MINUTE)
    for hour in range(0, len(minutes), 60):
        records = [(f"topic:0:{hour + place}", summary(at)) for place, at in enumerate(minutes[hour : hour + 60])]
        if refused := writer.save(records):
            sys.exit(f"error: refused {refused[0].reason}")
    took = time.monotonic() - started
    print(f"rolled up     {len(minutes):,} summaries of 60 series each in {took:.0f} s, {len(minutes) / took:,.0f}/s", flush=True)


def summary(at: int) -> bytes:
    """A record of topic `summaries`: twenty routes with three statuses each."""
    chance, items = random.Random(at), []
    for place in range(60):
        known = {
            "service.name": "web", "log.type": "http", "host.name": "web-1", "http.route": f"/route/{place // 3}",
            "http.request.method": "GET", "http.response.status_code": (200, 404, 503)[place % 3], "severity_number": 9,
        }  # fmt: skip
        count, seconds = chance.randrange(1, 50), chance.random()
        histogram = [count if seconds <= bound else 0 for bound in DURATION_BOUNDS]
        items.append([*(known.get(name) for name in DIMENSIONS), count, count, count * seconds, seconds, count * 512, "a line", *histogram])
    return orjson.dumps({"service.name": "web", "second": at, "late": False, "items": items})


def ask(settings: Settings, store: CassandraStore, times: int) -> None:
    kept = {name: durations.read(getattr(settings, f"keep_series_{name}")) for name in ("1s", "1m", "1h")}
    for name, (measure, by) in CHARTS.items():

        def drawn(measure: str = measure, by: str | None = by) -> int:
            series = CassandraSeries(store.session)
            return sum(map(len, chart(series, "web", BEGIN, NOW, measure, NOW, kept, None, by).lines.values()))

        drawn()
        p99 = timed(f"30 days of {name}", drawn, times)
        print(f"              target {TARGET_MS:.0f} ms: {'reached' if p99 <= TARGET_MS else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
