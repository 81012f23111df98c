"""The lines of the simulated services, in the order of their time.

Every stream of requests has a random generator of its own, named after the seed, the service and the episode. So an episode
changes nothing outside its span: the same seed without it gives the same lines everywhere else, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import accumulate
from operator import attrgetter, itemgetter
from random import Random
from typing import Protocol
from uuid import UUID
from zlib import crc32

from logverse.instant import Millis
from producers.simulator.application import application_lines
from producers.simulator.effects import EFFECTS, Request
from producers.simulator.episodes import KINDS, Episode
from producers.simulator.logins import attacker, login_lines
from producers.simulator.simulation import ACCESS, ACTIVITY, APPLICATION, Line, Simulation, daily
from producers.simulator.sites import Route, site_of, weights
from producers.simulator.visitors import BATCH_AGENT, CRAWLER_AGENT, PROBED, SCANNER_AGENT, Visit, Visitors

__all__ = ["Line", "Simulation", "client", "daily", "lines", "silent"]

PROBING = 0.15  # share of a bot's requests that look for weaknesses
_WORDS = ("lamp", "desk", "chair", "bicycle", "headphones", "coffee+grinder", "rain+jacket", "notebook", "usb-c+cable", "tent")
FAILURES = (500, 502, 503, 504)
_BODILESS = frozenset((204, 304))


class _Asks(Protocol):
    """Whoever makes the next request of a stream."""

    def next(self) -> Visit: ...


class _OneClient:
    """A batch: always the same machine of ours."""

    def __init__(self, random: Random) -> None:
        self._visit = Visit(f"10.20.0.{random.randrange(2, 250)}", BATCH_AGENT, False, "-", 0)

    def next(self) -> Visit:
        return self._visit


class _Scanner(_OneClient):
    """A machine that looks for weaknesses; its agent says so."""

    def __init__(self, random: Random) -> None:
        self._visit = Visit(f"203.0.113.{random.randrange(2, 250)}", SCANNER_AGENT, True, "-", 0)


class _Crawler(_OneClient):
    """A search engine's machine: it reads what there is and looks for no weakness."""

    def __init__(self, random: Random) -> None:
        self._visit = Visit(f"192.0.2.{random.randrange(2, 250)}", CRAWLER_AGENT, False, "-", 0)

    def next(self) -> Visit:
        self._visit.referer = "-"
        return self._visit


# Kinds that add the requests of one client.
ALONE: dict[str, type[_OneClient]] = {"batch-run": _OneClient, "scan": _Scanner, "crawler": _Crawler}


def lines(simulation: Simulation) -> Iterator[Line]:
    """All lines of all logs of all services by time; endless when the simulation has no end."""
    streams = {ACCESS: _access_lines, APPLICATION: application_lines, ACTIVITY: login_lines}
    found = [_heard(simulation, service, streams[log](simulation, service)) for log in simulation.logs for service in simulation.services]
    return merge(*found, key=itemgetter(0))


def silent(simulation: Simulation, episode: Episode) -> int:
    """The number of the host that a `silent-host` is about."""
    return 1 + int(simulation.random(episode.service, ACCESS, episode).random() * simulation.hosts)


def _access_lines(simulation: Simulation, service: str) -> Iterator[Line]:
    if simulation.hosts == 1:
        return _service_lines(simulation, service)
    return _spread(simulation, _service_lines(simulation, service))


def _spread(simulation: Simulation, found: Iterator[Line]) -> Iterator[Line]:
    """Lines over hosts as their text falls, so that a line more or less moves no other."""
    return (line._replace(host=1 + crc32(line.text.encode()) % simulation.hosts) for line in found)


def _heard(simulation: Simulation, service: str, found: Iterator[Line]) -> Iterator[Line]:
    """What the service's hosts still say in any of its logs: nothing of a silent service, and a silent host's work is others'."""
    quiet = [episode for episode in simulation.of(service, "silence") if episode.route is None]
    away = [(episode, silent(simulation, episode)) for episode in simulation.of(service, "silent-host")]
    return _unsaid(found, quiet, away, simulation.hosts) if quiet or away else found


def _unsaid(found: Iterator[Line], quiet: list[Episode], away: list[tuple[Episode, int]], hosts: int) -> Iterator[Line]:
    for line in found:
        lot = (crc32(line.text.encode()) >> 8 & 0xFFFF) / 0x10000
        if any(line.log != ACCESS and episode.start <= line.at < episode.end and lot < episode.magnitude for episode in quiet):
            continue
        for episode, gone in away:
            if line.host == gone and episode.start <= line.at < episode.end and lot < episode.magnitude:
                line = line._replace(host=gone % hosts + 1)
        yield line


def _service_lines(simulation: Simulation, service: str) -> Iterator[Line]:
    episodes = simulation.of(service, *(kind for kind in KINDS if KINDS[kind].log == ACCESS and kind != "silent-host"))
    streams = [_usual(simulation, service)]
    streams += [_added(simulation, episode) for episode in episodes if episode.kind not in EFFECTS]
    requests = merge(*streams, key=attrgetter("at")) if len(streams) > 1 else streams[0]
    effects = [(episode, EFFECTS[episode.kind], _random(simulation, episode)) for episode in episodes if episode.kind in EFFECTS]
    second, stamp = -1, ""
    for request in requests:
        for episode, effect, random in effects:
            if episode.start <= request.at < episode.end and episode.route in (None, request.route.template):
                affected = effect(episode, request, random)
                if affected is None:
                    break
        else:
            if request.at // 1000 != second:
                second = request.at // 1000
                stamp = datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            yield Line(request.at, service, _written(request, stamp))


