"""What the simulated services do in a day, drawn with numpy from the simulator's model: its rates, sites, visitors, messages, faults.

The simulator writes a line for each event, which for days of many seeds takes hours. Here an event is a place in a few arrays, and
no text is made. `tests/benchmarks/test_drawing.py` holds that both come to the same summaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from math import log

import numpy as np

from benchmarks.detection.arrays import Day, Flags, Floats, Ints, Logins, Messages, Requests
from benchmarks.detection.places import PROBES, SCANNED, Spot, spots
from producers.simulator import effects
from producers.simulator.application import MESSAGES, RARE, SHARE, WORDS
from producers.simulator.episodes import KINDS, Episode
from producers.simulator.logins import MISTYPED, TARGETS, USERS
from producers.simulator.logins import SHARE as LOGINS
from producers.simulator.simulation import ACCESS, Simulation, daily
from producers.simulator.sites import ZIPF_EXPONENT, site_of
from producers.simulator.traffic import ALONE, FAILURES, PROBING, added_factor, added_routes, silent
from producers.simulator.visitors import BOT_SHARE

ALONE_FROM = 1_000_000  # numbers of clients from here on: the one client of an episode, by its place among the simulation's
_CLIENTS = 100_000


def draw(simulation: Simulation, service: str) -> Day:
    """A day as the simulator would write it, but for the draw; the same simulation gives the same day."""
    random = np.random.default_rng([simulation.seed, *service.encode()])
    return Day(_requests(simulation, service, random), _messages(simulation, service, random), _logins(simulation, service, random))


def _moments(random: np.random.Generator, rate: float, factor: float, seconds: Iterable[int]) -> Ints:
    """The second of each event of a Poisson process, `factor` times the daily course of `rate`."""
    there = np.fromiter(seconds, np.int64)
    rates = np.fromiter((factor * daily(rate, second) for second in there.tolist()), np.float64)
    return np.repeat(there, random.poisson(rates))


def _inside(episode: Episode, second: Ints) -> Flags:
    return (second >= episode.start // 1000) & (second < episode.end // 1000)


# Requests


def _requests(simulation: Simulation, service: str, random: np.random.Generator) -> Requests:
    episodes = simulation.of(service, *(kind for kind in KINDS if KINDS[kind].log == ACCESS and kind != "silent-host"))
    found = [_asked(simulation, service, None, random)]
    found += [_asked(simulation, service, episode, random) for episode in episodes if episode.kind not in effects.EFFECTS]
    requests = Requests(*(np.concatenate([getattr(one, field.name) for one in found]) for field in fields(Requests)))
    templates = [spot.site for spot in spots(service)]
    for episode in episodes:
        if episode.kind in EFFECTS:
            touched = _inside(episode, requests.second)
            if episode.route is not None:
                touched &= np.array([template == episode.route for template in templates])[requests.spot]
            kept = EFFECTS[episode.kind](episode, requests, np.flatnonzero(touched), random)
            requests = requests if kept is None else requests.take(kept)
    requests.duration = np.round(requests.duration, 3)  # as nginx writes it
    requests.host = _heard(simulation, service, requests.second, requests.host, random)
    return requests


def _asked(simulation: Simulation, service: str, episode: Episode | None, random: np.random.Generator) -> Requests:
    """The usual requests, or those that an episode adds."""
    second = _moments(random, simulation.rate, 1.0 if episode is None else added_factor(episode), simulation.seconds(episode))
    if episode is not None and episode.kind in ALONE:
        client = np.full(second.size, ALONE_FROM + simulation.episodes.index(episode))
        bot = np.zeros(second.size, np.bool_)
    else:
        client = _visitors(random, second.size, max(3, int(simulation.rate * 3)))
        bot = client % 100 < BOT_SHARE * 100
    host = random.integers(1, simulation.hosts + 1, second.size)
    if episode is not None and episode.kind == "scan":
        return _scanned(len(spots(service)) - len(SCANNED), second, client, host, random)
    return _answered(service, episode, second, client, bot, host, random)


def _visitors(random: np.random.Generator, count: int, at_once: int) -> Ints:
    """Who makes each request: visits in `at_once` places, each of which goes on with another visitor when one has left."""
    place = random.integers(at_once, size=count)
    order, numbers = np.argsort(place, kind="stable"), np.empty(count, np.int64)
    begun = 0
    for some in np.bincount(place, minlength=at_once).tolist():
        # A visit has at least one request; so many visits fill the place in any case.
        number = (np.floor(20 * random.random(some) ** (-1 / 0.6)) % _CLIENTS).astype(np.int64)
        lasts = 1 + np.floor(random.exponential(np.where(number % 100 < BOT_SHARE * 100, 25, 9))).astype(np.int64)
        visits = int(np.searchsorted(np.cumsum(lasts), some)) + 1
        numbers[order[begun : begun + some]] = np.repeat(number[:visits], lasts[:visits])[:some]
        begun += some
    return numbers


def _answered(
    service: str, episode: Episode | None, second: Ints, client: Ints, bot: Flags, host: Ints, random: np.random.Generator
) -> Requests:
    """What the visitors ask for and get: the simulator's `_request`."""
    there, count = spots(service), second.size
    routes = list(site_of(service) if episode is None else added_routes(episode))
    weight = np.array([1 / rank**ZIPF_EXPONENT for rank in range(1, len(routes) + 1)])
    spot = np.array([there.index(Spot.of(route)) for route in routes])[random.choice(len(routes), count, p=weight / weight.sum())]
    reads = np.array([one.method == "GET" for one in there])
    first = there.index(Spot.of(routes[0]))
    spot = np.where(bot & ~reads[spot], first, spot)
    probing = bot & (random.random(count) < PROBING)
    probe = np.array([there.index(one) for one in PROBES])[random.integers(len(PROBES), size=count)]
    spot = np.where(probing, probe, spot)
    status, path = np.full(count, 404), np.zeros(count, np.int64)
    for place, one in enumerate(there):
        here = np.flatnonzero(spot == place)
        status[here], path[here] = _statuses(one, here.size, random), one.paths(random, here.size)
    duration = np.exp(random.normal(np.array([one.log_median for one in there])[spot], np.array([one.spread for one in there])[spot]))
    duration = np.where(status >= 500, 3 * duration, duration)
    return Requests(second, spot, status, duration, client, path, host)


