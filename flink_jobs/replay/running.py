"""A replay's job as a process: started beside whatever runs, watched, and gone with all that belongs to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import yaml

from flink_jobs.settings import JobSettings
from flink_jobs.submit import environment, pyflink
from logverse.errors import Refused
from logverse.flink import root_cause

# Bounded whatever the past holds: what does not fit into the heap ends the replay, and not the machine.
HEAP_MIB = 768
_JVM = f"-Xms256m -Xmx{HEAP_MIB}m -XX:MaxMetaspaceSize=384m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError"
_SAID = 64 * 1024  # bytes at the end of its log that are looked through for a cause


class Running:
    """A context manager: the job runs from `start` on and is killed, with its JVM and workers, at the end.

    `folder` is its own: settings (with the way into Kafka), connector, log and temporary files lie there.
    """

    def __init__(self, settings: JobSettings, java_home: Path, connector: Path, folder: Path) -> None:
        self._settings, self._java, self._connector, self._folder = settings, java_home, connector, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True)
        path = self._folder / "settings.json"
        path.touch(mode=0o600)
        path.write_bytes(self._settings.to_json())
        more = {
            "FLINK_HOME": str(pyflink()),  # without it PyFlink looks for one, and takes the jars that lie there
            "FLINK_LIB_DIR": str(_library(self._folder, self._connector)),
            "JVM_ARGS": f"{_JVM} -Djava.io.tmpdir={temporary} {_openings()}",
            "TMPDIR": str(temporary),
        }
        with (self._folder / "job.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flink_jobs.replay.job", "--settings", str(path)],
                env=environment(self._java, self._folder) | more, cwd=self._folder, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of the leader of its process group."""
        return self._process.pid if self._process else 0

    def over(self) -> bool:
        """Whether it has come to its end. Refused, with the root cause, when that was not the end of the data."""
        code = self._process.poll() if self._process else 0
        if code is None:
            return False
        if code:
            raise Refused(f"the replay's job failed: {self._why(code)}")
        return True

    def _why(self, code: int) -> str:
        with (self._folder / "job.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _SAID))
            said = log.read().decode("utf-8", "replace")
        if "OutOfMemoryError" in said or code == 3:
            return f"what happens at one time does not fit into {HEAP_MIB} MiB\n  → replay fewer services or a shorter time at once"
        return root_cause(said) if said.strip() else f"exit code {code}"

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()


def _openings() -> str:
    """Into the JDK, as Flink's own configuration lists them for a cluster."""
    shipped = yaml.safe_load((pyflink() / "conf" / "config.yaml").read_text())
    options: str = shipped["env"]["java"]["opts"]["all"]
    return options


def _library(folder: Path, connector: Path) -> Path:
    """The jars of the wheel and the connector in one folder, which is the class path."""
    lib = folder / "lib"
    lib.mkdir()
    for jar in (*(pyflink() / "lib").glob("*.jar"), connector):
        (lib / jar.name).symlink_to(jar)
    return lib
