"""What the rules must say about a log, judged without producer, Kafka and Flink: a plain reader feeds the plain watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.files import read_rules
from flink_jobs.rules.watch import Watch
from logverse.alert import Alert
from logverse.summary import DIMENSIONS, Summary

SETTLED_S = 60  # after the last line, until every window is empty and every alert over


class Memory(dict[str, bytes]):
    """A watch's store."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)


def transitions(log: bytes, service: str, rules: Path) -> list[Alert]:
    """Every transition that these rules make of this access log of one service, in order."""
    watch, book = Watch(service, Memory()), RuleBook(read_rules(rules))
    by_second = counts(log.splitlines())
    first, last = min(by_second), max(by_second)
    found: list[Alert] = []
    for second in range(first, last + SETTLED_S * 1000, 1000):
        watch.observe([summary(service, second, status, count) for status, count in by_second.get(second, {}).items()], book)
        found += watch.advance(second + 1000, book)
    return found


def counts(lines: Iterable[bytes]) -> dict[int, Counter[int]]:
    """Lines by second (milliseconds UTC) and status."""
    found: dict[int, Counter[int]] = {}
    for line in lines:
        second = int(datetime.strptime(line.split(b"[", 1)[1].split(b"]", 1)[0].decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1000
        found.setdefault(second, Counter())[int(line.split(b'"')[2].split()[0])] += 1
    return found


def summary(service: str, second: int, status: int, count: int) -> Summary:
    known = {"service.name": service, "log.type": "http", "http.response.status_code": status}
    return Summary(second, tuple(known.get(name) for name in DIMENSIONS), count)
