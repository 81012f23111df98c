"""The real servers for the benchmarks: an embedded stack in a folder of its own, gone at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logverse import settings
from logverse.settings import Settings


@contextmanager
def running_stack() -> Iterator[Settings]:
    """Kafka and Flink, ready, with the topics."""
    with tempfile.TemporaryDirectory(prefix="lv-bench-", ignore_cleanup_errors=True) as folder:
        home = str(Path(folder) / "home")
        try:
            logverse(home, "up")
            yield settings.load({"home": home}, {})
        finally:
            logverse(home, "down", "--wipe", "--yes")


def logverse(home: str, *arguments: str) -> None:
    """Run the `logverse` command on this home; what it says goes to standard error, so that figures stand alone."""
    subprocess.run([sys.executable, "-m", "logverse.cli.main", "--home", home, *arguments], check=True, stdout=sys.stderr)
