"""A stack knows its own processes, and only those, however they were orphaned."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import process, state
from deploy.local.home import Home

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); child.wait()"


Start = Callable[[Home, str, str], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(home: Home, name: str, code: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", code], env=process.environment(home, name), stdout=subprocess.PIPE)
        started.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


def two_homes(tmp_path: Path) -> tuple[Home, Home]:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return Home(tmp_path / "a"), Home(tmp_path / "b")


def test_a_stack_finds_its_own_and_never_a_neighbours(tmp_path: Path, start: Start) -> None:
    """Two homes, the same names: each sees its own process only."""
    one, other = two_homes(tmp_path)
    mine, theirs = start(one, "kafka", SLEEPER), start(other, "kafka", SLEEPER)

    assert [found.pid for found in process.named(one, "kafka")] == [mine.pid]
    process.end(process.named(one, "kafka"), patience_s=5)
    assert not psutil.pid_exists(mine.pid)
    assert theirs.poll() is None


def test_orphans_are_found_under_the_name_of_who_started_them(tmp_path: Path, start: Start) -> None:
    """A Python worker that outlives its TaskManager is still the TaskManager's, and can be ended."""
    one, _ = two_homes(tmp_path)
    parent = start(one, "taskmanager", PARENT)
    parent.kill()
    parent.wait()

    orphans = process.named(one, "taskmanager")
    process.end(orphans, patience_s=5)

    assert len(orphans) == 1
    assert process.named(one, "taskmanager") == []


def test_what_does_not_listen_is_killed(tmp_path: Path, start: Start) -> None:
    """SIGTERM first, SIGKILL after the patience."""
    one, _ = two_homes(tmp_path)
    child = start(one, "kafka", STUBBORN)

    process.end([psutil.Process(child.pid)], patience_s=0.2)

    assert not psutil.pid_exists(child.pid)


def test_servers_never_see_the_users_secrets(tmp_path: Path) -> None:
    """Flink logs its environment: nothing of ours or of the user's but what it needs is passed on."""
    environ = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "LOGVERSE_BOOTSTRAP_SERVERS": "elsewhere:1", "TZ": "Europe/Berlin"}

    found = process.environment(Home(tmp_path), "taskmanager", environ)

    assert found.keys() == {"PATH", "TZ", "TMPDIR", process.MARK}
    assert found["PATH"] == f"{Path(sys.executable).parent}:/bin"


def test_only_who_holds_the_lock_is_the_supervisor(tmp_path: Path) -> None:
    """A process id left in the file by a reboot or a kill -9 names nobody, also when that process lives."""
    home = Home(tmp_path)
    home.make()
    (home / "run" / "supervisor.pid").write_text(str(os.getpid()))

    assert state.supervisor_pid(home) is None
    with state.supervising(home) as alone, state.supervising(home) as second:
        assert (alone, second) == (True, False)
        assert state.supervisor_pid(home) == os.getpid()
    assert state.supervisor_pid(home) is None
