"""What is simulated, what comes of it, and the pace at which things happen: what all streams of lines share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from math import cos, pi
from random import Random
from typing import NamedTuple

from logverse.instant import Millis
from producers.simulator.episodes import Episode

ACCESS, APPLICATION, ACTIVITY = "access", "application", "activity"
LOGS = (ACCESS, APPLICATION, ACTIVITY)
_BUSIEST_HOUR = 15  # UTC
_DAY_SWING = 0.4  # the busiest hour has 1.4 times the day's average, twelve hours later 0.6


class Line(NamedTuple):
    """A record of a log: when it is written (milliseconds), by which service, its text with the newline (an error's with its stack
    trace), in which log, on which of the service's hosts (from 1)."""

    at: Millis
    service: str
    text: str
    log: str = ACCESS
    host: int = 1


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to simulate: `rate` requests per second and service (average of a day), from `start` to `end` (None: without end).

    `logs` are those that are written; with more than one of `hosts` each host has files of its own.
    """

    services: tuple[str, ...]
    rate: float
    seed: int
    start: Millis  # a whole second, as is end
    end: Millis | None
    episodes: tuple[Episode, ...] = ()
    logs: tuple[str, ...] = (ACCESS,)
    hosts: int = 1

    def of(self, service: str, *kinds: str) -> list[Episode]:
        """The service's episodes of these kinds."""
        return [episode for episode in self.episodes if episode.service == service and episode.kind in kinds]

    def random(self, service: str, log: str, episode: Episode | None = None) -> Random:
        """A generator of its own for each stream of lines, so that none changes another."""
        name = f"{self.seed}/{service}/{log}" + (f"/{episode.kind}/{episode.route}/{episode.start}" if episode else "")
        return Random(name)  # noqa: S311 - nothing secret here

    def seconds(self, episode: Episode | None = None) -> Iterable[int]:
        """The seconds of the epoch from its start, or the episode's, to the end of it."""
        ends = [end for end in (self.end, episode.end if episode else None) if end is not None]
        first = (episode.start if episode else self.start) // 1000
        return range(first, min(ends) // 1000) if ends else count(first)


def daily(rate: float, second: int) -> float:
    """The rate at this second of the epoch, when `rate` is the average of a day.

    >>> round(daily(20, 15 * 3600)), round(daily(20, 3 * 3600))
    (28, 12)
    """
    return rate * (1 + _DAY_SWING * cos(2 * pi * (second % 86_400 / 3600 - _BUSIEST_HOUR) / 24))


def moments(random: Random, rate: Callable[[int], float], seconds: Iterable[int]) -> Iterator[Millis]:
    """A Poisson process whose rate is constant within each second: exponential gaps, begun anew at every second."""
    for second in seconds:
        per_second = rate(second)
        passed = random.expovariate(per_second) if per_second > 0 else 1.0
        while passed < 1:
            yield second * 1000 + int(passed * 1000)
            passed += random.expovariate(per_second)
