"""One running embedded stack for all tests of a session, in a folder of its own and torn down at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from logverse import instant, settings
from logverse.alert import Alert
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import named
from storage.stores import SCHEMAS

from . import stand_in

UP_S = 240.0  # generous: the machine of the tests may be busy


@dataclass(frozen=True)
class Stack:
    """A home folder with servers, and the `logverse` command on it."""

    home: Path

    @property
    def settings(self) -> Settings:
        return settings.load({"home": str(self.home)}, {})

    def logverse(
        self, *arguments: str, timeout: float = UP_S, check: bool = True, environ: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        """Run `logverse ARGUMENTS` on this home; fails with all it printed when its exit code is not 0 (unless check=False)."""
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(self.home), *arguments]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LOGVERSE_") or name == "LOGVERSE_CACHE"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=ours | dict(environ))
        assert not check or done.returncode == 0, f"logverse {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.logverse("status", "-o", "json", check=False).stdout)
        return found

    def process(self, name: str) -> dict[str, Any]:
        """The row of this process in `logverse status`; empty when it lists none of that name."""
        return next((one for one in self.status()["processes"] if one["name"] == name), {})

    def wait_ready(self) -> None:
        """Until every server is ready again."""
        wait_until(lambda: all(one["state"] == "ready" for one in self.status()["processes"] if one["kind"] == "server"), "the stack ready")


def wait_until(true: Callable[[], object], what: str, timeout: float = 120.0) -> None:
    """Wait on a condition; the failure says what did not come."""
    until = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < until, f"waited {timeout:.0f} s for {what}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The shared stack. A test that kills something of it waits with `wait_ready` before it ends."""
    pytest.importorskip("pyflink", reason="the flink extra is not installed")
    made = Stack(tmp_path_factory.mktemp("s"))
    try:
        made.logverse("up")
        yield made
    finally:
        made.logverse("down", check=False)


@pytest.fixture(scope="session")
def keyspaced(stack: Stack) -> Settings:
    """A keyspace of the stores' tests, with the schema."""
    return migrated(renamed(stack.settings))


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that lead to the stand-in for MongoDB, a process of its own beside the stack."""
    with stand_in.running(tmp_path_factory.mktemp("m")) as address:
        yield Settings(store="mongodb", mongodb_hosts=address)


@pytest.fixture(scope="session", params=["cassandra", "mongodb"])
def database(request: pytest.FixtureRequest) -> Settings:
    """Settings that lead to each of the databases, in a keyspace where nothing is yet."""
    return renamed(request.getfixturevalue("stack").settings if request.param == "cassandra" else request.getfixturevalue("mongodb"))


def renamed(settings: Settings) -> Settings:
    """A keyspace that no other test has used."""
    name = f"t{uuid.uuid4().hex[:12]}"
    return replace(settings, cassandra_keyspace=name, mongodb_database=name)


def migrated(settings: Settings) -> Settings:
    """With the schema of this version."""
    with SCHEMAS[settings.store](settings) as schema:
        schema.migrate("", "tests", lambda _: None, time.sleep, instant.now)
    return settings


@dataclass(frozen=True)
class TopicSet:
    """Topics of a test's own on the shared stack, and the `logverse` command on them."""

    stack: Stack
    prefix: str

    @property
    def settings(self) -> Settings:
        return replace(self.stack.settings, topic_prefix=self.prefix)

    def logverse(
        self, *arguments: str, timeout: float = UP_S, check: bool = True, environ: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        return self.stack.logverse("--topic-prefix", self.prefix, *arguments, timeout=timeout, check=check, environ=environ)

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Every record of the topic as it is now; in order within a partition."""
        return [json.loads(message.value()) for message in read_to_end(self.settings, named(topic, self.prefix), timeout_s=60)]

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A `logverse` command that runs meanwhile; killed at the end, if the test has not."""
        command = [sys.executable, "-m", "logverse.cli.main", "--home", str(self.stack.home), "--topic-prefix", self.prefix, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def alerts(self, rule: str) -> list[Alert]:
        """The transitions that a rule has told so far, in order of their time."""
        found = [Alert.from_json(json.dumps(record)) for record in self.read("alerts") if record["rule"] == rule]
        return sorted(found, key=lambda alert: alert.at)

    @contextmanager
    def job(self, *options: str) -> Iterator[None]:
        """The detect job on these topics; cancelled at the end. One subtask: the tests' jobs share two cores."""
        self.logverse("job", "submit", "detect", "--parallelism", "1", *options)
        try:
            yield
        finally:
            self.logverse("job", "stop", "detect", "--no-savepoint", check=False)


@pytest.fixture(scope="session")
def watched(stack: Stack) -> Iterator[TopicSet]:
    """Topics with the detect job on them: one submission for all tests that watch live traffic, each with services of its own."""
    made = topic_set(stack)
    with made.job():
        yield made


@pytest.fixture
def topics(stack: Stack) -> TopicSet:
    """A fresh set of topics."""
    return topic_set(stack)


def topic_set(stack: Stack) -> TopicSet:
    """Topics that no test has used before."""
    made = TopicSet(stack, f"t{uuid.uuid4().hex[:8]}")
    made.logverse("topics", "create")
    return made
