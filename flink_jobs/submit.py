"""Hands a job to a Flink cluster with all that it needs: our code as an archive, the connector as a jar, the settings in a file.

The cluster needs nothing of ours, only what the job's Python imports there: `apache-flink` of the cluster's version, orjson, PyYAML; and
for the history the drivers of its stores, cassandra-driver or pymongo.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from logverse.errors import Refused, WrongSettings
from logverse.flink import root_cause

_SUBMITTED = re.compile(r"JobID ([0-9a-f]{32})")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:/")
_PACKAGES = ("logverse", "flink_jobs", "storage")


class Job(Protocol):
    """What a job is submitted with: JobSettings, HistorySettings."""

    @property
    def job_name(self) -> str: ...
    @property
    def entry(self) -> str:
        """The file beside this one that plans the graph; it is given `--settings FILE`."""

    def to_json(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where to submit to, and what the submitting side works with."""

    jobmanager: str  # HOST:PORT of the REST API
    connector: Path  # the Kafka connector's jar
    java_home: Path
    python: str  # the Python of the TaskManagers: a path there, or inside `python_archive`
    client_python: str  # the Python that plans the graph, here
    python_archive: Path | None = None  # a packed environment that travels with the job


def submit(settings: Job, cluster: Cluster, restore: str | None = None, allow_lost_state: bool = False) -> str:
    """Submit the job and return Flink's id of it. Refused carries the root cause when Flink says no.

    `restore` is a checkpoint or savepoint to go on from; `allow_lost_state` lets it hold state that this graph has no place for.
    """
    with tempfile.TemporaryDirectory(prefix="logverse-submit-") as folder:
        path = Path(folder) / "settings.json"
        path.touch(mode=0o600)
        path.write_bytes(settings.to_json())
        code = archive(Path(folder) / "logverse.zip")
        command = [*_flink_run(cluster, code), *_restore(restore, allow_lost_state), "-py", str(_root() / "flink_jobs" / settings.entry)]
        command += ["--jarfile", str(cluster.connector), "--settings", str(path)]
        return _run(command, environment(cluster.java_home, Path(folder)))


def archive(target: Path) -> Path:
    """A zip of our packages as the workers import them."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in _PACKAGES:
            for path in sorted((_root() / package).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(_root()))
    return target


def _flink_run(cluster: Cluster, code: Path) -> list[str]:
    host, _, port = cluster.jobmanager.rpartition(":")
    command = [str(pyflink() / "bin" / "flink"), "run", "-d", f"-Drest.address={host}", f"-Drest.port={port}"]
    command += ["-Dexecution.target=remote", "-pyexec", cluster.python, "-pyclientexec", cluster.client_python, "-pyfs", str(code)]
    return command + (["-pyarch", str(cluster.python_archive)] if cluster.python_archive else [])


def _restore(path: str | None, allow_lost_state: bool) -> list[str]:
    if path is None:
        return []
    # Flink writes an address of its own as file:/path, with one slash.
    return ["-s", path if _ADDRESS.match(path) else Path(path).absolute().as_uri(), *(["-n"] if allow_lost_state else [])]


def environment(java_home: Path, folder: Path) -> dict[str, str]:
    """A client configuration of our own, written into `folder`: a Flink that happens to be configured on this machine must not meddle."""
    conf = folder / "conf"
    conf.mkdir()
    (conf / "config.yaml").write_text("rest.connection-timeout: 10000\n" + _SHORT_LIVED + _JAVA_17)
    (conf / "log4j-cli.properties").write_text(_LOGGING)
    # The last one is the mark by which the supervisor of an embedded stack knows its own.
    keep = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "LOGVERSE_STACK")
    ours = {"JAVA_HOME": str(java_home), "FLINK_CONF_DIR": str(conf), "FLINK_LOG_DIR": str(folder), "PYTHONPATH": str(_root())}
    return {name: os.environ[name] for name in keep if name in os.environ} | ours


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    submitted = _SUBMITTED.search(done.stdout)
    if done.returncode or not submitted:
        raise Refused(f"Flink did not take the job: {root_cause(done.stderr + done.stdout)}")
    return submitted[1]


def pyflink() -> Path:
    """The folder of the apache-flink wheel."""
    spec = importlib.util.find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise WrongSettings("PyFlink is not installed", remedy="pip install 'logverse[flink]'")
    return Path(spec.origin).parent


def _root() -> Path:
    return Path(__file__).resolve().parent.parent


_OPENED = ("lang", "lang.reflect", "net", "io", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic",
           "util.concurrent.locks")  # fmt: skip
_JAVA_17 = f"env.java.opts.all: {' '.join(f'--add-opens=java.base/java.{package}=ALL-UNNAMED' for package in _OPENED)}\n"

# The client plans one graph and ends: what its JVM would optimise never pays. 15 instead of 25-29 CPU seconds a submission.
_SHORT_LIVED = "env.java.opts.client: -XX:TieredStopAtLevel=1 -XX:+UseSerialGC\n"

_LOGGING = """rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1} %m%n
"""
