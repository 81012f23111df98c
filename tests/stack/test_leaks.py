"""The leak test on real servers: planted secrets are in no topic, not in the store, in no notification, in no log of our processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logverse.topic_reader import read_to_end
from logverse.topics import LOGS, TOPICS, named
from tests.alerting.stand_ins import HttpServer
from tests.producers.masking import secrets_planted as planted

from .conftest import Stack, TopicSet, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(600)]

FORMS = ("access", "json", "java", "syslog", "logfmt", "plain")
RULES = {
    "rules": [
        {"name": "any-line", "type": "frequency", "num_events": 1, "window": "5s"},
        {"name": "any-failure", "type": "frequency", "num_events": 1, "window": "5s", "where": {"log.type": "error"}},
    ]
}


@pytest.fixture
def whole(topics: TopicSet, tmp_path: Path) -> Iterator[TopicSet]:
    """Topics of its own with both jobs on them, and rules that fire on whatever comes."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(RULES))
    topics.logverse("rules", "apply", str(rules), check=False)
    topics.logverse("schema", "migrate")
    topics.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    try:
        with topics.job():
            yield topics
    finally:
        topics.logverse("job", "stop", "history", "--no-savepoint", check=False)


def test_no_secret_is_anywhere_behind_the_producer(stack: Stack, whole: TopicSet, tmp_path: Path) -> None:
    """From every form of line through Kafka, both jobs, the store and the webhook: all of it has come, and no secret with it."""
    (tmp_path / "logs").mkdir()
    logs = planted.files(tmp_path / "logs", datetime.now(UTC))
    accounts, said = [], ""
    for form in FORMS:
        memory = tmp_path / f"{form}-checkpoint.json"
        arguments = ("produce", str(logs[form]), "--service", f"leak-{form}", "--type", form, "--masking", "default")
        done = whole.logverse(*arguments, "--no-follow", "--checkpoint", str(memory), "-o", "json")
        accounts.append(json.loads(done.stdout))
        said += done.stdout + done.stderr + memory.read_text()

    with told(stack, whole, tmp_path) as (server, log):
        wait_until(lambda: whole.read("alerts"), "alerts")
        wait_until(lambda: server.requests, "a notification")
        wait_until(lambda: len(stored(whole)) >= sum(account["events"] for account in accounts), "the events in the store")
        notified = repr(server.requests).encode()
        said += log.read_text()

    found = [leak for topic in TOPICS for leak in of_topic(whole, topic)]
    found += [leak for row in stored(whole) for leak in planted.leaks("the store", json.dumps(row, ensure_ascii=False).encode())]
    found += planted.leaks("a notification", notified) + planted.leaks("what the commands said", said.encode())
    found += [leak for folder in ("logs", "producers", "run") for leak in planted.below(stack.home / folder, ())]
    assert found == []
    assert all(account["masked"] for account in accounts)


def of_topic(topics: TopicSet, topic: str) -> list[str]:
    """The leaks of all records of a topic: keys, values, headers, and the bytes within dead letters."""
    found = []
    for message in read_to_end(topics.settings, named(topic, topics.prefix), timeout_s=60):
        value, key = message.value() or b"{}", (message.key() or b"").decode("utf-8", "replace")
        found += planted.of_record(topic, value, key) + planted.leaks(f"a header on {topic}", repr(message.headers()).encode())
    return found


def stored(topics: TopicSet) -> list[dict[str, object]]:
    """All that the store has, as `logverse query` gives it: of each service that a record names, for a line may name its own."""
    found = (
        json.loads(message.value() or b"{}")
        for topic in LOGS.values()
        for message in read_to_end(topics.settings, named(topic, topics.prefix))
    )
    services = {event["service.name"] for event in found if event["log.type"] != "heartbeat"}
    rows = []
    for service in sorted(services):
        told = topics.logverse("query", "events", "--service", service, "--since", "2h", "--limit", "0", "-o", "json", check=False)
        rows += [json.loads(line) for line in told.stdout.splitlines()]
    return rows


@contextmanager
def told(stack: Stack, topics: TopicSet, folder: Path) -> Iterator[tuple[HttpServer, Path]]:
    """A webhook that hears of every alert, and the log of the process that tells it."""
    home, log = folder / "sink", folder / "sink.log"
    home.mkdir()
    kafka = ("--bootstrap-servers", topics.settings.bootstrap_servers, "--topic-prefix", topics.prefix)
    with HttpServer().serving() as server, log.open("wb") as out:
        receiver = {"name": "ops", "webhook_configs": [{"url": server.url}]}
        (home / "alerting.yaml").write_text(json.dumps({"route": {"receiver": "ops"}, "receivers": [receiver]}))
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(home), *kafka, "alerts", "deliver"]
        sink = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield server, log
        finally:
            sink.kill()
            sink.wait()
