"""What topic `summaries` says of the services' traffic: the rate of now, and the sums of all."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from logverse.errors import Malformed
from logverse.instant import Millis
from logverse.summary import DIMENSIONS

RECENT = 5  # seconds of event time that the rate of now is about
_SERVICE, _ROUTE, _METHOD, _STATUS = (
    DIMENSIONS.index(name) for name in ("service.name", "http.route", "http.request.method", "http.response.status_code")
)


@dataclass(frozen=True, slots=True)
class Second:
    """One second of one service, as the detect job summed it up: rows of DIMENSIONS, then the count, then figures."""

    service: str
    at: Millis
    rows: list[list[Any]]

    @classmethod
    def from_json(cls, data: bytes) -> Second:
        try:
            flat = orjson.loads(data)
            rows = [[*row[: len(DIMENSIONS)], int(row[len(DIMENSIONS)])] for row in flat["items"]]
            return cls(str(flat["service.name"]), int(flat["second"]), rows)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Malformed(f"not a summary: {error}") from error


@dataclass(slots=True)
class Traffic:
    """Sums over all seconds that were taken. Times are event time; `classes` counts by the hundreds of the status, 0 without one.

    >>> traffic = Traffic()
    >>> row = dict.fromkeys(DIMENSIONS) | {"http.response.status_code": 503, "count": 4}
    >>> traffic.take(Second("shop", 1_000, [list(row.values())]))
    >>> traffic.events, traffic.classes[5], traffic.now(["shop"])
    (4, 4, {'shop': (0.8, 1.0)})
    """

    events: int = 0
    first: Millis | None = None
    last: Millis | None = None
    services: Counter[str] = field(default_factory=Counter)
    classes: Counter[int] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    _recent: dict[Millis, Counter[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(Counter))

    def take(self, second: Second) -> None:
        self.first = second.at if self.first is None else min(self.first, second.at)
        self.last = second.at if self.last is None else max(self.last, second.at)
        for row in second.rows:
            count, status = row[-1], row[_STATUS] or 0
            self.events += count
            self.services[second.service] += count
            self.classes[status // 100] += count
            if row[_ROUTE]:
                self.routes[f"{row[_METHOD]} {row[_ROUTE]}"] += count
            self._recent[second.at][second.service, status >= 500] += count
        for old in [at for at in self._recent if at <= self.last - 1000 * RECENT]:
            del self._recent[old]

    def now(self, services: list[str]) -> dict[str, tuple[float, float]]:
        """By service: events a second over the last RECENT seconds, and the share of them that failed (0-1)."""
        last: Counter[tuple[str, bool]] = sum(self._recent.values(), Counter())
        counts = {name: (last[name, False], last[name, True]) for name in services}
        return {name: ((good + bad) / RECENT, bad / max(1, good + bad)) for name, (good, bad) in counts.items()}
