"""How fast old logs are judged, and in how much memory: `python -m benchmarks.replay [FILE]`.

Replays a file twice (default: an access log of --lines lines, 1,000 a second of event time) on a stack of its own, with the rules that
come with LogVerse. Prints lines/s in all and of each step, start of the job included, the memory of the command and of the job with its
JVM and workers, and whether both runs came to the same result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.produce import write
from benchmarks.servers import running_stack
from logverse.settings import Settings


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--type", default="auto")
    parser.add_argument("--lines", type=int, default=600_000)
    options = parser.parse_args([] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as folder, running_stack() as settings:
        path = options.file or Path(folder) / "access.log"
        if options.file is None:
            write(path, options.lines)
        one, other = (replay(settings, path, options.type) for _ in range(2))
    for report in (one, other):
        say(report)
    print(f"the same result twice: {'yes' if one['result'] == other['result'] else 'NO'}")


def replay(settings: Settings, path: Path, form: str) -> dict[str, Any]:
    """The report of one run."""
    command = [sys.executable, "-m", "logverse.cli.main", "--home", settings.home, "replay", str(path)]
    done = subprocess.run([*command, "--service", "bench", "--type", form, "-o", "json"], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: replay ended with {done.returncode}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def say(report: dict[str, Any]) -> None:
    run, result = report["run"], report["result"]
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in run["seconds"].items())
    print(f"{result['lines']:,} lines, {result['judged']:,} judged: {run['lines_per_s']:,} lines/s in all ({steps})")
    print(f"  read {run['read_lines_per_s']:,}/s, judged {run['judged_events_per_s']:,}/s with the job's start")
    print(f"  memory: command {run['own_mib']:,} MiB, job {run['job_mib']:,} MiB (PSS)")


if __name__ == "__main__":
    main(sys.argv[1:])
