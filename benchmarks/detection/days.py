"""A day of three services with twelve faults, one of each kind, and six events that look odd and are none, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.detection.sizes import SCALES, Scene, magnitude, sigma
from logverse.instant import Millis
from producers.simulator.episodes import Episode
from producers.simulator.simulation import Simulation
from producers.simulator.traffic import client, silent

SERVICES = ("web", "api", "shop")
RATE, HOSTS, HOURS = 5.0, 3, 24
START: Millis = 1_794_787_200_000  # Monday, 2026-11-16T00:00:00Z
# As in the Numenta Anomaly Benchmark, nothing happens in the first 15 %: a detector may learn. False alerts count there too.
PROBATION = 0.15
SIGMAS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 25.0)
_LEAST_GAP_S = 1200  # between two episodes of a service

# How long each lasts, in seconds, from and to.
FAULTS: dict[str, tuple[int, int]] = {
    "error-burst": (45, 90), "error-rate": (600, 1200), "latency-shift": (600, 1200), "slow-drift": (3600, 7200), "silence": (120, 300),
    "traffic-drop": (300, 900), "traffic-surge": (300, 900), "silent-host": (300, 900), "scan": (60, 300), "brute-force": (60, 300),
    "new-error-pattern": (300, 600), "pattern-rate": (300, 600),
}  # fmt: skip
# The magnitude (the simulator's), from and to, and how long.
BENIGN: dict[str, tuple[float, float, int, int]] = {
    "deploy": (0.05, 0.15, 45, 90),
    "batch-run": (0.1, 0.3, 300, 900),
    "cache-flush": (1.5, 3.0, 30, 90),
    "crawler": (0.1, 0.3, 600, 1800),
}
_BENIGN_A_DAY = 6


@dataclass(frozen=True, slots=True)
class Label:
    """What happened: an episode, how large it is (sigma, None when benign), and fields that name who it is about."""

    episode: Episode
    sigma: float | None
    about: tuple[tuple[str, str], ...]


def day(seed: int) -> Simulation:
    """The day of a seed."""
    random = Random(f"day {seed}")
    kinds = random.sample(sorted(FAULTS), len(FAULTS))
    odd = [random.choice(sorted(BENIGN)) for _ in range(_BENIGN_A_DAY)]
    sizes = random.sample(SIGMAS, len(SIGMAS))
    episodes: list[Episode] = []
    for place, service in enumerate(SERVICES):
        faults = list(zip(kinds, sizes, strict=True))[place :: len(SERVICES)]
        events: list[tuple[str, float | None]] = [*faults, *((kind, None) for kind in odd[place :: len(SERVICES)])]
        random.shuffle(events)
        episodes += _placed(random, service, events)
    end = START + HOURS * 3_600_000
    return Simulation(
        SERVICES, RATE, seed, START, end, tuple(sorted(episodes, key=lambda one: one.start)), ("access", "application", "activity"), HOSTS
    )


def _placed(random: Random, service: str, events: Sequence[tuple[str, float | None]]) -> list[Episode]:
    """One after the other, what is left of the day spread by chance between them."""
    lasting = [random.randint(*(FAULTS[kind] if size is not None else BENIGN[kind][2:])) for kind, size in events]
    begins = START // 1000 + int(PROBATION * HOURS * 3600)
    free = int((1 - PROBATION) * HOURS * 3600) - sum(lasting) - _LEAST_GAP_S * len(events)
    cuts = sorted(random.randrange(free) for _ in events)
    found = []
    for place, ((kind, size), lasts, cut) in enumerate(zip(events, lasting, cuts, strict=True)):
        at = begins + cut + sum(lasting[:place]) + _LEAST_GAP_S * place
        much = random.uniform(*BENIGN[kind][:2]) if size is None else magnitude(kind, size, Scene.of(service, RATE, HOSTS, at))
        found.append(Episode(kind, service, at * 1000, (at + lasts) * 1000, 1.0 if kind == "silence" else much))
    return found


def labels(simulation: Simulation) -> list[Label]:
    """All that happens in it."""
    return [_label(simulation, episode) for episode in simulation.episodes]


def _label(simulation: Simulation, episode: Episode) -> Label:
    about = []
    if episode.kind == "silent-host":
        about.append(("host.name", f"{episode.service}-{silent(simulation, episode)}"))
    if (address := client(simulation, episode)) is not None:
        about.append(("client.address", address))
    size = None
    if episode.kind in SCALES:
        scene = Scene.of(episode.service, simulation.rate, simulation.hosts, episode.start // 1000)
        size = sigma(episode.kind, episode.magnitude, scene)
    return Label(episode, size, tuple(about))
