"""The scheduler of backups under a real supervisor, into a real HDFS: its times, its figures, its death in the middle of one, its end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any
from urllib.request import urlopen

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from logverse import instant
from logverse.event import LogEvent
from logverse.kafka import client_config
from logverse.topics import named
from storage.backup.storing import UPLOADING
from storage.backup.targets import opened

from . import stand_in
from .conftest import TopicSet, wait_until
from .hadoop import Hadoop, running
from .kept import Kept

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(900)]

SERVICE = "backup-schedule"
LOST, FEW, MANY = 120, 280, 200_000


@dataclass(frozen=True)
class Scheduler:
    """The one that the supervisor keeps, as its user sees it."""

    topics: TopicSet
    target: str
    port: int

    def figures(self) -> dict[str, float]:
        """Its metrics page, by name with labels; empty while nobody answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as page:
                lines = page.read().decode().splitlines()
        except OSError:
            return {}
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def rows(self) -> float:
        """Archived log lines."""
        return self.figures().get('logverse_backup_rows{topic="logs.http"}', 0)

    def row(self) -> dict[str, Any]:
        """Of `logverse status`; empty when it has none."""
        return self.topics.stack.process(SERVICE)

    def copies(self) -> bool:
        """Whether it is in the middle of a backup."""
        return any((self.topics.stack.home / "backup" / "spool").glob("*/*.parquet"))

    def says(self, *arguments: str) -> Any:
        """What a verb of `logverse backup` says with -o json."""
        return json.loads(self.topics.logverse("backup", *arguments, "--target", self.target, "-o", "json").stdout)


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hadoop]:
    with running(tmp_path_factory.mktemp("h")) as made:
        yield made


@contextmanager
def detached(topics: TopicSet, target: str) -> Iterator[Scheduler]:
    """Left to the supervisor with a backup each minute; at the end taken away as `--detach` says how."""
    port = stand_in.free_port()
    entry = topics.stack.home / "services" / f"{SERVICE}.json"
    options = ("--cron", "* * * * *", "--target", target, "--metrics-port", str(port))
    try:
        said = topics.logverse("backup", "schedule", "--detach", *options).stdout
        assert f"rm {entry}" in said
        yield Scheduler(topics, target, port)
    finally:
        entry.unlink(missing_ok=True)
        wait_until(lambda: not topics.stack.process(SERVICE), "the scheduler's end")


def test_scheduled_killed_while_it_copies_and_ended(topics: TopicSet, hadoop: Hadoop) -> None:
    """Every record is archived once at its time, the page says so, nobody can start a second one; ended, nothing of it is left."""
    target, kept = f"hdfs://{hadoop.address}/archive", Kept(topics.settings)
    kept.put("logs.http", events(LOST + FEW, 0))
    delete_first(topics, LOST // 4)

    with detached(topics, target) as scheduler:
        wait_until(lambda: scheduler.rows() == FEW, "the first backup, which comes at once")
        first, at_first = scheduler.figures(), time()
        second = topics.logverse("backup", "schedule", "--target", target, check=False)
        for start in range(1_000, 1_000 + MANY, 50_000):
            kept.put("logs.http", events(50_000, start))
        victim = scheduler.row()
        wait_until(lambda: scheduler.copies() and scheduler.rows() == FEW, "a backup that copies")
        os.kill(victim["pid"], signal.SIGKILL)
        cut_short = scheduler.copies()
        archived = sum(topic["records"] for topic in scheduler.says("show"))
        wait_until(lambda: scheduler.rows() == FEW + MANY, "what was cut short")
        again = scheduler.row()
        kept.put("logs.http", events(500, 1_000_000))
        wait_until(lambda: scheduler.rows() == FEW + MANY + 500, "the backup of the next minute")
        last, at_last = scheduler.figures(), time()
        verdict, runs = scheduler.says("verify", "--no-store"), scheduler.says("list")

    assert first['logverse_backup_gap_rows{topic="logs.http"}'] == LOST
    assert second.returncode == 1 and f"process {victim['pid']}" in second.stderr
    assert victim["state"] == "ready" and cut_short and archived < FEW + MANY
    assert (again["restarts"], again["pid"] != victim["pid"]) == (victim["restarts"] + 1, True)
    assert verdict["complete"], verdict
    assert (verdict["rows"], sum(hour["archive"] for hour in verdict["hours"])) == (FEW + MANY + 500, FEW + MANY + 500)
    assert len({run["run"][:13] for run in runs if run["finished"]}) >= 3, "not in three different minutes"
    for figures, at in ((first, at_first), (last, at_last)):
        success = figures["logverse_backup_last_success_timestamp_seconds"]
        assert abs(figures["logverse_backup_age_seconds"] - (at - success)) < 5
    newest = max(instant.read(run["at"]) for run in runs if run["finished"] and run["rows"])
    assert abs(last["logverse_backup_last_success_timestamp_seconds"] - newest / 1000) < 61  # an empty one may have come since
    assert list(opened(topics.settings, target).list(UPLOADING)) == []
    assert not list((topics.stack.home / "backup" / "spool").iterdir())
    topics.logverse("backup", "schedule", "--once", "--cron", "* * * * *", "--target", target)


def test_a_folder_is_the_same_for_the_supervisor(topics: TopicSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that was named from where the user stood lies there, and not where the supervisor stands."""
    monkeypatch.chdir(tmp_path)
    Kept(topics.settings).put("logs.http", events(40, 0))

    with detached(topics, "archive") as scheduler:
        wait_until(lambda: scheduler.rows() == 40, "the first backup")

    assert len(list((tmp_path / "archive" / "manifests").glob("*.json"))) >= 1


def events(count: int, start: int) -> list[bytes]:
    now = instant.now()
    return [LogEvent(now, now, "http", "web", 9, f"GET /{n} 200", f"u{n:08d}", {}).to_json() for n in range(start, start + count)]


def delete_first(topics: TopicSet, count: int) -> None:
    """So many records of each partition."""
    places = [TopicPartition(named("logs.http", topics.prefix), number, count) for number in range(4)]
    admin = AdminClient(client_config(topics.settings))
    for outcome in admin.delete_records(places).values():
        outcome.result(60)
