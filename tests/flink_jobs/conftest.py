"""Words to say what a watch saw and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.matched import MatchedEvent
from flink_jobs.rules.watch import Watch
from logverse.alert import Alert
from logverse.anomaly import Anomaly
from logverse.rule import Rule
from logverse.summary import DIMENSIONS, DURATION_BOUNDS, Summary

START = 1_790_000_000_000  # a whole minute of event time: second 0 of every scene


class MemoryStore:
    """The twin of Flink's state in memory; a copy of it is what a checkpoint holds."""

    def __init__(self, entries: dict[str, bytes] | None = None) -> None:
        self.entries = dict(entries or {})

    def get(self, key: str) -> bytes | None:
        return self.entries.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.entries[key] = value

    def remove(self, key: str) -> None:
        self.entries.pop(key, None)

    def items(self) -> Iterable[tuple[str, bytes]]:
        return list(self.entries.items())


class Scene:
    """A watch over one key and the rules it is given. Seconds are counted from START."""

    def __init__(self, *rules: Rule) -> None:
        self.book, self.store = RuleBook(rules), MemoryStore()
        self.watch = Watch("web", self.store)
        self.alerts: list[Alert] = []
        self.anomalies: list[Anomaly] = []

    def crash(self) -> None:
        """Goes on from what the store holds, with nothing in memory."""
        self.store = MemoryStore(self.store.entries)
        self.watch = Watch("web", self.store)

    def sees(self, *rows: Summary, late: bool = False) -> None:
        self.watch.observe(rows, self.book, late)

    def sees_events(self, *events: MatchedEvent, late: bool = False) -> None:
        self.watch.observe_events(events, self.book, late)

    def until(self, second: int) -> list[Alert]:
        alerts = self.watch.advance(START + second * 1000, self.book)
        self.alerts += alerts
        self.anomalies += self.watch.anomalies()
        return alerts

    def lives(self, rows: Callable[[int], Sequence[Summary]], first: int, last: int) -> list[Alert]:
        """Second by second from `first` to before `last`, as the operator does it."""
        alerts: list[Alert] = []
        for second in range(first, last):
            self.sees(*rows(second))
            alerts += self.until(second + 1)
        return alerts

    @property
    def told(self) -> list[tuple[int, str]]:
        return story(self.alerts)


def story(alerts: Iterable[Alert]) -> list[tuple[int, str]]:
    """Transitions as (second, status)."""
    return [((alert.at - START) // 1000, alert.status) for alert in alerts]


def row(second: int, count: int = 1, *, duration: float | None = None, sample: str = "a line", **dimensions: str | int | None) -> Summary:
    """One second of one series: `count` requests GET /pay on web-1, 200, each of `duration` seconds."""
    known = {
        "service.name": "web", "log.type": "http", "host.name": "web-1", "http.route": "/pay", "http.request.method": "GET",
        "http.response.status_code": 200, "severity_number": 9,
    } | {_FIELDS[name]: value for name, value in dimensions.items()}  # fmt: skip
    plain = Summary(START + second * 1000, tuple(known.get(name) for name in DIMENSIONS), count, sample=sample)
    if duration is None:
        return plain
    histogram = tuple(count if duration <= bound else 0 for bound in DURATION_BOUNDS)
    return replace(plain, duration_count=count, duration_sum=count * duration, duration_max=duration, histogram=histogram)


_FIELDS = {name.split(".")[-1]: name for name in DIMENSIONS} | {
    "service": "service.name", "host": "host.name", "status": "http.response.status_code", "severity": "severity_number",
}  # fmt: skip


@pytest.fixture(scope="session")
def scene() -> type[Scene]:
    return Scene


@pytest.fixture(scope="session", name="row")
def row_fixture() -> Callable[..., Summary]:
    return row


@pytest.fixture(scope="session", name="story")
def story_fixture() -> Callable[[Iterable[Alert]], list[tuple[int, str]]]:
    return story


@pytest.fixture(scope="session")
def start() -> int:
    return START
