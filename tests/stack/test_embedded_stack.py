"""The embedded stack on real servers: it comes up, comes back, and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from deploy.local import checkpoints, process
from deploy.local.home import Home
from deploy.local.servers import SERVERS
from logverse.flink import JobManager
from logverse.kafka import client_config
from logverse.topics import TOPICS

from .conftest import Stack, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the test's own, not yet up, beside the shared one."""
    own = Stack(tmp_path_factory.mktemp("t"))
    yield own
    own.logverse("down", check=False)


def processes_of(stack: Stack) -> dict[int, str]:
    return {found.pid: name for name, found in process.marked(Home(stack.home))}


def submitted(stack: Stack) -> str:
    """The id under which the detect job was last submitted."""
    return str(json.loads((stack.home / "jobs" / "detect.json").read_bytes())["job_id"])


def write(stack: Stack, value: bytes) -> None:
    producer = Producer(client_config(stack.settings))
    producer.produce("logs.dlq", value)
    assert producer.flush(30) == 0


def written(stack: Stack) -> list[bytes]:
    """Everything on the topic that `write` writes to."""
    consumer = Consumer(client_config(stack.settings, group_id="reader"))
    wait_until(lambda: led(consumer), "a broker that leads the topic again")
    _, end = consumer.get_watermark_offsets(TopicPartition("logs.dlq", 0), timeout=30)
    consumer.assign([TopicPartition("logs.dlq", 0, 0)])
    values = [message.value() for message in consumer.consume(end, timeout=30)] if end else []
    consumer.close()
    return values


def led(consumer: Consumer) -> bool:
    try:
        return bool(consumer.get_watermark_offsets(TopicPartition("logs.dlq", 0), timeout=30))
    except KafkaException:
        return False


def test_up_makes_every_server_ready_and_says_where(stack: Stack) -> None:
    """After `up` the status lists each server as ready, with memory and log, quickly, and verbs find the addresses by themselves."""
    began = time.monotonic()

    seen = stack.status()

    assert time.monotonic() - began < 5  # a second on a quiet machine
    servers = {one["name"]: one for one in seen["processes"] if one["kind"] == "server"}
    assert {name: one["state"] for name, one in servers.items()} == dict.fromkeys(SERVERS, "ready")
    assert all(one["memory_bytes"] > 50_000_000 and Path(one["log"]).stat().st_size for one in servers.values())
    found = stack.settings
    assert [servers[name]["address"] for name in ("kafka", "jobmanager", "cassandra")] == [
        found.bootstrap_servers, found.jobmanager, found.cassandra_hosts,
    ]  # fmt: skip


def test_up_again_changes_nothing(stack: Stack) -> None:
    """`up` on a stack that is up says so and leaves every server as it is."""
    before = {one["name"]: one["pid"] for one in stack.status()["processes"] if one["kind"] == "server"}

    said = stack.logverse("up").stdout

    assert "already up" in said
    assert {one["name"]: one["pid"] for one in stack.status()["processes"] if one["kind"] == "server"} == before


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    """No process of the stack can be reached from another machine."""
    listening = {
        (name, connection.laddr.ip.removeprefix("::ffff:"))
        for name, found in process.marked(Home(stack.home))
        for connection in found.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert {name for name, _ in listening} >= SERVERS.keys()
    assert {address for _, address in listening} == {"127.0.0.1"}


def test_up_has_created_the_topics(stack: Stack) -> None:
    """The topics are there as `topics verify` wants them, creating them again changes nothing, and the list counts records."""
    write(stack, b"counted")

    listed = json.loads(stack.logverse("topics", "list", "-o", "json").stdout)

    assert "as they must be" in stack.logverse("topics", "verify").stdout
    assert f"all {len(TOPICS)} topics are there" in stack.logverse("topics", "create").stdout
    row = next(one for one in listed if one["topic"] == "logs.dlq")
    assert (row["partitions"], row["kept"], row["records"]) == (1, "30 days", 1)


def test_verify_names_a_topic_that_differs_and_the_remedy(stack: Stack) -> None:
    """A set of topics that does not exist fails the verification with what to do about it, and `create` does it."""
    prefixed = ("--topic-prefix", "twin-1", "topics")

    before = stack.logverse(*prefixed, "verify", check=False)
    stack.logverse(*prefixed, "create")

    assert before.returncode == 1
    assert "twin-1.logs.http: does not exist\n  → logverse topics create" in before.stdout
    assert stack.logverse(*prefixed, "verify").returncode == 0


def test_doctor_finds_nothing_broken(stack: Stack) -> None:
    """On a stack that is up the doctor has looked at everything and fails nothing but what a service of ours may lack."""
    findings = json.loads(stack.logverse("doctor", "-o", "json", check=False).stdout)

    failed = [one for one in findings if one["level"] == "fail" and "alerts-deliver" not in one["text"]]
    assert failed == []
    assert {"java", "jars", "topics", "clock", "jobs", "supervisor", "ports", "cassandra"} <= {one["check"] for one in findings}


def test_a_service_starts_restarts_and_stops_with_its_file(stack: Stack) -> None:
    """A file in services/ is a process of ours: it runs while the file is there, killed or not."""
    file = stack.home / "services" / "watcher.json"
    file.write_text(json.dumps({"name": "watcher", "arguments": ["logs", "supervisor", "--follow"]}))
    wait_until(lambda: stack.process("watcher").get("state") == "ready", "the service ready")
    first = stack.process("watcher")["pid"]

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: stack.process("watcher")["state"] == "ready" and stack.process("watcher")["pid"] != first, "the service back")
    file.unlink()
    wait_until(lambda: "watcher" not in processes_of(stack).values() and not stack.process("watcher"), "the service gone")


