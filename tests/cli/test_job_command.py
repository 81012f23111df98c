"""`logverse job submit` and `upgrade` without a server: what is written down, what is warned about, and the way back."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deploy.local import checkpoints
from deploy.local.home import Home
from logverse.cli.main import logverse
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.flink import JobManager, root_cause

ADDRESS, KAFKA = "127.0.0.1:1", "127.0.0.1:2"


@dataclass
class Cluster:
    """A JobManager that takes what it is told, and what our side asked of it and of Kafka."""

    home: Path
    address: str = ADDRESS
    rows: list[dict[str, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    taken: str = "new"

    def jobs(self) -> list[dict[str, Any]]:
        return self.rows

    def stop_with_savepoint(self, job_id: str, folder: str | None) -> str:
        self.done.append("stop")
        return "request"

    def savepoint_outcome(self, job_id: str, request_id: str) -> str:
        return self.savepoint.as_uri()

    def submit(self, job: object, cluster: object, restore: str | None, allow_lost_state: bool) -> str:
        self.done.append(f"submit restore={restore}")
        return self.taken

    @property
    def savepoint(self) -> Path:
        path = self.home / "savepoints" / "savepoint-1"
        path.mkdir(parents=True, exist_ok=True)
        (path / "_metadata").write_bytes(checkpoints.MAGIC)
        return path

    @property
    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "jobs" / "detect.json").read_text())
        return found


def broken(error: Exception) -> Callable[..., Any]:
    def raising(*_: object) -> None:
        raise error

    return raising


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """An embedded one of the home tmp_path."""
    (tmp_path / "endpoints.json").write_text(json.dumps({"kafka": KAFKA, "jobmanager": ADDRESS}))
    made = Cluster(tmp_path)
    monkeypatch.setattr(JobManager, "of", classmethod(lambda _, __: made))
    monkeypatch.setattr("flink_jobs.submit.submit", made.submit)
    monkeypatch.setattr("flink_jobs.rules.topic.snapshot", lambda _: {})
    monkeypatch.setattr("flink_jobs.rules.topic.publish", lambda *_: made.done.append("publish"))
    monkeypatch.setattr("flink_jobs.rules.topic.announce", lambda *_: made.done.append("announce"))
    monkeypatch.setattr("deploy.local.jars.jars_of", lambda _: [Path("connector.jar")])
    monkeypatch.setattr("deploy.local.java.java_home", lambda: Path("java"))
    return made


def run(cluster: Cluster, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(logverse, ["--home", str(cluster.home), *arguments], standalone_mode=False, env=environ)


def running(cluster: Cluster) -> None:
    """The job runs under the id `old`, submitted from here."""
    cluster.taken = "old"
    assert run(cluster, "job", "submit", "detect", "--watermark-delay", "60s").exception is None
    cluster.rows = [{"name": "detect", "jid": "old", "state": "RUNNING", "start-time": 0, "duration": 0}]
    cluster.done, cluster.taken = [], "new"


def test_a_job_that_was_taken_is_written_down_whatever_comes_after(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The announcement that fails is a warning: the job runs, and the supervisor must know it."""
    monkeypatch.setattr("flink_jobs.rules.topic.announce", broken(TryAgain("Kafka is away")))

    done = run(cluster, "job", "submit", "detect")

    assert done.exception is None
    assert "warning" in done.stderr and "Kafka is away" in done.stderr
    assert cluster.written["job_id"] == "new"


