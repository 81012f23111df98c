"""What a detector costs a step: CPU time of `score` + `learn`, and its state: `python -m benchmarks.detection.detector_speed`.

On noise, after a day of 10-second steps was learnt. The goal is 50 µs a step and 10 KiB a series. The first line is a plain loop, to
tell this machine from another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from typing import Any

from flink_jobs.detectors import DETECTORS
from flink_jobs.detectors.detector import Detector, Observation

STEP = 10_000
WARM, STEPS, ROUNDS = 8_640, 2_000, 5
MEASURES = ["rate", "error_share", "p95", "bytes"]
OPTIONS: dict[str, dict[str, Any]] = {"half_space_trees": {"measures": MEASURES}}
NOISE: dict[str, Callable[[Random], Observation]] = {
    "count": lambda draw: Observation(float(round(draw.gauss(100, 12)))),
    "ratio": lambda draw: Observation(float(draw.randrange(4)), trials=100),
    "value": lambda draw: Observation(draw.gauss(0.2, 0.02), trials=100),
    "vector": lambda draw: Observation(0.0, parts=tuple(draw.gauss(100, 10) for _ in MEASURES)),
}


def main(arguments: Sequence[str] = ()) -> None:
    """Prints a line for each detector. It has no options."""
    if arguments:
        print(f"error: no options, but {' '.join(arguments)} given", file=sys.stderr)
        sys.exit(2)
    print(f"{'a loop of 1,000 additions':28}{loop():6.1f} µs")
    for name, kind in DETECTORS.items():
        detector, draw = kind.make(OPTIONS.get(name, {}), STEP), Random(1)
        steps(detector, [NOISE[kind.needs](draw) for _ in range(WARM)], 0)
        rounds = [steps(detector, [NOISE[kind.needs](draw) for _ in range(STEPS)], WARM + n * STEPS) for n in range(ROUNDS)]
        began = time.process_time()
        state = [detector.state() for _ in range(200)][-1]
        print(f"{name:28}{median(rounds):6.1f} µs a step   state {len(state):6,} bytes in {(time.process_time() - began) * 5000:5.1f} µs")
    print("goal: 50 µs a step, 10,240 bytes")


def steps(detector: Detector, seen: Sequence[Observation], first: int) -> float:
    """Microseconds a step."""
    began = time.process_time()
    for step, one in enumerate(seen, first):
        detector.score(one, step * STEP)
        detector.learn(one, step * STEP)
    return (time.process_time() - began) / len(seen) * 1e6


def loop() -> float:
    began = time.process_time()
    for _ in range(1000):
        total = 0
        for number in range(1000):
            total += number
    return (time.process_time() - began) * 1e3


if __name__ == "__main__":
    main(sys.argv[1:])
