"""A replay leaves nothing behind: not when it ends, not when it fails, and what a killed one left goes with the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from logverse.cli import replay_runs
from logverse.errors import TryAgain
from logverse.settings import Settings


class Kafka:
    """What was asked to be removed."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.away = False

    def remove(self, settings: Settings, prefix: str) -> None:
        if self.away:
            raise TryAgain("Kafka is away")
        self.removed.append(prefix)


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path), bootstrap_servers="127.0.0.1:9092", topic_prefix="shop")


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


def folders(settings: Settings) -> list[str]:
    return sorted(path.name for path in replay_runs.folder_of(settings).glob("replay-*"))


def test_a_run_has_topics_and_a_folder_of_its_own_and_both_go(here: Settings, kafka: Kafka) -> None:
    """Under the prefix that the user works with; reports stay."""
    with replay_runs.begun(here, kafka.remove, pytest.fail) as run:
        (run.folder / "spool").mkdir()
        replay_runs.report_path(here, run.name).write_text("{}")

    assert run.settings.topic_prefix == f"shop.{run.name}"
    assert kafka.removed == [f"shop.{run.name}"]
    assert folders(here) == []
    assert replay_runs.report_path(here, run.name).exists()


def test_the_newest_reports_stay(here: Settings, kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay each night does not fill the disk: the oldest report makes room for the next."""
    monkeypatch.setattr(replay_runs, "KEPT", 3)
    paths = [replay_runs.report_path(here, f"replay-{number}") for number in (9, 1, 5, 3)]
    paths[0].parent.mkdir(parents=True)
    for number, path in enumerate(paths):
        path.write_text("{}")
        os.utime(path, (number, number))

    with replay_runs.begun(here, kafka.remove, pytest.fail):
        left = [path for path in paths if path.exists()]

    assert left == paths[2:]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_is_stopped_goes_too(here: Settings, kafka: Kafka, error: type[BaseException]) -> None:
    """Ctrl-C, or whatever else."""
    with pytest.raises(error), replay_runs.begun(here, kafka.remove, pytest.fail):
        raise error

    assert len(kafka.removed) == 1
    assert folders(here) == []


KILLED = """
import sys
from logverse.cli import replay_runs
from logverse.settings import Settings
with replay_runs.begun(Settings(home=sys.argv[1], bootstrap_servers="127.0.0.1:9092"), lambda *_: None, print) as run:
    print(run.name, flush=True)
    sys.stdin.read()
"""


def begun_elsewhere(here: Settings) -> tuple[subprocess.Popen[str], str]:
    """A run in a process of its own, and its name."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, here.home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_what_a_killed_run_left_goes_with_the_next(here: Settings, kafka: Kafka) -> None:
    """Its topics by the prefix that it had written down, its folder, and it is said; a run that lives is left alone."""
    dead, name = begun_elsewhere(here)
    alive, other = begun_elsewhere(here)
    dead.send_signal(signal.SIGKILL)
    dead.communicate()
    said: list[str] = []

    with replay_runs.begun(here, kafka.remove, said.append):
        removed, left = list(kafka.removed), folders(here)
    alive.communicate()

    assert removed == [name]
    assert name not in left and other in left
    assert said == [f"cleared away what {name} had left, which was killed"]


def test_what_is_on_another_kafka_is_said_and_kept_in_mind(here: Settings, kafka: Kafka) -> None:
    """Nothing is deleted where the dead run never was."""
    dead, name = begun_elsewhere(here)
    dead.kill()
    dead.communicate()
    said: list[str] = []

    with replay_runs.begun(replace(here, bootstrap_servers="kafka.example:9092"), kafka.remove, said.append):
        assert kafka.removed == []

    assert name in folders(here)
    assert "127.0.0.1:9092" in said[0] and f"{name}.*" in said[0]


def test_a_kafka_that_is_away_at_the_end_keeps_the_run_in_mind(here: Settings, kafka: Kafka) -> None:
    """The result was had; the next run clears away what this one could not. The sorted events do not stay until then."""
    said: list[str] = []
    with replay_runs.begun(here, kafka.remove, said.append) as run:
        (run.folder / "spool").mkdir()
        kafka.away = True
    spool_left = (run.folder / "spool").exists()
    kafka.away = False

    with replay_runs.begun(here, kafka.remove, said.append):
        assert kafka.removed == [f"shop.{run.name}"]

    assert not spool_left
    assert "is not cleared away yet" in said[0] and "cleared away what" in said[1]


def test_only_its_owner_may_look_into_a_run(here: Settings, kafka: Kafka) -> None:
    """Log text and the way into Kafka lie there."""
    with replay_runs.begun(here, kafka.remove, pytest.fail) as run:
        mode = run.folder.stat().st_mode

    assert mode & 0o077 == 0
