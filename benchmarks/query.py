"""How fast the history answers with 2 million events in the table: `python -m benchmarks.query`.

Loads real access log lines (../shared/data, else made-up ones) with shifted times and new uids straight into Cassandra: half of them
one busy service's two hours, half four services' day. Then measures the first page (100 rows) of random service-hours as the command
asks for it, counts every row, and asks for a page with each filter, also ones that few rows fit.
Starts a stack of its own, or takes the Cassandra of --cassandra HOST:PORT, where a keyspace of the run's own is made and dropped.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import zstandard

from benchmarks.servers import running_stack
from logverse import instant
from logverse.event import LogEvent
from logverse.settings import Settings, load
from storage.history import EventQuery, History
from storage.rows import StoredEvent
from storage.schema import applying
from storage.store import Selection, Store
from storage.stores import STORES

REAL = Path(__file__).parents[2] / "shared/data/http/nginx_logs.log.zst"
LINE = re.compile(r'(\S+) \S+ \S+ \[[^]]*\] "(\S+) (\S+)[^"]*" (\d{3}) (\d+)')
HOUR = 3_600_000
MIDNIGHT = 1_767_225_600_000  # 2026-01-01
BUSY, OTHERS = "web", ("api", "shop", "search", "mail")
TARGET_MS = 100.0


class Template(NamedTuple):
    """A line's record with places for its time and uid, and its columns."""

    record: bytes
    status: int
    route: str
    client: str


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cassandra", metavar="HOST:PORT", help="default: a stack of its own")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--asked", type=int, default=500, help="first pages that are timed")
    options = parser.parse_args([] if arguments is None else arguments)
    with keyspaced(options.cassandra) as settings:
        store = STORES["cassandra"](settings)
        try:
            measure(store, options.events, options.asked)
        finally:
            store.close()


@contextmanager
def keyspaced(cassandra: str | None) -> Iterator[Settings]:
    """Settings of an empty keyspace with the schema."""
    if cassandra is None:
        with running_stack() as settings, _schema(settings):
            yield settings
    else:
        settings = load({"home": "/nonexistent"}, {"LOGVERSE_CASSANDRA_HOSTS": cassandra})
        settings = replace(settings, cassandra_keyspace=f"bench{uuid.uuid4().hex[:8]}")
        with _schema(settings):
            yield settings


@contextmanager
def _schema(settings: Settings) -> Iterator[None]:
    with applying.opened(settings) as schema:
        schema.migrate("", "bench", lambda _: None, time.sleep, instant.now)
        try:
            yield
        finally:
            schema._session.execute(f"DROP KEYSPACE {schema.keyspace}", timeout_s=60)


