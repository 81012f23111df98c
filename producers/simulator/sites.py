"""The simulated services: their routes, how often each is asked for, and how it usually answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

# Zipf's exponent for the popularity of routes: the second is asked for about half as often as the first.
ZIPF_EXPONENT = 1.1


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request. `{id}` and `{uuid}` in the path are drawn anew for each; durations are log-normal about `median_s`."""

    method: str
    path: str
    median_s: float
    size: int  # typical bytes of the body
    answers: tuple[tuple[int, float], ...] = ((200, 1.0),)  # status without an error of the server → share; they sum up to 1
    failing: float = 0.004  # usual share of 5xx
    spread: float = 0.45  # sigma of the logarithm of the duration

    @property
    def template(self) -> str:
        """The path without its query: what a parser should derive as `http.route`."""
        return self.path.partition("?")[0]

    @property
    def log_median(self) -> float:
        return log(self.median_s)


_CACHED = ((200, 0.72), (304, 0.28))
_FOUND = ((200, 0.955), (304, 0.02), (404, 0.025))

# The most asked for first. To add a service with traffic of its own: one entry.
SITES: dict[str, Sequence[Route]] = {
    "web": (
        Route("GET", "/", 0.045, 18_400),
        Route("GET", "/products/{id}", 0.070, 24_800, _FOUND, failing=0.006),
        Route("GET", "/static/app.js", 0.002, 182_340, _CACHED, failing=0.001),
        Route("GET", "/static/app.css", 0.002, 41_220, _CACHED, failing=0.001),
        Route("GET", "/search?q={word}", 0.130, 12_900, failing=0.008, spread=0.7),
        Route("GET", "/images/products/{id}.webp", 0.004, 58_700, ((200, 0.62), (304, 0.36), (404, 0.02)), failing=0.001),
        Route("GET", "/categories/{id}", 0.085, 21_300, _FOUND, failing=0.006),
        Route("GET", "/favicon.ico", 0.001, 4_286, _CACHED, failing=0.001),
        Route("POST", "/login", 0.180, 320, ((302, 0.90), (401, 0.10)), failing=0.005),
        Route("GET", "/account", 0.090, 9_600, ((200, 0.9), (302, 0.1)), failing=0.005),
    ),
    "api": (
        Route("GET", "/v1/products/{id}", 0.018, 1_450, _FOUND, failing=0.004),
        Route("GET", "/v1/products?page={page}", 0.035, 14_200, failing=0.005),
        Route("GET", "/v1/users/{id}", 0.022, 860, ((200, 0.97), (404, 0.03)), failing=0.004),
        Route("POST", "/v1/sessions", 0.160, 412, ((201, 0.93), (401, 0.07)), failing=0.005),
        Route("GET", "/v1/stock/{id}", 0.012, 128, failing=0.003),
        Route("PUT", "/v1/users/{id}", 0.060, 96, ((204, 0.96), (400, 0.03), (409, 0.01)), failing=0.006),
        Route("GET", "/v1/recommendations?user={id}", 0.220, 5_300, failing=0.009, spread=0.8),
        Route("DELETE", "/v1/sessions/{uuid}", 0.020, 0, ((204, 1.0),), failing=0.002),
    ),
    "shop": (
        Route("GET", "/cart", 0.055, 7_200, failing=0.004),
        Route("POST", "/cart/items", 0.075, 240, ((201, 0.97), (409, 0.03)), failing=0.005),
        Route("GET", "/orders/{id}", 0.065, 5_900, ((200, 0.98), (404, 0.02)), failing=0.004),
        Route("POST", "/checkout", 0.240, 1_150, ((200, 0.96), (400, 0.04)), failing=0.008, spread=0.6),
        Route("POST", "/pay", 0.420, 510, ((200, 0.95), (402, 0.05)), failing=0.009, spread=0.6),
        Route("GET", "/shipping/{uuid}", 0.050, 1_900, failing=0.003),
        Route("DELETE", "/cart/items/{id}", 0.045, 0, ((204, 0.98), (404, 0.02)), failing=0.004),
    ),
}


def site_of(service: str) -> Sequence[Route]:
    """The routes of a service; one that SITES does not know looks like `web`."""
    return SITES.get(service, SITES["web"])


def weights(routes: Sequence[Route]) -> list[float]:
    """How often each route is asked for, relative to the others (Zipf's law by rank)."""
    return [1 / rank**ZIPF_EXPONENT for rank in range(1, len(routes) + 1)]
