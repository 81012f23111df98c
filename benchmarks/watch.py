"""What the Python side of the detect job costs and keeps, without Flink: `python -m benchmarks.watch`.

First the work: two hundred rules over 5,000 series, the rows of so many events a second as the SQL would make them, through the same
objects as the job (wire, Watch), in CPU seconds per million events and microseconds a summary. Then the state: so many series, each with an
event every ten seconds for longer than anything is kept; bytes in the store (keys and values) and growth of this process.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks import rules_200
from flink_jobs import wire
from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.watch import Watch
from logverse.rule import Rule
from logverse.summary import DIMENSIONS, DURATION_BOUNDS, Summary

START = 1_767_225_600_000  # 2026-01-01
ROUTES = 100  # of a service, that is 5,000 series
SHARES = {200: 0.985, 404: 0.01, 503: 0.005}  # of statuses
KEPT_S = 1_000  # longer than a window of a minute and the quarter of an hour for late rows


class Store(dict[str, bytes]):
    """A Watch's store in memory."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = bytes(bytearray(value))  # orjson hands out buffers of kilobytes; Flink copies what is in them

    def remove(self, key: str) -> None:
        self.pop(key, None)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of event time, of the work")
    parser.add_argument("--events", type=int, nargs="+", default=[5_000, 100_000], help="a second of event time")
    parser.add_argument("--series", type=int, default=20_000, help="of the state; it grows in proportion")
    options = parser.parse_args(arguments)
    if options.seconds:
        for events in options.events:
            work(options.seconds, events)
    if options.series:
        state(options.series)


def work(seconds: int, events: int) -> None:
    """Prints what judging costs once every series is known."""
    book = RuleBook(rules_200.rules())
    watches = {f"service-{number}": Watch(f"service-{number}", Store()) for number in range(rules_200.SERVICES)}
    rows = list(_rows(seconds + 2, events))
    for second in rows[:2]:
        _pass(second, watches, book)
    began, summaries = time.process_time(), 0
    for second in rows[2:]:
        summaries += _pass(second, watches, book)
    took = time.process_time() - began
    per_million = took / (seconds * events) * 1e6
    series = rules_200.SERVICES * (ROUTES + 3)
    print(
        f"{len(book.plans)} rules, {series:,} series, {events:,} events a second: {per_million:.1f} CPU s per million events,"
        f" {took / summaries * 1e6:.1f} µs a summary"
    )


def _pass(second: list[tuple[str, int, str]], watches: dict[str, Watch], book: RuleBook) -> int:
    count = 0
    for service, at, items in second:
        summaries = wire.summaries(at, items)
        watches[service].observe(summaries, book.within_service(service))
        count += len(summaries)
    for service, at, _ in second:
        watches[service].advance(at + 1000, book.within_service(service))
    return count


def _rows(seconds: int, events: int) -> Iterator[list[tuple[str, int, str]]]:
    """A second's rows: of each service, its items. Events are spread by chance, as the benchmark `detect` does."""
    chance = random.Random(7)
    for number in range(seconds):
        at = START + number * 1000
        routes: dict[str, list[Summary]] = {f"service-{number}": [] for number in range(rules_200.SERVICES)}
        for service, several in routes.items():
            of_service = events // rules_200.SERVICES
            statuses = chance.choices(list(SHARES), list(SHARES.values()), k=of_service)
            hits = Counter(zip((chance.randrange(ROUTES) for _ in range(of_service)), statuses, strict=True))
            several += [_summary(service, at, f"/r{route}/{{id}}", count, status) for (route, status), count in sorted(hits.items())]
        yield [(service, at, wire.items(several)) for service, several in routes.items()]


def _summary(service: str, at: int, route: str, count: int, status: int = 200) -> Summary:
    values = {"service.name": service, "log.type": "http", "http.route": route, "http.request.method": "GET"} | {
        "http.response.status_code": status, "severity_number": 9,
    }  # fmt: skip
    histogram = tuple(0 if bound < 0.05 else count for bound in DURATION_BOUNDS)
    body = '10.0.1.7 - - "GET /r/17 HTTP/1.1" 200 512'
    return Summary(at, tuple(values.get(name) for name in DIMENSIONS), count, count, 0.05 * count, 0.05, histogram, 512 * count, body)


def state(series: int) -> None:
    """Prints what so many series keep."""
    rule = Rule("by route", "percentage_match", {}, ("service.name", "http.route"), 60_000,
                options={"match": {"http.response.status_code": "5xx"}, "max_percentage": 20.0, "min_count": 20})  # fmt: skip
    page = RuleBook([rule]).within_service()
    watches = [Watch(f"service-{number}", Store()) for number in range(max(1, series // 1000))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for second in range(KEPT_S):
        at = START + second * 1000
        for watch in watches:
            of_now = range(second % 10, 1000, 10)
            watch.observe([_summary(watch.key, at, f"/r{route}/{{id}}", 1) for route in of_now], page)
            watch.advance(at + 1000, page)
    stored = [store for store in (watch._store for watch in watches) if isinstance(store, Store)]
    size = sum(len(key) + len(value) for store in stored for key, value in store.items())
    entries = sum(map(len, stored))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    count = len(watches) * 1000
    scale = 100_000 / count / 2**20
    print(f"{count:,} series with an event each ten seconds: {entries / count:.0f} entries and {size / count:,.0f} bytes each in the store")
    print(f"  at 100,000 series {size * scale:,.0f} MiB (goal 1,024), and {(grown - size) * scale:,.0f} MiB of objects in the worker")


if __name__ == "__main__":
    main(sys.argv[1:])