def measure(store: Store, events: int, asked: int) -> None:
    started = time.monotonic()
    for chunk in _chunks(made(events), 10_000):
        if refused := store.save_events(chunk):
            sys.exit(f"error: refused {refused[0].reason}")
    took = time.monotonic() - started
    print(f"loaded        {events:,} events in {took:.0f} s, {events / took:,.0f}/s, this process making them too", flush=True)
    history, hours = History(store), random.Random(7)

    def service_hour() -> tuple[str, int]:
        if hours.random() < 0.5:
            return BUSY, MIDNIGHT + 12 * HOUR + hours.randrange(2) * HOUR // 2
        return hours.choice(OTHERS), MIDNIGHT + hours.randrange(24 * 60 - 60) * 60_000

    def page(**filters: str) -> Callable[[], int]:
        def ask() -> int:
            service, since = service_hour()
            return len(history.events(EventQuery(since, since + HOUR, service, **filters)).rows)  # type: ignore[arg-type]

        return ask

    timed("warming up", page(), 50)
    p99 = timed("first page of a service-hour", page(), asked)
    print(f"              target p99 {TARGET_MS:.0f} ms: {'reached' if p99 <= TARGET_MS else 'MISSED'}", flush=True)
    for name, filters in FILTERS.items():
        timed(name, page(**filters), max(asked // 25, 10))
    counted(store, events)


FILTERS: dict[str, dict[str, str]] = {
    "--client of many": {"client": "10.0.0.7"},
    "--client of one": {"client": "192.0.2.1"},
    "--trace, in no row": {"trace": "0" * 32},
    "--status 404": {"status": "404"},
    "--status 5xx": {"status": "5xx"},
    "--severity ERROR+": {"severity": "ERROR+"},
    "--route /rare": {"route": "/rare"},
    "--grep, in 1 of 1,000": {"grep": "needle"},
    "--grep, in no row": {"grep": "nowhere to be found"},
}


def timed(name: str, ask: Callable[[], int], times: int) -> float:
    """Ask so often; prints p50 and p99 in milliseconds and the rows of a page, and returns p99."""
    took, rows = [], 0
    for _ in range(times):
        started = time.perf_counter()
        rows += ask()
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(len(took) * 99 // 100, len(took) - 1)]
    print(f"{name:<30} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   {rows / times:5.1f} rows a page   {times} times", flush=True)
    return p99


def counted(store: Store, events: int) -> None:
    """Every row, read back."""
    started = time.monotonic()
    found = sum(1 for name in (BUSY, *OTHERS) for _ in store.events(Selection("http", name, 0, 2 * MIDNIGHT), page=10_000))
    took = time.monotonic() - started
    print(f"rows          {found:,} of {events:,} read back in {took:.0f} s, {found / took:,.0f}/s", flush=True)
    if found != events:
        sys.exit("error: not the same number")


def made(count: int) -> Iterator[StoredEvent]:
    """Events: every second one of the busy service's hours."""
    for number, line in enumerate(islice(cycle(templates()), count)):
        place = number / count
        service, at = (BUSY, MIDNIGHT + 12 * HOUR + int(place * 2 * HOUR)) if number % 2 else ("", MIDNIGHT + int(place * 24 * HOUR))
        uid = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"
        record = line.record.replace(b"@TIME@", instant.written(at).encode()).replace(b"@UID@", uid.encode())
        record = record.replace(b"@WORD@", b"needle" if number % 1000 < 2 else b"hay")
        service = service or OTHERS[number // 2 % len(OTHERS)]
        client = "192.0.2.1" if number == count // 2 else "10.0.0.7" if number % 300 < 2 else line.client
        route = "/rare" if number % 5000 < 2 else line.route
        severity = 17 if line.status >= 500 else 9
        yield StoredEvent("http", service, at, uid, severity, line.status, route, client, None, None, None, record)


def templates() -> list[Template]:
    """Of real lines where they are, else made up."""
    found = []
    for line in _lines():
        parts = LINE.match(line)
        if parts:
            client, method, path, status, size = parts.groups()
            fields = {
                "http.request.method": method, "url.path": path.partition("?")[0], "http.route": path.partition("?")[0][:60],
                "http.response.status_code": int(status), "http.response.body.size": int(size), "client.address": client,
            }  # fmt: skip
            event = LogEvent(0, 0, "http", "bench", 17 if status >= "500" else 9, f"{line} @WORD@", "@UID@", fields)
            record = event.to_json().replace(instant.written(0).encode(), b"@TIME@")
            found.append(Template(record, int(status), str(fields["http.route"]), client))
    return found


def _lines() -> list[str]:
    if REAL.exists():
        return zstandard.ZstdDecompressor().stream_reader(REAL.read_bytes()).read().decode("utf-8", "replace").splitlines()
    print("made-up lines: ../shared/data is not beside the checkout", file=sys.stderr)
    return [
        f'10.1.{n % 4}.{n * 31 % 250} - - [01/Jan/2026:00:00:00 +0000] "GET /item/{n % 97} HTTP/1.1" '
        f'{500 if n % 211 == 0 else 404 if n % 53 == 0 else 200} {n % 9000} "-" "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0"'
        for n in range(50_000)
    ]


def _chunks(events: Iterable[StoredEvent], size: int) -> Iterator[list[StoredEvent]]:
    source = iter(events)
    while chunk := list(islice(source, size)):
        yield chunk


if __name__ == "__main__":
    main(sys.argv[1:])
