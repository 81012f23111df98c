"""Drawn series that look like a cloud's metrics, with events labelled as NAB labels them: what the detectors' settings are chosen on.

The kinds are those that NAB's paper names of its AWS files (Lavin and Ahmad, ICMLA 2015, section III: CPU utilisation, network bytes in,
disk writes, requests of a load balancer, latency, a database), drawn from textbook models of such figures; none of NAB's files was looked
at for them. A series is two weeks of five minutes. As in NAB, windows are centred on the events and together a tenth of the rows, none
begins in the first 15 %, and what is usual for a series (bursts, nightly jobs, small wobbles) is not labelled however strange it looks.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.nab_files import File

ROWS, STEP_MS, DAY = 4032, 300_000, 288
START = 1_396_310_400_000  # a Tuesday, midnight

Floats = NDArray[np.float64]
Random = np.random.Generator


def draw(seed: int, files: int = 34) -> list[File]:
    """So many series of the kinds in turn, each with other numbers and events; the same seed gives the same."""
    random = np.random.default_rng(seed)
    return [_file(seed, place, kind, random) for place, kind in zip(range(files), list(KINDS) * files, strict=False)]


def _file(seed: int, place: int, kind: str, random: Random) -> File:
    values = KINDS[kind](random)
    events = int(random.choice([1, 2, 3], p=[0.35, 0.45, 0.2]))
    width = ROWS // 10 // events
    windows: list[tuple[int, int]] = []
    for at in _places(events, width, random):
        EVENTS[str(random.choice(list(EVENTS)))](values, at, random)
        windows.append((at - width // 2, min(ROWS - 1, at + width // 2)))
    values = np.round(np.maximum(values, 0.0), 3)
    times = [START + row * STEP_MS for row in range(ROWS)]
    return File(f"drawn/{seed}_{place:02}_{kind}", times, values.tolist(), windows)


def _places(events: int, width: int, random: Random) -> list[int]:
    """Of the events, such that their windows neither meet nor reach into the first rows."""
    first = int(0.15 * ROWS) + width // 2 + 1
    while True:
        places = sorted(random.integers(first, ROWS - 60, events).tolist())
        if all(later - before > width + 1 for before, later in pairwise(places)):
            return places


# What is usual


def _noise(random: Random, keep: float) -> Floats:
    """Of variance 1, each the more like the one before the nearer `keep` is to 1."""
    noise = random.normal(size=ROWS)
    for row in range(1, ROWS):
        noise[row] = keep * noise[row - 1] + noise[row] * (1 - keep * keep) ** 0.5
    return noise


def _day(random: Random) -> Floats:
    """A day's course between 0 and 1, weaker at weekends."""
    phase = (np.arange(ROWS) - random.uniform(0, DAY)) * 2 * np.pi / DAY
    course = (1 + np.sin(phase) + 0.3 * np.sin(2 * phase + random.uniform(0, 6))) / 2.3
    weekend = (np.arange(ROWS) // DAY) % 7 >= 5
    return np.asarray(np.clip(course, 0, 1) * np.where(weekend, random.uniform(0.5, 1), 1))


def _bursts(random: Random, often: float, size: float, longest: int = 4) -> Floats:
    """Sudden loads of heavy-tailed size, so many a day: usual here."""
    added = np.zeros(ROWS)
    for at in random.integers(0, ROWS, random.poisson(often * ROWS / DAY)):
        lasts = int(random.integers(1, longest + 1))
        added[at : at + lasts] += size * random.lognormal(0, 0.5)
    return added


def _jobs(random: Random, every: int, lasts: int, size: float) -> Floats:
    """A job by the clock, a step sooner or later."""
    added = np.zeros(ROWS)
    for at in range(int(random.integers(0, every)), ROWS, every):
        begin = at + int(random.integers(0, 2))
        added[begin : begin + lasts] += size * random.normal(1, 0.06)
    return added


def _busy_cpu(random: Random) -> Floats:
    level, moves = random.uniform(20, 50), random.uniform(0, 25)
    return level + moves * _day(random) + random.uniform(0.5, 4) * _noise(random, 0.5) + _bursts(random, 0.5, 8)


def _idle_cpu(random: Random) -> Floats:
    base = np.round(random.choice([0.1, 1.5, 2.5]) * (1 + 0.03 * random.normal(size=ROWS)), 2)
    return np.asarray(base + _jobs(random, int(random.choice([12, 72, DAY])), int(random.integers(1, 4)), random.uniform(1, 8)))


def _spiky_cpu(random: Random) -> Floats:
    return random.uniform(2, 30) + _bursts(random, random.uniform(4, 30), random.uniform(5, 20), 2) + 0.5 * random.normal(size=ROWS)


def _network_in(random: Random) -> Floats:
    return np.asarray(1e5 * random.lognormal(0, random.uniform(0.1, 0.5), ROWS) + _bursts(random, random.uniform(1, 6), 1e6, 2))


def _disk_writes(random: Random) -> Floats:
    writes = np.where(random.random(ROWS) < random.uniform(0.02, 0.4), 1e6 * random.lognormal(0, 0.7, ROWS), 0.0)
    return np.asarray(writes + _jobs(random, DAY, int(random.integers(3, 12)), random.uniform(2e6, 2e7)))


def _requests(random: Random) -> Floats:
    mean = random.uniform(10, 200) * (0.15 + _day(random))
    return np.asarray(random.poisson(mean * random.gamma(20, 1 / 20, ROWS)) + _bursts(random, 0.7, float(mean.mean())), np.float64)


def _latency(random: Random) -> Floats:
    return np.asarray(0.05 * random.lognormal(0, random.uniform(0.15, 0.6), ROWS) * (1 + 0.5 * _day(random)))


def _database(random: Random) -> Floats:
    drift = np.cumsum(random.normal(0, 0.02, ROWS))
    return np.asarray(random.uniform(6, 20) + drift + random.uniform(0.3, 1.5) * _noise(random, 0.3) + _bursts(random, 1, 3))


def _group(random: Random) -> Floats:
    """Machines of a scaling group: levels that hold for hours."""
    held = np.repeat(random.integers(2, 8, ROWS // 48 + 1), 48)[:ROWS].astype(np.float64)
    return 5 * held + 0.7 * _noise(random, 0.5)


def _batch(random: Random) -> Floats:
    every = int(random.choice([36, 72, 144]))
    return 5 + random.uniform(0.5, 2) * random.normal(size=ROWS) + _jobs(random, every, every // 3, random.uniform(20, 60))


KINDS: dict[str, Callable[[Random], Floats]] = {
    "busy_cpu": _busy_cpu,
    "idle_cpu": _idle_cpu,
    "spiky_cpu": _spiky_cpu,
    "network_in": _network_in,
    "disk_writes": _disk_writes,
    "requests": _requests,
    "latency": _latency,
    "database": _database,
    "group": _group,
    "batch": _batch,
}


# What is not: each changes the values from a row on


def _reach(values: Floats, at: int) -> float:
    """How far the figure has moved in the days before, but for single bursts."""
    low, high = np.quantile(values[max(0, at - 4 * DAY) : at], [0.02, 0.98])
    return float(max(high - low, 0.05 * abs(high), 1e-3))


def _spike(values: Floats, at: int, random: Random) -> None:
    lasts = int(random.integers(1, 8))
    top = max(float(values[:at].max()), 1e-3)
    values[at : at + lasts] = top * random.uniform(1.05, 2.2)


def _dip(values: Floats, at: int, random: Random) -> None:
    values[at : at + int(random.integers(2, 20))] *= random.uniform(0, 0.3)


def _shift(values: Floats, at: int, random: Random) -> None:
    lasts = int(random.choice([60, 200, ROWS]))
    values[at : at + lasts] += random.choice([-1, 1, 1]) * random.uniform(0.5, 1.5) * _reach(values, at)


def _outage(values: Floats, at: int, random: Random) -> None:
    values[at : at + int(random.integers(20, 150))] = random.choice([0.0, float(values[at])])


def _restless(values: Floats, at: int, random: Random) -> None:
    there = slice(at, at + int(random.integers(50, 300)))
    middle = float(np.median(values[there]))
    values[there] = middle + (values[there] - middle) * random.uniform(2.5, 5)


def _drift(values: Floats, at: int, random: Random) -> None:
    lasts = min(int(random.integers(100, 400)), ROWS - at)
    values[at : at + lasts] += np.linspace(0, random.uniform(1, 2.5), lasts) * _reach(values, at)


def _dense(values: Floats, at: int, random: Random) -> None:
    lasts = min(int(random.integers(30, 150)), ROWS - at)
    values[at : at + lasts] += np.where(random.random(lasts) < 0.4, random.uniform(0.5, 1.2), 0) * (float(values[:at].max()) - values[at])


def _other_day(values: Floats, at: int, random: Random) -> None:
    """What would come at another hour comes now."""
    lasts = min(int(random.integers(60, 200)), ROWS - at)
    values[at : at + lasts] = values[at - DAY // 2 : at - DAY // 2 + lasts]


EVENTS: dict[str, Callable[[Floats, int, Random], None]] = {
    "spike": _spike,
    "spikes": _spike,  # the commonest: drawn twice as often
    "dip": _dip,
    "shift": _shift,
    "shifts": _shift,
    "outage": _outage,
    "restless": _restless,
    "drift": _drift,
    "dense": _dense,
    "other_day": _other_day,
}