def _statuses(spot: Spot, count: int, random: np.random.Generator) -> Ints:
    usual = np.array([1 - spot.failing, *([spot.failing / len(FAILURES)] * len(FAILURES))])
    answers = np.array([status for status, _ in spot.answers])
    shares = np.array([share for _, share in spot.answers])
    fine = random.choice(answers, count, p=shares / shares.sum())
    lot = random.choice(len(usual), count, p=usual / usual.sum())
    return np.where(lot == 0, fine, np.array([0, *FAILURES])[lot])


def _scanned(first: int, second: Ints, client: Ints, host: Ints, random: np.random.Generator) -> Requests:
    """One of very many paths that no site has."""
    count = second.size
    one = SCANNED[0]
    duration = np.exp(random.normal(one.log_median, one.spread, count))
    return Requests(
        second, first + random.integers(len(SCANNED), size=count), np.full(count, 404), duration, client, one.paths(random, count), host
    )


def _heard(simulation: Simulation, service: str, second: Ints, host: Ints, random: np.random.Generator) -> Ints:
    """A silent host's work is the next one's."""
    for episode in simulation.of(service, "silent-host"):
        gone = silent(simulation, episode)
        away = _inside(episode, second) & (host == gone) & (random.random(second.size) < episode.magnitude)
        host = np.where(away, gone % simulation.hosts + 1, host)
    return host


# Effects of episodes on the requests in their span, as in producers/simulator/effects.py. What they answer is who is left.

Effect = Callable[[Episode, Requests, Ints, np.random.Generator], "Flags | None"]


def _hit(episode: Episode, inside: Ints, random: np.random.Generator) -> Ints:
    return inside[random.random(inside.size) < episode.magnitude]