def test_the_resubmitted_job_is_the_submitted_one(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other brokers and whole paths are kept, wherever they came from; they hold in any folder and without this environment."""
    monkeypatch.chdir(cluster.home)
    Path("environment.zip").touch()

    run(cluster, "job", "submit", "detect", "--python", "bin/python", LOGVERSE_BOOTSTRAP_SERVERS="other:9092")
    one = cluster.written
    run(cluster, "job", "submit", "detect", "--python", "environment.zip/bin/python", "--python-archive", "environment.zip")
    other = cluster.written

    assert one["arguments"][:3] == ["--bootstrap-servers", "other:9092", "job"]
    assert str(cluster.home / "bin/python") in one["arguments"]
    assert "--bootstrap-servers" not in other["arguments"]
    assert {"environment.zip/bin/python", str(cluster.home / "environment.zip")} <= set(other["arguments"])
    assert other["options"]["python_archive"] == str(cluster.home / "environment.zip")


def test_a_way_in_that_only_the_environment_knows_is_warned_about(cluster: Cluster, tmp_path: Path) -> None:
    """The supervisor has no such environment: logverse.yaml must say it; once it does, nothing is warned about."""
    (tmp_path / "password").write_text("x")
    secret = {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_USERNAME": "me", "SASL_PASSWORD_FILE": str(tmp_path / "password")}
    environ = {f"LOGVERSE_{name}": value for name, value in secret.items()}

    before = run(cluster, "job", "submit", "detect", **environ).stderr
    (tmp_path / "logverse.yaml").write_text("".join(f"{name.lower()}: {value}\n" for name, value in secret.items()))
    after = run(cluster, "job", "submit", "detect", **environ).stderr

    assert "security_protocol, sasl_username, sasl_password_file came from the environment" in before
    assert str(tmp_path / "logverse.yaml") in before
    assert "warning" not in after


def test_what_a_job_was_restored_from_holds_until_its_first_checkpoint(cluster: Cluster) -> None:
    """A JobManager that dies before that must not cost what the savepoint has."""
    run(cluster, "job", "submit", "detect", "--restore", cluster.savepoint.as_uri())

    assert checkpoints.newest_whole(Home(cluster.home), "new") == cluster.savepoint


def test_of_two_submissions_at_once_one_is_told(cluster: Cluster) -> None:
    """Nothing is submitted by the loser, who is not left waiting."""
    (cluster.home / "jobs").mkdir()
    with (cluster.home / "jobs" / "detect.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = run(cluster, "job", "submit", "detect")

    assert isinstance(done.exception, Refused)
    assert "being submitted" in str(done.exception)
    assert cluster.done == []


@pytest.mark.parametrize("missing", ["deploy.local.java.java_home", "deploy.local.jars.jars_of", "flink_jobs.rules.topic.snapshot"])
def test_an_upgrade_that_cannot_be_leaves_the_job_running(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Whatever it needs is looked for before anything is stopped."""
    running(cluster)
    monkeypatch.setattr(missing, broken(WrongSettings("not here")))

    done = run(cluster, "job", "upgrade", "detect")

    assert isinstance(done.exception, WrongSettings)
    assert "stop" not in cluster.done


def test_an_upgrade_goes_on_from_its_savepoint(cluster: Cluster) -> None:
    """Stopped, rules published, submitted; the old options are still there for the next one."""
    running(cluster)

    done = run(cluster, "job", "upgrade", "detect")

    uri = cluster.savepoint.as_uri()
    assert done.exception is None
    assert [step for step in cluster.done if step != "publish"] == ["stop", f"submit restore={uri}", "announce"]
    assert (cluster.written["job_id"], cluster.written["options"]["watermark_delay"]) == ("new", "60s")
    assert checkpoints.newest_whole(Home(cluster.home), "new") == cluster.savepoint


def test_an_upgrade_that_fails_on_the_way_names_the_way_back(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command as it can be pasted; and a JobManager that dies meanwhile has the job back from the savepoint, not from before it."""
    running(cluster)
    own = cluster.home / "checkpoints" / "old" / "chk-9"
    own.mkdir(parents=True)
    (own / "_metadata").write_bytes(checkpoints.MAGIC)
    os.utime(own / "_metadata", (1, 1))
    monkeypatch.setattr("flink_jobs.submit.submit", broken(Refused("no slots")))

    done = run(cluster, "job", "upgrade", "detect")

    home, uri = cluster.home, cluster.savepoint.as_uri()
    assert isinstance(done.exception, Refused)
    assert "no slots" in str(done.exception)
    assert f"logverse --home {home} job submit detect --watermark-delay 60s" in str(done.exception)
    assert str(done.exception).endswith(f"--restore {uri} --allow-lost-state")
    assert checkpoints.newest_whole(Home(home), "old") == cluster.savepoint
    checkpoints.tidy(Home(home), "old", {"old"})
    assert checkpoints.newest_whole(Home(home), "old") == cluster.savepoint


def test_upgrade_tells_what_it_costs() -> None:
    """The help names the windows that are lost when the SQL changes."""
    said = " ".join(CliRunner().invoke(logverse, ["job", "upgrade", "--help"]).output.split())

    assert "one-second windows that were open in the old one are lost" in said


def test_a_root_cause_cannot_steer_a_terminal() -> None:
    """It may quote a line of somebody's log."""
    assert root_cause("a.B: \x1b[31mred\n\tat c") == "a.B: \\x1b[31mred"


def test_no_embedded_cluster_no_record(cluster: Cluster) -> None:
    """A job on another cluster is not this supervisor's, so nothing is written into the home."""
    done = run(cluster, "job", "submit", "detect", "--jobmanager", "flink.example:8081")

    assert done.exception is None
    assert not (cluster.home / "jobs").exists()
