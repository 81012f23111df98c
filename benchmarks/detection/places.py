"""Where simulated requests go: routes as the parsers name them, with what tells the paths of one apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray

from producers.routes import Routes
from producers.simulator.sites import Route, site_of
from producers.simulator.traffic import HIDDEN, NOWHERE
from producers.simulator.visitors import PROBED

_EXAMPLES = {"{id}": "42", "{uuid}": "2f1c9a0e-5a3b-4c58-9d5e-0123456789ab"}
_UUIDS = 1 << 40


@dataclass(frozen=True, slots=True)
class Spot:
    """One kind of request. `site` is how the simulator writes it, `route` is `http.route`."""

    method: str
    site: str
    route: str
    variable: str  # "id", "uuid", "" …
    log_median: float
    spread: float
    failing: float
    answers: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, route: Route) -> Spot:
        path = route.template
        for name, example in _EXAMPLES.items():
            path = path.replace(name, example)
        (variable,) = [name[1:-1] for name in _EXAMPLES if name in route.template] or [""]
        named = Routes().of(path)
        return cls(route.method, route.template, named, variable, route.log_median, route.spread, route.failing, route.answers)

    def paths(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """A number for the path of each of so many requests (its query is no part of it)."""
        if self.variable == "id":
            found: NDArray[np.int64] = (np.floor(10 * random.random(count) ** (-1 / 0.7)) % 20_000).astype(np.int64)
            return found
        if self.variable == "uuid":
            return random.integers(_UUIDS, size=count)
        return random.integers(len(HIDDEN) * 100, size=count) if self.variable == "hidden" else np.zeros(count, np.int64)


def _nowhere(path: str, variable: str = "") -> Spot:
    return Spot("GET", path, Routes().of(path), variable, log(NOWHERE.median_s), 0.5, 0.0, ((404, 1.0),))


PROBES = [_nowhere(path) for path in PROBED]
SCANNED = [_nowhere(f"/{first}/backup42.php", "hidden") for first in HIDDEN]


@cache
def spots(service: str) -> list[Spot]:
    """All there is to ask a service for, a scanner's targets at the end."""
    return [*(Spot.of(route) for route in site_of(service)), *PROBES, *SCANNED]