def _progress(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> Floats:
    """How much of the episode has passed, 0-1."""
    at = requests.second[inside] * 1000 + random.integers(1000, size=inside.size)
    return (at - episode.start) / (episode.end - episode.start)


def _fail(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> None:
    hit = _hit(episode, inside, random)
    kind = random.random(hit.size)
    requests.status[hit] = np.select([kind < 0.15, kind < 0.25], [504, 502], 503)
    slow = np.exp(random.normal(log(4), 0.5, hit.size))
    requests.duration[hit] = np.where(kind < 0.15, effects.UPSTREAM_TIMEOUT_S + random.random(hit.size) / 50, slow)


def _crash(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> None:
    requests.status[_hit(episode, inside, random)] = 500


def _slow(episode: Episode, requests: Requests, inside: Ints, _: np.random.Generator) -> None:
    requests.duration[inside] *= episode.magnitude


def _drift(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> None:
    requests.duration[inside] *= 1 + (episode.magnitude - 1) * _progress(episode, requests, inside, random)


def _drop(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> Flags:
    kept = np.ones(requests.second.size, np.bool_)
    kept[_hit(episode, inside, random)] = False
    return kept


def _restart(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> None:
    passed = _progress(episode, requests, inside, random)
    down = (passed * (episode.end - episode.start) < effects.DOWN_MS) & (random.random(inside.size) < episode.magnitude)
    requests.status[inside[down]] = random.choice((502, 503), int(down.sum()))
    requests.duration[inside[down]] = random.uniform(0.0, 0.01, int(down.sum()))
    requests.duration[inside[~down]] *= 1 + 2 * (1 - passed[~down])


def _refill(episode: Episode, requests: Requests, inside: Ints, random: np.random.Generator) -> None:
    requests.duration[inside] *= 1 + (episode.magnitude - 1) * (1 - _progress(episode, requests, inside, random))
    requests.status[inside[requests.status[inside] == 304]] = 200


EFFECTS: dict[str, Effect] = {
    "error-burst": _fail,
    "error-rate": _crash,
    "latency-shift": _slow,
    "slow-drift": _drift,
    "silence": _drop,
    "traffic-drop": _drop,
    "deploy": _restart,
    "cache-flush": _refill,
}


# The other logs


def _messages(simulation: Simulation, service: str, random: np.random.Generator) -> Messages:
    weight = np.array([message.weight for message in MESSAGES])
    second = _moments(random, simulation.rate, SHARE, simulation.seconds())
    found = [(second, random.choice(len(MESSAGES), second.size, p=weight / weight.sum()))]
    for episode in simulation.of(service, "new-error-pattern"):
        second = _moments(random, simulation.rate, SHARE * episode.magnitude, simulation.seconds(episode))
        found.append((second, len(MESSAGES) + random.integers(len(WORDS), size=second.size)))
    usual = SHARE * RARE.weight / weight.sum()
    for episode in simulation.of(service, "pattern-rate"):
        second = _moments(random, simulation.rate, usual * (episode.magnitude - 1), simulation.seconds(episode))
        found.append((second, np.full(second.size, MESSAGES.index(RARE))))
    seconds, messages = (np.concatenate(column) for column in zip(*found, strict=True))
    said = _said(simulation, service, seconds, random)
    seconds, messages = seconds[said], messages[said]
    host = _heard(simulation, service, seconds, random.integers(1, simulation.hosts + 1, seconds.size), random)
    return Messages(seconds, messages, host)


def _logins(simulation: Simulation, service: str, random: np.random.Generator) -> Logins:
    second = _moments(random, simulation.rate, LOGINS, simulation.seconds())
    user = (np.floor(random.random(second.size) ** (-1 / 0.8)) % USERS).astype(np.int64)
    found = [(second, user, user + 7, random.random(second.size) < MISTYPED)]
    for episode in simulation.of(service, "brute-force"):
        second = _moments(random, simulation.rate, LOGINS * episode.magnitude, simulation.seconds(episode))
        user = USERS + random.integers(len(TARGETS), size=second.size)
        client = np.full(second.size, ALONE_FROM + simulation.episodes.index(episode))
        found.append((second, user, client, np.ones(second.size, np.bool_)))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    said = _said(simulation, service, columns[0], random)
    seconds, users, clients, failed = (column[said] for column in columns)
    host = _heard(simulation, service, seconds, random.integers(1, simulation.hosts + 1, seconds.size), random)
    return Logins(seconds, users, clients, failed, host)


def _said(simulation: Simulation, service: str, second: Ints, random: np.random.Generator) -> Flags:
    said = np.ones(second.size, np.bool_)
    for episode in simulation.of(service, "silence"):
        if episode.route is None:
            said &= ~(_inside(episode, second) & (random.random(second.size) < episode.magnitude))
    return said
