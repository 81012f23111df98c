"""`logverse job … history` without a server: what is refused, what is written down, what travels, and a store that is away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flink_jobs.history_lag import Lag
from flink_jobs.history_settings import HistorySettings
from logverse.cli.main import logverse
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.flink import JobManager

ADDRESS = "127.0.0.1:1"


@dataclass
class World:
    """A JobManager, a Kafka and a store that take what they are told."""

    home: Path
    address: str = ADDRESS
    rows: list[dict[str, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    epochs: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    away: Exception | None = None
    taken: HistorySettings | None = None

    def jobs(self) -> list[dict[str, Any]]:
        return self.rows

    def stop_with_savepoint(self, job_id: str, folder: str | None) -> str:
        self.done.append("stop")
        return "request"

    def savepoint_outcome(self, job_id: str, request_id: str) -> str:
        return "file:/savepoint-1"

    def submit(self, job: HistorySettings, cluster: object, restore: str | None, allow_lost_state: bool) -> str:
        self.done.append("submit")
        self.taken = job
        return "new"

    def policies(self) -> dict[str, list[tuple[int, str]]]:
        return self.epochs

    def opened(self, settings: object) -> World:
        if self.away:
            raise self.away
        return self

    def add_policies(self, new: list[tuple[str, int, str]]) -> None:
        self.done.append("policies")
        for log_type, since, text in new:
            self.epochs.setdefault(log_type, []).append((since, text))

    def close(self) -> None: ...
    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    endpoints = {"kafka": "127.0.0.1:2", "jobmanager": ADDRESS, "cassandra": "127.0.0.1:3"}
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    made = World(tmp_path)
    monkeypatch.setattr(JobManager, "of", classmethod(lambda _, __: made))
    monkeypatch.setattr("flink_jobs.submit.submit", made.submit)
    monkeypatch.setattr("flink_jobs.topic_ids.topic_ids", lambda _, topics: dict.fromkeys(topics, "id"))
    monkeypatch.setattr("deploy.topics.newest_append", lambda _: 1_000)
    monkeypatch.setattr("storage.stores.STORES", {"cassandra": made.opened})
    monkeypatch.setattr("deploy.local.jars.jars_of", lambda _: [Path("connector.jar")])
    monkeypatch.setattr("deploy.local.java.java_home", lambda: Path("java"))
    monkeypatch.setattr("deploy.local.checkpoints.remember_origin", lambda *_: None)
    return made


def run(world: World, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(logverse, ["--home", str(world.home), "job", *arguments], standalone_mode=False, env=environ)


def test_the_job_is_submitted_with_all_that_it_needs(world: World, tmp_path: Path) -> None:
    """The way to the store and what is in the files that it names; the policies are written down from the start."""
    (tmp_path / "password").write_text("secret\n")

    done = run(
        world, "submit", "history", LOGVERSE_STORE_HTTP="errors", LOGVERSE_CASSANDRA_USERNAME="me",
        LOGVERSE_CASSANDRA_PASSWORD_FILE=str(tmp_path / "password"), LOGVERSE_TOPIC_PREFIX="p",
    )  # fmt: skip

    assert done.exception is None
    assert world.taken is not None
    assert world.taken.store == {
        "cassandra_hosts": "127.0.0.1:3", "cassandra_keyspace": "logverse", "cassandra_username": "me", "topic_prefix": "p",
        "store": "cassandra",
    }  # fmt: skip
    assert world.taken.secrets == {"cassandra_password_file": "secret\n"}
    assert set(world.taken.topic_ids) >= {"p.logs.http", "p.alerts", "p.summaries"}
    assert HistorySettings.from_json(world.taken.to_json()) == world.taken
    assert sorted((log_type, *of[0]) for log_type, of in world.epochs.items()) == [
        ("activity", 0, "all"),
        ("error", 0, "all"),
        ("http", 0, "errors"),
    ]
    assert json.loads((tmp_path / "jobs" / "p.history.json").read_text())["job_id"] == "new"


def test_its_lag_is_watched_as_long_as_it_is_to_run(world: World, tmp_path: Path) -> None:
    """By a service that the supervisor keeps; it ends with the job."""
    service = tmp_path / "services" / "p.history-watch.json"
    run(world, "submit", "history", LOGVERSE_TOPIC_PREFIX="p")
    arguments = json.loads(service.read_text())["arguments"]
    world.rows = [{"name": "p.history", "jid": "new", "state": "RUNNING", "start-time": 0, "duration": 0}]

    done = run(world, "stop", "history", LOGVERSE_TOPIC_PREFIX="p")

    assert done.exception is None
    assert arguments == ["--topic-prefix", "p", "job", "watch", "history"]
    assert not service.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("submit", "history", "--watermark-delay", "5s"), "--watermark-delay"),
        (("submit", "histori"), "histori"),
        (("watch", "detect"), "detect"),
    ],
)
def test_what_the_history_does_not_have_is_said(world: World, arguments: tuple[str, ...], said: str) -> None:
    """Before anything is done."""
    done = run(world, *arguments)

    assert done.exception is not None and said in str(done.exception)
    assert world.done == []


@pytest.mark.parametrize("error", [WrongSettings("no schema", remedy="logverse schema migrate"), TryAgain("no Cassandra answers")])
def test_a_new_job_wants_a_store_that_is_ready(world: World, error: Exception) -> None:
    """It says what is missing and submits nothing."""
    world.away = error

    done = run(world, "submit", "history")

    assert (done.exception, world.done) == (error, [])


def test_a_job_that_comes_back_waits_for_its_store_by_itself(world: World) -> None:
    """The supervisor brings it back after a death of the JobManager, whatever else is away."""
    world.away = TryAgain("no Cassandra answers")

    done = run(world, "submit", "history", "--allow-lost-state")

    assert (done.exception, world.done) == (None, ["submit"])
    assert "the job will wait for it" in done.stderr


def test_a_wrong_policy_is_refused(world: World) -> None:
    """With the name of the setting."""
    done = run(world, "submit", "history", LOGVERSE_STORE_ERROR="some")

    assert isinstance(done.exception, WrongSettings)
    assert "store_error" in str(done.exception)


def test_a_new_policy_holds_from_the_last_record_that_the_old_job_could_see(world: World) -> None:
    """It is written down when the old job is stopped, and not before."""
    run(world, "submit", "history")
    world.rows = [{"name": "history", "jid": "new", "state": "RUNNING", "start-time": 0, "duration": 0}]
    world.done = []

    done = run(world, "upgrade", "history", LOGVERSE_STORE_HTTP="none")

    assert done.exception is None
    assert world.done == ["stop", "policies", "submit"]
    assert world.epochs["http"] == [(0, "all"), (1_001, "none")]
    assert "http events that arrive from now on are stored by policy none" in done.stderr


def test_an_upgrade_wants_a_store_that_is_there(world: World) -> None:
    """A policy that has changed could not be written down: the old job goes on."""
    run(world, "submit", "history")
    world.rows = [{"name": "history", "jid": "new", "state": "RUNNING", "start-time": 0, "duration": 0}]
    world.away, world.done = TryAgain("no Cassandra answers"), []

    done = run(world, "upgrade", "history")

    assert (done.exception, world.done) == (world.away, [])


def broken(error: Exception) -> Callable[..., Any]:
    def raising(*_: object) -> None:
        raise error

    return raising


def test_status_tells_how_far_the_history_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records and age, and how near the worst topic is to Kafka's retention; of a Kafka that is away: that."""
    from logverse.cli import job_history
    from logverse.settings import Settings

    behind = [Lag("logs.http", 30, 0, 0, 100_000), Lag("logs.error", 5, 60_000, 0, 70_000), Lag("alerts", 0, None, 2, None)]
    monkeypatch.setattr("logverse.instant.now", lambda: 90_000)
    monkeypatch.setattr("flink_jobs.history_lag_reading.lags", lambda _: behind[:2])
    known = job_history.facts(Settings())
    monkeypatch.setattr("flink_jobs.history_lag_reading.lags", broken(Refused("Kafka is away")))

    assert known == {"lag_records": 35, "lag_age": "1 min 30 s", "nearest_to_retention": "logs.http: 90.0%", "lost_records": 0}
    assert job_history.facts(Settings()) == {"lag": "Kafka is away"}