@pytest.mark.parametrize(
    "name", ["kafka", *(pytest.param(name, marks=pytest.mark.proof) for name in ("taskmanager", "jobmanager", "cassandra"))]
)
def test_a_killed_server_comes_back(stack: Stack, name: str) -> None:
    """kill -9 of a server: a new one is ready soon, at the same address, with its data, and the status has counted it."""
    stack.wait_ready()
    write(stack, name.encode())
    before = stack.process(name)

    os.kill(before["pid"], signal.SIGKILL)

    wait_until(lambda: stack.process(name)["restarts"] == before["restarts"] + 1, f"the death of {name} noticed")
    stack.wait_ready()
    after = stack.process(name)
    assert after["pid"] != before["pid"]
    assert after["address"] == before["address"]
    assert name.encode() in written(stack)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_job_comes_back_from_its_newest_checkpoint(stack: Stack) -> None:
    """kill -9 of the JobManager, which forgets its jobs: the supervisor submits the job again from the newest whole checkpoint."""
    stack.wait_ready()
    stack.logverse("job", "submit", "detect", "--checkpoint-interval", "1s")
    flink, first = JobManager.of(stack.settings), submitted(stack)
    wait_until(lambda: checkpoints.newest_whole(Home(stack.home), first), "a checkpoint")

    os.kill(stack.process("jobmanager")["pid"], signal.SIGKILL)

    wait_until(lambda: submitted(stack) != first, "the job submitted again", timeout=180)
    stack.wait_ready()
    # It is noted as soon as the cluster took it, which is before it has restored anything and before the supervisor looked again.
    wait_until(lambda: flink.checkpoints(submitted(stack))["latest"]["restored"], "a checkpoint restored")
    restored = flink.checkpoints(submitted(stack))["latest"]["restored"]
    assert f"/{first}/chk-" in restored["external_path"]
    wait_until(lambda: ("detect", submitted(stack)) in {(job["job"], job["id"]) for job in stack.status()["jobs"]}, "the job in the status")
    stack.logverse("job", "stop", "detect", "--no-savepoint")  # its tasks may still be starting


@pytest.mark.proof
def test_a_stack_lives_through_its_supervisors_death(stack: Stack, second: Stack) -> None:
    """Beside another stack: supervisor killed, down leaves nothing, up has the old addresses and data; killed again, up replaces all."""
    second.logverse("up")
    write(second, b"kept")
    addresses = second.settings.bootstrap_servers, second.settings.jobmanager

    os.kill(second.status()["supervisor"]["pid"], signal.SIGKILL)
    assert second.logverse("status", check=False).returncode == 1
    assert processes_of(second)
    second.logverse("down")

    assert processes_of(second) == {}
    second.logverse("up")
    assert (second.settings.bootstrap_servers, second.settings.jobmanager) == addresses
    assert written(second) == [b"kept"]

    before = processes_of(second)
    os.kill(second.status()["supervisor"]["pid"], signal.SIGKILL)
    second.logverse("up")

    after = processes_of(second)
    assert not before.keys() & after.keys()
    assert sorted(after.values()).count("kafka") == 1
    assert written(second) == [b"kept"]
    second.logverse("down", "--wipe", "--yes")
    assert processes_of(second) == {}
    assert not second.home.exists()
    assert all(one["state"] == "ready" for one in stack.status()["processes"] if one["kind"] == "server")
