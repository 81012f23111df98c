"""The product's own watch over a stream of summaries, without Flink: what fired, when, and about whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flink_jobs.rules.book import RuleBook, project
from flink_jobs.rules.watch import Watch
from logverse.alert import Alert
from logverse.instant import Millis
from logverse.rule import Rule
from logverse.summary import Summary

SECOND: Millis = 1000


class Memory(dict[str, bytes]):
    """A watch's store."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fired. `active_at`: its condition held since then; `ends_at` None: it still fired when all was over."""

    rule: str
    group: Mapping[str, str]
    severity: str
    active_at: Millis
    starts_at: Millis
    ends_at: Millis | None
    sentence: str


def watch(services: Mapping[str, Iterable[tuple[Millis, list[Summary]]]], rules: Sequence[Rule], at_once: int = 60) -> list[Firing]:
    """Every firing of these rules over the services' seconds, which all begin at the same instant.

    As in flink_jobs/operators.py: a watch for each service, and one for each rule that looks across services. What a watch finds does not
    depend on how often it is asked to judge (a test holds it), so it is given some seconds `at_once`, which costs half.
    """
    book, found = RuleBook(rules), Firings()
    within = {service: Watch(service, Memory()) for service in services}
    across = {name: Watch(name, Memory(), across=True) for name in book.across().plans}
    for until, seen in _together(services, at_once):
        for service, summaries in seen.items():
            seen[service] = list(within[service].observe(summaries, book.within_service()))
            found.take(within[service].advance(until, book.within_service()))
        for name, one in across.items():
            for summaries in seen.values():
                one.observe(project(summaries, book.plans[name]), book.only(name))
            found.take(one.advance(until, book.only(name)))
    return found.all()


def _together(
    services: Mapping[str, Iterable[tuple[Millis, list[Summary]]]], at_once: int
) -> Iterator[tuple[Millis, dict[str, list[Summary]]]]:
    """So many seconds of all services, with the instant at which they are over."""
    rows = zip(*services.values(), strict=True)
    while some := list(islice(rows, at_once)):
        seen = {name: [one for row in some for one in row[place][1]] for place, name in enumerate(services)}
        yield some[-1][0][0] + SECOND, seen


class Firings:
    """Transitions in the order in which they are told → firings. Shadow rules notify nobody, so they do not count."""

    def __init__(self) -> None:
        self._open: dict[str, Alert] = {}
        self._over: list[Firing] = []

    def take(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if alert.status == "firing" and not alert.shadow:
                self._open.setdefault(alert.id, alert)
            elif alert.status in ("resolved", "inactive") and alert.id in self._open:
                self._over.append(_firing(self._open.pop(alert.id), alert.at if alert.ends_at is None else alert.ends_at))

    def all(self) -> list[Firing]:
        """In the order of their beginning."""
        return sorted([*self._over, *(_firing(alert, None) for alert in self._open.values())], key=lambda one: one.starts_at)


def _firing(alert: Alert, ends_at: Millis | None) -> Firing:
    starts_at = alert.at if alert.starts_at is None else alert.starts_at
    return Firing(alert.rule, dict(alert.group), alert.severity, alert.active_at, starts_at, ends_at, alert.explanation.sentence)
