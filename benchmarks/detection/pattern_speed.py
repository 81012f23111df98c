"""What a line costs on its way to its template: `python -m benchmarks.detection.pattern_speed`, lines per CPU second of one core.

Lines are the bodies of 222,579 real lines of HDFS and, over and over, of the four samples of Loghub.
- mask: the regular expressions alone, in Python (in the job the JVM runs them).
- Drain: each masked line given to `Patterns`; mask and Drain: both, in Python.
- as the job: what Python does of it there. The JVM hands on each distinct masked body once a second (here: of 5,000 lines), and what
  changed is written to the store each second.
- drain3 (in an environment of its own, which is made for it and removed): the same masked lines given to its Drain, and the lines
  as they are given to its miner with our regular expressions as its masking instructions.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import orjson
import zstandard

from benchmarks.detection.parsing import DATA, PUBLISHED
from flink_jobs.patterns.masks import MASKS, masked
from flink_jobs.patterns.patterns import Patterns
from flink_jobs.patterns.tree import CHILDREN, LEVELS, SIMILARITY

DRAIN3 = "drain3==0.9.11"
A_SECOND = 5_000  # lines
AT_LEAST = 50_000  # lines/s, the goal
SAMPLES = 100_000  # lines made of the samples
THEIRS = Path(__file__).with_name("drain3_speed.py")


class Entries(dict[str, bytes]):
    """A store in memory."""

    put = dict.__setitem__

    def remove(self, key: str) -> None:
        self.pop(key, None)


def main(_: Sequence[str] = ()) -> None:
    """Prints the table; says so when the logs are not there. It takes no arguments."""
    if not DATA.exists():
        print(f"no logs: {DATA.parent.name}/{DATA.name} is not beside the repository")
        return
    with drain3_environment() as python:
        for name, lines in {"HDFS, 2 %": list(hdfs()), "Loghub samples": list(islice(samples(), SAMPLES))}.items():
            measure(name, lines, python)
    print(f"goal: mask and Drain at least {AT_LEAST:,} lines/s")


def measure(name: str, lines: Sequence[str], python: str) -> None:
    """One block of the table; `python`: the interpreter that has drain3, "" when there is none."""
    bodies = [masked(line) for line in lines]
    seconds = [Counter(bodies[first : first + A_SECOND]) for first in range(0, len(bodies), A_SECOND)]  # the JVM's work
    print(f"{name}: {len(lines):,} lines of {sum(map(len, lines)) / len(lines):.0f} characters, {len(set(bodies)):,} distinct once masked")
    _timed("mask", len(lines), lambda: [masked(line) for line in lines])
    _timed("Drain, masked lines", len(lines), lambda: one_by_one(bodies))
    _timed("mask and Drain", len(lines), lambda: one_by_one(map(masked, lines)))
    _timed("as the job", len(lines), lambda: as_the_job(seconds))
    for what, rate in drain3(python, lines, bodies).items() if python else ():
        _print(what, rate)


def hdfs() -> Iterator[str]:
    """The bodies of the HDFS lines: what stands behind the component's name."""
    with zstandard.open(DATA.parent / "hdfs" / "HDFS_2pct.log.zst", "rt", encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n").split(": ", 1)[-1]


def samples() -> Iterator[str]:
    """The bodies of the samples, over and over."""
    lines = []
    for log in PUBLISHED:
        with (DATA / log / f"{log}_2k.log_structured.csv").open(newline="", encoding="utf-8") as file:
            lines += [row["Content"] for row in csv.DictReader(file)]
    while True:
        yield from lines


def one_by_one(bodies: Iterable[str]) -> None:
    patterns = Patterns("bench")
    for place, body in enumerate(bodies):
        patterns.see(body, 1_000 * place, 1, 9, body)


def as_the_job(seconds: Sequence[Counter[str]]) -> None:
    """`seconds`: by masked body how many lines it had."""
    patterns, store = Patterns("bench"), Entries()
    for second, counts in enumerate(seconds):
        for body, count in sorted(counts.items()):
            patterns.see(body, 1_000 * second, count, 9, body)
        patterns.changes(1_000 * second)
        patterns.save(store)


@contextmanager
def drain3_environment() -> Iterator[str]:
    """The interpreter of an environment that has drain3, while it is there; "" when drain3 cannot be had, and says why."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        installed = subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", DRAIN3],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if installed.returncode:
            print(f"no {DRAIN3} beside ours: {(installed.stderr.strip().splitlines() or ['pip ended without a word'])[-1]}")
        yield "" if installed.returncode else python


def drain3(python: str, lines: Sequence[str], bodies: Sequence[str]) -> dict[str, float]:
    """Lines per CPU second of drain3 with our settings, by what it was given."""
    masks = [(mask.pattern, mask.replacement) for mask in MASKS if mask.replacement]
    given = {"lines": lines, "bodies": bodies, "masks": masks, "depth": LEVELS + 2, "similarity": SIMILARITY / 100, "children": CHILDREN}
    ended = subprocess.run([python, str(THEIRS)], input=orjson.dumps(given), capture_output=True, timeout=600, check=True)
    return dict(orjson.loads(ended.stdout))


def _timed(what: str, lines: int, act: Callable[[], object]) -> None:
    began = time.process_time()
    act()
    _print(what, lines / (time.process_time() - began))


def _print(what: str, rate: float) -> None:
    print(f"  {what:42} {rate:11,.0f} lines/s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
