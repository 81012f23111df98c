"""Who logs in to the simulated services: one JSON object a line, OpenTelemetry's names."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from random import Random

import orjson

from logverse import instant
from logverse.instant import Millis
from producers.simulator.episodes import Episode
from producers.simulator.simulation import ACTIVITY, Line, Simulation, daily, moments
from producers.simulator.visitors import address_of

SHARE = 0.05  # logins for each request
MISTYPED = 0.06  # share of logins that fail
USERS = 400
TARGETS = ("admin", "root", "support", "test", "backup", "info")


def login_lines(simulation: Simulation, service: str) -> Iterator[Line]:
    """The service's logins; `brute-force` adds one address that tries many passwords on a few names."""
    streams = [_people(simulation, service), *(_attack(simulation, one) for one in simulation.of(service, "brute-force"))]
    return merge(*streams, key=itemgetter(0))


def _people(simulation: Simulation, service: str) -> Iterator[Line]:
    random = simulation.random(service, ACTIVITY)
    for at in moments(random, lambda second: SHARE * daily(simulation.rate, second), simulation.seconds()):
        number = int(random.paretovariate(0.8)) % USERS
        failed = random.random() < MISTYPED
        yield _line(at, service, f"user{number}", address_of(number + 7), failed, 1 + int(random.random() * simulation.hosts))


def _attack(simulation: Simulation, episode: Episode) -> Iterator[Line]:
    random = simulation.random(episode.service, ACTIVITY, episode)
    address = _attacker(random)
    rate = SHARE * episode.magnitude
    for at in moments(random, lambda second: rate * daily(simulation.rate, second), simulation.seconds(episode)):
        user = TARGETS[int(random.random() * len(TARGETS))]
        yield _line(at, episode.service, user, address, True, 1 + int(random.random() * simulation.hosts))


def attacker(simulation: Simulation, episode: Episode) -> str:
    """The address that a `brute-force` comes from."""
    return _attacker(simulation.random(episode.service, ACTIVITY, episode))


def _attacker(random: Random) -> str:
    return f"203.0.113.{1 + int(random.random() * 250)}"  # RFC 5737: nobody's


def _line(at: Millis, service: str, user: str, address: str, failed: bool, host: int) -> Line:
    outcome = "failure" if failed else "success"
    entry = {
        "timestamp": instant.written(at), "severity_text": "WARN" if failed else "INFO", "log.type": "activity", "service.name": service,
        "event_name": "user.login", "event.outcome": outcome, "user.name": user, "client.address": address,
        "body": f"login of {user} from {address}: {outcome}",
    }  # fmt: skip
    return Line(at, service, orjson.dumps(entry).decode() + "\n", ACTIVITY, host)
