"""The detect job on a Flink cluster that has nothing of ours, and what `logverse job` says of jobs that run and that fail."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient

from deploy.local.java import java_home
from deploy.local.servers.flink_config import java_options, pyflink
from logverse.errors import Refused, TryAgain
from logverse.flink import JobManager
from logverse.kafka import client_config
from logverse.topics import LOGS, named

from .conftest import TopicSet, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(600)]

RULE = {"name": "lively", "type": "frequency", "where": {"log.type": "http"}, "num_events": 20, "window": "2s"}


@dataclass(frozen=True)
class Cluster:
    """A Flink as the wheel brings it, started by hand, and a Python for its workers that knows PyFlink and not us."""

    jobmanager: str
    python: Path
    archive: Path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("foreign")
    python, archive = foreign_python(folder)
    rest = write_configuration(folder)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "JAVA_HOME": str(java_home())}
    environ |= {"FLINK_CONF_DIR": str(folder / "conf"), "FLINK_LOG_DIR": str(folder), "FLINK_PID_DIR": str(folder)}
    with ExitStack() as running:
        for name in ("jobmanager", "taskmanager"):
            log = running.enter_context((folder / f"{name}.log").open("wb"))
            command = [str(pyflink() / "bin" / f"{name}.sh"), "start-foreground"]
            process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log)
            running.callback(process.wait, 30)
            running.callback(process.terminate)
        wait_until(lambda: slots(rest) > 0, "the second cluster's slots")
        yield Cluster(rest, python, archive)


def foreign_python(folder: Path) -> tuple[Path, Path]:
    """A virtual environment that sees the installed packages, but not the editable install of ours; and the same as an archive."""
    home = folder / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    packages = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "installed.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin" / "python", Path(shutil.make_archive(str(folder / "environment"), "zip", home))


def write_configuration(folder: Path) -> str:
    """Everything on loopback and on ports of its own; answers the REST address."""
    rpc, rest, blob = (free_port() for _ in range(3))
    hosts = (
        "jobmanager.rpc.address",
        "jobmanager.bind-host",
        "rest.address",
        "rest.bind-address",
        "taskmanager.host",
        "taskmanager.bind-host",
    )
    settings = dict.fromkeys(hosts, "127.0.0.1") | {
        "jobmanager.rpc.port": rpc,
        "rest.port": rest,
        "blob.server.port": blob,
        "jobmanager.memory.process.size": "1024m",
        "taskmanager.memory.process.size": "1728m",
        "taskmanager.memory.jvm-metaspace.size": "384m",
        "taskmanager.numberOfTaskSlots": 2,
        "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (folder / "savepoints").as_uri(),
        "env.java.opts.all": " ".join(java_options()),
    }
    (folder / "conf").mkdir()
    (folder / "conf" / "config.yaml").write_text(yaml.safe_dump(settings))
    shutil.copy(pyflink() / "conf" / "log4j-console.properties", folder / "conf")
    return f"127.0.0.1:{rest}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def slots(jobmanager: str) -> int:
    with suppress(TryAgain, Refused):
        return int(JobManager(jobmanager).overview()["slots-total"])
    return 0


def test_the_second_cluster_has_nothing_of_ours(cluster: Cluster, tmp_path: Path) -> None:
    """Neither the Kafka connector on its class path nor our packages in its Python: what follows proves that they travel."""
    code = {
        name: subprocess.run([cluster.python, "-c", f"import {name}"], cwd=tmp_path, env={}).returncode for name in ("pyflink", "logverse")
    }

    assert code == {"pyflink": 0, "logverse": 1}
    assert [path.name for path in (pyflink() / "lib").glob("*kafka*")] == []


def test_the_job_lives_on_a_second_cluster(cluster: Cluster, topics: TopicSet, tmp_path: Path) -> None:
    """It raises an alert there; list, status and savepoint answer; stopped and submitted from its savepoint it ends the alert it began.

    The second time its Python travels too, as an archive.
    """
    there = ("--jobmanager", cluster.jobmanager)
    log = tmp_path / "logs" / "web" / "access.log"
    (tmp_path / "rules.yaml").write_text(json.dumps({"rules": [RULE]}))
    topics.logverse("rules", "apply", str(tmp_path / "rules.yaml"))
    submit = ("job", "submit", "detect", *there, "--parallelism", "1")

    topics.logverse(*submit, "--python", str(cluster.python))
    traffic = topics.running("simulate", str(tmp_path / "logs"), "--service", "web", "--rate", "50", "--live")
    with traffic as writer, topics.running("produce", str(log), "--service", "web"):
        wait_until(lambda: topics.alerts("lively"), "the alert")
        (row,), list_s = timed(topics, "job", "list", *there)
        facts, status_s = timed(topics, "job", "status", "detect", *there)
        savepoint = topics.logverse("job", "savepoint", "detect", *there).stdout.strip()
        began = time.monotonic()
        stopped = topics.logverse("job", "stop", "detect", *there).stdout
        stop_s = time.monotonic() - began
        writer.terminate()
        path = stopped.split("--restore ")[1].strip()
        topics.logverse(*submit, "--restore", path, "--python", "environment.zip/bin/python", "--python-archive", str(cluster.archive))
        wait_until(lambda: topics.alerts("lively")[-1].status == "resolved", "its end, from the job that goes on")
    alerts = topics.alerts("lively")
    topics.logverse("job", "stop", "detect", *there, "--no-savepoint")

    print(f"\nlist {list_s:.1f} s, status {status_s:.1f} s, stop with savepoint {stop_s:.1f} s")
    assert (row["name"], row["state"]) == (f"{topics.prefix}.detect", "RUNNING")
    assert (facts["state"], facts["failures"], facts["root_cause"]) == ("RUNNING", 0, None)
    assert Path(savepoint.removeprefix("file:")).joinpath("_metadata").exists() and path != savepoint
    assert len({alert.id for alert in alerts}) == 1
    assert [alert.status for alert in alerts] == ["firing", "resolved"]


def test_status_tells_the_root_cause_of_a_failure_in_one_line(topics: TopicSet) -> None:
    """A job whose topics are gone says which, not where in Flink it was noticed."""
    gone = [named(topic, topics.prefix) for topic in LOGS.values()]
    admin = AdminClient(client_config(topics.settings))  # held until it has answered
    for outcome in admin.delete_topics(gone).values():
        outcome.result()

    with topics.job():
        wait_until(lambda: status(topics)["root_cause"], "a root cause")
        told = topics.logverse("job", "status", "detect", check=False)

    (line,) = [line for line in told.stdout.splitlines() if line.startswith("root cause")]
    print(f"\n{line}")
    assert told.returncode == 1
    assert "UnknownTopicOrPartition" in line


def timed(topics: TopicSet, *arguments: str) -> tuple[Any, float]:
    began = time.monotonic()
    found = json.loads(topics.logverse(*arguments, "-o", "json").stdout)
    return found, time.monotonic() - began


def status(topics: TopicSet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(topics.logverse("job", "status", "detect", "-o", "json", check=False).stdout)
    return found
