"""The history job on real servers: what is in the store is what a plain reader finds in the file, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from logverse.alert import Alert, Explanation
from storage.cassandra.store import CassandraStore, opened
from storage.rows import StoredEvent
from storage.store import Selection

from .conftest import Stack, TopicSet, topic_set, wait_until
from .kept import EVER, Kept
from .plain_reader import real_log

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

ALERT = Alert(
    "5xx", "frequency", "firing", "critical", {"service.name": "web"}, 1_790_000_000_000, 1_790_000_000_000,
    Explanation("too much", 1.0, 0.5, ">", "%", 1, 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def topics(stack: Stack) -> Iterator[TopicSet]:
    """Topics of this file's own, with the history job on them."""
    made = topic_set(stack)
    made.logverse("schema", "migrate")
    made.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    try:
        yield made
    finally:
        made.logverse("job", "stop", "history", "--no-savepoint", check=False)


@pytest.fixture
def kept(topics: TopicSet) -> Kept:
    return Kept(topics.settings)


def test_the_rows_are_the_files_lines_however_often_they_are_sent(topics: TopicSet, kept: Kept, tmp_path: Path) -> None:
    """Every line once, garbage in Kafka in logs.dlq with its place, alerts beside them; sent again, nothing changes."""
    lines = real_log("apache").splitlines()[:4_000]
    log = tmp_path / "apache.log"
    log.write_bytes(b"\n".join(lines) + b"\n")
    rubbish = garbage(kept, 200)
    kept.put("alerts", [ALERT.to_json(), b"no alert"])

    produce(topics, log, "web", tmp_path / "first.json")
    wait_until(lambda: kept.behind() == 0, "the first sending read")
    first = kept.rows("web")
    produce(topics, log, "web", tmp_path / "second.json")
    wait_until(lambda: kept.behind() == 0, "the second sending read")

    assert Counter(body for _, body in first) == Counter(sha256(line).hexdigest() for line in lines)
    assert len({uid for uid, _ in first}) == len(lines)
    assert sorted(kept.rows("web")) == sorted(first)
    found = Counter(letter["sha256"] for letter in kept.letters() if "topic" in letter["origin"])
    assert found == Counter([*rubbish, sha256(b"no alert").hexdigest()])
    with closing(opened(topics.settings)) as store:
        assert [one.transition_id for one in store.timeline(ALERT.id)] == [ALERT.transition_id]


def test_what_is_odd_ends_in_one_counted_place(topics: TopicSet, kept: Kept, tmp_path: Path) -> None:
    """A stack trace of 200 KB and 10,000 attributes are stored whole, as are NULs and what is no UTF-8; 10 MB are a dead letter."""
    trace = "".join(f"  at com.example.Shop{number}.pay(Shop.java:{number})\n" for number in range(5_000))
    events: dict[str, dict[str, Any]] = {
        "trace": {"message": "boom", "exception.type": "E", "exception.stacktrace": trace},
        "many": {"message": "many", **{f"attribute {number}": number for number in range(10_000)}},
        "nul": {"message": "a\0b\0"},
        "large": {"message": "x" * 10_000_000},
    }
    log = tmp_path / "odd.log"
    written = [json.dumps({"log.type": "error", **event}).encode() for event in events.values()]
    written += [b'{"log.type": "error", "message": "caf\xe9 \xff"}', b"\0" * 50, b"\xff\xfe\x00"]
    log.write_bytes(b"\n".join(written) + b"\n")
    assert len(trace) > 200_000

    produce(topics, log, "odd", tmp_path / "checkpoint.json", "--type", "json", complete=False)
    wait_until(lambda: kept.behind() == 0, "everything read")

    bodies = [sha256(body.encode()).hexdigest() for body in ("boom", "many", "a\0b\0", "caf\ufffd \ufffd")]
    assert Counter(body for _, body in kept.rows("odd", "error")) == Counter(bodies)
    found = [letter for letter in kept.letters() if letter["service.name"] == "odd"]
    assert Counter(letter["sha256"] for letter in found) == Counter(sha256(written[place]).hexdigest() for place in (3, 5, 6))
    with closing(opened(topics.settings)) as store:
        records = {json.loads(row.record)["body"]: json.loads(row.record) for row in everything(store, "odd", "error")}
    assert records["boom"]["exception.stacktrace"] == trace
    assert records["many"]["attributes"]["attribute 9999"] == 9_999
    account = json.loads(topics.logverse("account", "--since", "1h", "-o", "json").stdout)
    assert account["complete"]
    assert (account["totals"]["pending"], account["totals"]["missing"]) == (0, 0)


def test_a_job_that_waits_for_its_store_can_be_stopped(stack: Stack, topics: TopicSet, kept: Kept) -> None:
    """Cancelled within a minute: Flink kills a TaskManager, with all that runs there, whose tasks do not end. (The last of this file.)"""
    taskmanager = stack.process("taskmanager")["pid"]

    with stopped(stack):
        kept.put("logs.http", [event(str(number)) for number in range(100)])
        wait_until(lambda: kept.behind() > 0, "something to wait for")
        topics.logverse("job", "stop", "history", "--no-savepoint")
        wait_until(lambda: status(topics)["state"] == "CANCELED", "the job's end", timeout=60)

    stack.wait_ready()
    assert stack.process("taskmanager")["pid"] == taskmanager


@contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """Cassandra does not answer meanwhile."""
    process = stack.process("cassandra")["pid"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def produce(topics: TopicSet, log: Path, service: str, checkpoint: Path, *more: str, complete: bool = True) -> None:
    topics.logverse("produce", str(log), "--service", service, "--no-follow", "--checkpoint", str(checkpoint), *more, check=complete)


def garbage(kept: Kept, count: int) -> list[str]:
    """The sha256 of each record of garbage that was put on the log topics."""
    random = Random(3)
    made = [random.randbytes(random.randrange(1, 300)) for _ in range(count - 3)] + [b"", b'{"log.type":"http"}', b"[" * 100_000]
    for place, topic in enumerate(("logs.http", "logs.error", "logs.activity")):
        kept.put(topic, made[place::3])
    return [sha256(one).hexdigest() for one in made]


def everything(store: CassandraStore, service: str, log_type: str) -> list[StoredEvent]:
    return list(store.events(Selection(log_type, service, *EVER)))


def event(uid: str) -> bytes:
    return json.dumps({"log.type": "http", "service.name": "before", "body": "x", "log.record.uid": uid}).encode()


def status(topics: TopicSet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(topics.logverse("job", "status", "history", "-o", "json", check=False).stdout)
    return found