def _written(request: Request, stamp: str) -> str:
    """The combined format with $request_time at its end."""
    return (
        f'{request.visit.address} - - [{stamp}] "{request.route.method} {request.path} HTTP/1.1" {request.status} {request.size}'
        f' "{request.referer}" "{request.visit.agent}" {request.duration:.3f}\n'
    )


def _usual(simulation: Simulation, service: str) -> Iterator[Request]:
    random = Random(f"{simulation.seed}/{service}")  # noqa: S311 - nothing secret here
    visitors = Visitors(random, int(simulation.rate * 3))

    def rate(second: int) -> float:
        return daily(simulation.rate, second)

    return _requests(random, service, site_of(service), visitors, rate, simulation.seconds())


def client(simulation: Simulation, episode: Episode) -> str | None:
    """The address of the one client that an episode adds; None when it adds none."""
    if episode.kind == "brute-force":
        return attacker(simulation, episode)
    return ALONE[episode.kind](_random(simulation, episode)).next().address if episode.kind in ALONE else None


def added_routes(episode: Episode) -> Sequence[Route]:
    """The routes that the requests go to which an episode adds."""
    routes = [route for route in site_of(episode.service) if episode.route in (None, route.template)]
    if episode.kind == "crawler":
        return [route for route in routes if route.method == "GET"] or routes[:1]
    return routes[:1] if episode.kind == "batch-run" else routes


def added_factor(episode: Episode) -> float:
    """How many times the usual rate it adds."""
    return episode.magnitude if KINDS[episode.kind].adds else episode.magnitude - 1


def _added(simulation: Simulation, episode: Episode) -> Iterator[Request]:
    """The requests that come on top of the usual ones: a crowd's, or one client's."""
    random = _random(simulation, episode)
    routes, factor = added_routes(episode), added_factor(episode)
    asking: _Asks = ALONE[episode.kind](random) if episode.kind in ALONE else Visitors(random, int(simulation.rate * 3))

    def rate(second: int) -> float:
        return factor * daily(simulation.rate, second)

    return _requests(random, episode.service, routes, asking, rate, simulation.seconds(episode))


def _random(simulation: Simulation, episode: Episode) -> Random:
    name = f"{simulation.seed}/{episode.service}/{episode.kind}/{episode.route}/{episode.start}"
    return Random(name)  # noqa: S311 - nothing secret here


def _requests(
    random: Random, service: str, routes: Sequence[Route], asking: _Asks, rate: Callable[[int], float], seconds: Iterable[int]
) -> Iterator[Request]:
    """A Poisson process whose rate is constant within each second: exponential gaps, begun anew at every second."""
    cumulative = list(accumulate(weights(routes)))
    choices, gap = random.choices, random.expovariate
    for second in seconds:
        per_second = rate(second)
        passed = gap(per_second)
        while passed < 1:
            route, visit = choices(routes, cum_weights=cumulative)[0], asking.next()
            if visit.bot and route.method != "GET":
                route = routes[0]
            yield _request(second * 1000 + int(passed * 1000), service, route, visit, random)
            passed += gap(per_second)


def _request(at: Millis, service: str, route: Route, visit: Visit, random: Random) -> Request:
    if visit.agent is SCANNER_AGENT:
        return _scanned(at, visit, random)
    if visit.bot and random.random() < PROBING:
        return _probe(at, visit, random)
    path, status = _path(route, random), _status(route, random)
    referer = "-" if path.startswith("/v1/") else visit.referer
    duration = random.lognormvariate(route.log_median, route.spread)
    if status >= 500:
        size, duration = 197, duration * 3
    else:
        size = 0 if status in _BODILESS else int(route.size * (0.85 + 0.3 * random.random()))
        if route.method == "GET" and not visit.bot and not path.startswith(("/v1/", "/static/", "/images/", "/favicon")):
            visit.referer = f"https://{service}.example.com{path}"
    return Request(at, route, visit, path, referer, status, size, duration)


HIDDEN = ("admin", "backup", "old", "cgi-bin", "config", "db", "shell", "setup", "test", "uploads", "vendor", "wp-content")
NOWHERE = Route("GET", "/nowhere", 0.001, 153)


def _probe(at: Millis, visit: Visit, random: Random) -> Request:
    path = PROBED[int(random.random() * len(PROBED))]
    return Request(at, NOWHERE, visit, path, "-", 404, NOWHERE.size, random.lognormvariate(NOWHERE.log_median, 0.5))


def _scanned(at: Millis, visit: Visit, random: Random) -> Request:
    """One of very many paths that no site has."""
    path = f"/{HIDDEN[int(random.random() * len(HIDDEN))]}/{HIDDEN[int(random.random() * len(HIDDEN))]}{int(random.random() * 100)}.php"
    return Request(at, NOWHERE, visit, path, "-", 404, NOWHERE.size, random.lognormvariate(NOWHERE.log_median, 0.5))


def _path(route: Route, random: Random) -> str:
    path = route.path
    if "{" not in path:
        return path
    if "{id}" in path:
        return path.replace("{id}", str(int(10 * random.paretovariate(0.7)) % 20_000), 1)
    if "{uuid}" in path:
        return path.replace("{uuid}", str(UUID(int=random.getrandbits(128), version=4)), 1)
    if "{page}" in path:
        return path.replace("{page}", str(int(random.paretovariate(1.2))), 1)
    return path.replace("{word}", _WORDS[int(random.random() * len(_WORDS))], 1)


def _status(route: Route, random: Random) -> int:
    drawn = random.random()
    if drawn < route.failing:
        return FAILURES[int(drawn / route.failing * len(FAILURES))]
    drawn = (drawn - route.failing) / (1 - route.failing)
    for status, share in route.answers:
        drawn -= share
        if drawn < 0:
            return status
    return route.answers[0][0]
