"""Days of three services with labelled faults, through the product's own watch: recall by size, delay, false alerts a day.

`python -m benchmarks.detection labelled [--seeds N | --seed-list 1,2,3] [--rules FILE] [-o json]`

Rules are tuned on seeds 1-5 (`--tune`) and proven on seeds that are drawn when it runs, and printed. Sizes are in sigma: see sizes.py.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom

import orjson

from benchmarks.detection.days import day, labels
from benchmarks.detection.drawing import draw
from benchmarks.detection.labelled_table import table
from benchmarks.detection.matching import Matched, match
from benchmarks.detection.summing import by_second
from benchmarks.detection.watching import Firing, watch
from flink_jobs.rules.files import DEFAULTS, read_rules
from logverse.rule import Rule

TUNED_ON = (1, 2, 3, 4, 5)
PROVEN_ON = 20
_LARGEST_SEED = 1_000_000


@dataclass(slots=True)
class Ran:
    """What came of one seed. `cpu_s`: CPU seconds that drawing and watching took."""

    seed: int
    matched: Matched
    cpu_s: float


def run(seed: int, rules: Sequence[Rule]) -> Ran:
    """One day."""
    gc.disable()  # millions of summaries, no cycles among them: looking for some takes a third of the time
    began, simulation = time.process_time(), day(seed)
    streams = {service: by_second(simulation, service, draw(simulation, service)) for service in simulation.services}
    firings: list[Firing] = watch(streams, [rule for rule in rules if not _needs_inventory(rule)])
    return Ran(seed, match(labels(simulation), firings), time.process_time() - began)


def _needs_inventory(rule: Rule) -> bool:
    """Whether it can only fire about declared sources: there is no inventory here, and it is spared its share of the summaries."""
    return rule.type == "silence" and rule.options.get("expect") == "declared"


def run_all(seeds: Sequence[int], rules: Sequence[Rule], jobs: int) -> Iterator[Ran]:
    """Each as it is done."""
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(run, seed, rules) for seed in seeds]):
            yield done.result()


def _progress(ran: Ran, done: int, of: int) -> None:
    found = sum(bool(one.firings) for one in ran.matched.found)
    told = f"{found} of {len(ran.matched.found)} faults, {len(ran.matched.false)} false alerts, {ran.cpu_s:.0f} s CPU"
    print(f"  {done}/{of}: seed {ran.seed}: {told}", file=sys.stderr, flush=True)


def _seeds(arguments: argparse.Namespace) -> list[int]:
    if arguments.tune:
        return list(TUNED_ON)
    if arguments.seed_list:
        return [int(seed) for seed in arguments.seed_list.split(",")]
    return sorted(SystemRandom().sample(range(len(TUNED_ON) + 1, _LARGEST_SEED), arguments.seeds))


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.detection labelled", description=(__doc__ or "").split("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=int, default=PROVEN_ON, metavar="N", help="so many seeds, drawn now (default: %(default)s)")
    which.add_argument("--seed-list", metavar="1,2,3", help="these seeds")
    which.add_argument("--tune", action="store_true", help="the seeds that the rules are tuned on: 1 to 5")
    parser.add_argument("--rules", type=Path, default=DEFAULTS, metavar="FILE", help="instead of the default rules")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--list", action="store_true", help="name each fault that was missed, and each false alert")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser.parse_args(given)


def main(given: Sequence[str] = ()) -> None:
    """Run the seeds and print what came of them."""
    arguments = _arguments(given)
    seeds, rules = _seeds(arguments), read_rules(arguments.rules)
    print(f"seeds {','.join(map(str, seeds))}", file=sys.stderr, flush=True)
    ran: list[Ran] = []
    for one in run_all(seeds, rules, arguments.jobs):
        ran.append(one)
        _progress(one, len(ran), len(seeds))
    ran.sort(key=lambda one: one.seed)
    if arguments.output == "json":
        print(orjson.dumps([asdict(one) for one in ran], option=orjson.OPT_INDENT_2).decode())
    else:
        print(table([(one.seed, one.matched) for one in ran], arguments.list))
        print(f"\n{max(one.cpu_s for one in ran):.0f} s CPU for the slowest seed; the same again: --seed-list {','.join(map(str, seeds))}")
