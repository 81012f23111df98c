"""How large a fault is: by how many standard deviations it shifts its own figure, summed up in steps of ten seconds.

The figure is the one that the fault is about (5xx for an error burst, requests for a drop, the mean duration for a latency shift), of the
whole service, at the hour when it happens. A count's deviation is that of a Poisson variable, at least one event: where nothing ever
happens, three sigma are three events in ten seconds. So the size is the model's, and no rule or detector is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import sqrt

from benchmarks.detection.drawing import draw
from producers.simulator.application import MESSAGES, RARE, SHARE
from producers.simulator.logins import MISTYPED
from producers.simulator.logins import SHARE as LOGINS
from producers.simulator.simulation import Simulation, daily

STEP_S = 10
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Usual:
    """One service's usual answers: shares of 5xx and 404, mean and deviation of the duration in seconds."""

    failing: float
    missing: float
    mean: float
    deviation: float


@cache
def usual(service: str) -> Usual:
    """From four hours without any fault, the same in every run."""
    quiet = Simulation((service,), 20, 0, 0, 4 * _HOUR_MS)
    requests = draw(quiet, service).requests
    failing, missing = float((requests.status >= 500).mean()), float((requests.status == 404).mean())
    return Usual(failing, missing, float(requests.duration.mean()), float(requests.duration.std()))


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault happens: `requests` are expected in ten seconds, from so many hosts."""

    service: str
    requests: float
    hosts: int

    @classmethod
    def of(cls, service: str, rate: float, hosts: int, second: int) -> Scene:
        return cls(service, STEP_S * daily(rate, second), hosts)


def _deviation(expected: float) -> float:
    return sqrt(max(1.0, expected))


def _failures(scene: Scene) -> float:
    return scene.requests / _deviation(scene.requests * usual(scene.service).failing)


def _slower(scene: Scene) -> float:
    """Of a factor, what is above one."""
    known = usual(scene.service)
    return known.mean / (known.deviation / sqrt(scene.requests))


def _volume(scene: Scene) -> float:
    return scene.requests / _deviation(scene.requests)


def _one_host(scene: Scene) -> float:
    return scene.requests / scene.hosts / _deviation(scene.requests / scene.hosts)


def _missing(scene: Scene) -> float:
    return scene.requests / _deviation(scene.requests * usual(scene.service).missing)


def _logins(scene: Scene) -> float:
    return scene.requests * LOGINS / _deviation(scene.requests * LOGINS * MISTYPED)


def _new(scene: Scene) -> float:
    return scene.requests * SHARE


def _rare(scene: Scene) -> float:
    usually = scene.requests * SHARE * RARE.weight / sum(message.weight for message in MESSAGES)
    return usually / _deviation(usually)


@dataclass(frozen=True, slots=True)
class Scale:
    """Sigma for each unit of magnitude above `none`, the magnitude that changes nothing; `most` is the greatest there is."""

    sigma: Callable[[Scene], float]
    none: float
    most: float


SCALES: dict[str, Scale] = {
    "error-burst": Scale(_failures, 0, 1),
    "error-rate": Scale(_failures, 0, 1),
    "latency-shift": Scale(_slower, 1, 100),
    "slow-drift": Scale(_slower, 1, 100),  # at its end
    "silence": Scale(_volume, 0, 1),
    "traffic-drop": Scale(_volume, 0, 0.95),
    "traffic-surge": Scale(_volume, 1, 100),
    "silent-host": Scale(_one_host, 0, 1),
    "scan": Scale(_missing, 0, 100),
    "brute-force": Scale(_logins, 0, 1000),
    "new-error-pattern": Scale(_new, 0, 1),
    "pattern-rate": Scale(_rare, 1, 1000),
}


def magnitude(kind: str, sigma: float, scene: Scene) -> float:
    """The simulator's magnitude for a fault of this size, or the greatest there is."""
    scale = SCALES[kind]
    return min(scale.none + sigma / scale.sigma(scene), scale.most)


def sigma(kind: str, magnitude: float, scene: Scene) -> float:
    """How large a fault of this magnitude is."""
    scale = SCALES[kind]
    return (magnitude - scale.none) * scale.sigma(scene)
