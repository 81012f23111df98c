"""What each kind of episode does to the requests in its span. To add a kind: one function, one line here, its entry in KINDS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from random import Random

from logverse.instant import Millis
from producers.simulator.episodes import Episode
from producers.simulator.sites import Route
from producers.simulator.visitors import Visit


@dataclass(slots=True)
class Request:
    """One request, at the moment its line is written (its end, as in nginx); `duration` in seconds, `size` in bytes."""

    at: Millis
    route: Route
    visit: Visit
    path: str
    referer: str
    status: int
    size: int
    duration: float


Effect = Callable[[Episode, Request, Random], Request | None]

_ERROR_PAGE = 197  # bytes of nginx's own 503 page
UPSTREAM_TIMEOUT_S = 30.0
DOWN_MS = 4_000


def fail(episode: Episode, request: Request, random: Random) -> Request:
    """A share of the requests finds its upstream overloaded: most are turned away late, some run into the timeout."""
    if random.random() < episode.magnitude:
        kind = random.random()
        request.size = _ERROR_PAGE
        if kind < 0.15:
            request.status, request.duration = 504, UPSTREAM_TIMEOUT_S + random.random() / 50
        else:
            request.status, request.duration = 502 if kind < 0.25 else 503, random.lognormvariate(log(4), 0.5)
    return request


def crash(episode: Episode, request: Request, random: Random) -> Request:
    """A share of the requests meets a bug: answered at once, with a 500."""
    if random.random() < episode.magnitude:
        request.status, request.size = 500, _ERROR_PAGE
    return request


def slow(episode: Episode, request: Request, _: Random) -> Request:
    request.duration *= episode.magnitude
    return request


def drift(episode: Episode, request: Request, _: Random) -> Request:
    request.duration *= 1 + (episode.magnitude - 1) * (request.at - episode.start) / (episode.end - episode.start)
    return request


def drop(episode: Episode, request: Request, random: Random) -> Request | None:
    return None if random.random() < episode.magnitude else request


def restart(episode: Episode, request: Request, random: Random) -> Request:
    """Old instances go before the new ones listen; the new ones answer slowly until their caches are warm."""
    passed = request.at - episode.start
    if passed < DOWN_MS and random.random() < episode.magnitude:
        request.status, request.size = random.choice((502, 503)), _ERROR_PAGE
        request.duration = random.uniform(0.0, 0.01)
    else:
        request.duration *= 1 + 2 * (1 - passed / (episode.end - episode.start))
    return request


def refill(episode: Episode, request: Request, _: Random) -> Request:
    """Everything is read anew, until the cache knows it again."""
    request.duration *= 1 + (episode.magnitude - 1) * (1 - (request.at - episode.start) / (episode.end - episode.start))
    if request.status == 304:
        request.status, request.size = 200, request.route.size
    return request


# Kinds that change the usual requests; those that add requests are in traffic.py, those of other logs beside it.
EFFECTS: dict[str, Effect] = {
    "error-burst": fail,
    "error-rate": crash,
    "latency-shift": slow,
    "slow-drift": drift,
    "silence": drop,
    "traffic-drop": drop,
    "deploy": restart,
    "cache-flush": refill,
}
