"""The history job into Cassandra and MongoDB at once: the same events in, the same answers out, whichever of them is away meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from subprocess import Popen

import pytest

from logverse.settings import Settings

from . import stand_in
from .conftest import Stack, TopicSet, migrated, topic_set, wait_until
from .kept import Kept
from .plain_reader import real_log

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(600)]

EVER = ("--since", "2010-01-01")


@dataclass
class Both:
    """Topics with the history job on them, and a MongoDB of its own that may be killed."""

    topics: TopicSet
    port: int
    folder: Path
    process: Popen[bytes]

    @property
    def environ(self) -> dict[str, str]:
        return {"LOGVERSE_STORE": "cassandra,mongodb", "LOGVERSE_MONGODB_HOSTS": f"127.0.0.1:{self.port}"}

    def settings(self, store: str) -> Settings:
        return replace(self.topics.settings, store=store, mongodb_hosts=f"127.0.0.1:{self.port}")

    def answers(self, *question: str) -> list[str]:
        """What each of the two says."""
        return [
            self.topics.logverse(*question, environ=self.environ | {"LOGVERSE_STORE": name}).stdout for name in ("cassandra", "mongodb")
        ]


@pytest.fixture(scope="module")
def both(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder, port = tmp_path_factory.mktemp("both"), stand_in.free_port()
    made = Both(topic_set(stack), port, folder, stand_in.start(port, folder))
    submit = ("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    try:
        for name in ("cassandra", "mongodb"):
            migrated(made.settings(name))
        made.topics.logverse(*submit, environ=made.environ)
        yield made
    finally:
        made.topics.logverse("job", "stop", "history", "--no-savepoint", check=False)
        made.process.kill()
        made.process.wait()


def test_both_hold_the_lines_though_one_was_away(both: Both, tmp_path: Path) -> None:
    """Every line once in each, every dead letter once, and the account of each is complete."""
    lines = real_log("apache").splitlines()[:3_000]
    cassandra, mongodb = (Kept(both.settings(name)) for name in ("cassandra", "mongodb"))
    cassandra.put("logs.http", [b"garbage", b'{"log.type":"http"}'])
    produce(both, lines[:1_000], tmp_path)
    wait_until(lambda: cassandra.behind() == 0, "the first lines read", timeout=240)

    both.process.kill()
    both.process.wait()
    produce(both, lines[1_000:], tmp_path)
    wait_until(lambda: cassandra.behind() > 0, "something to wait for")
    both.process = stand_in.start(both.port, both.folder)
    wait_until(lambda: cassandra.behind() == 0, "everything read", timeout=240)

    wanted = Counter(sha256(line).hexdigest() for line in lines)
    for kept in (cassandra, mongodb):
        assert Counter(body for _, body in kept.rows("web")) == wanted
    assert sorted(cassandra.rows("web")) == sorted(mongodb.rows("web"))
    assert len(cassandra.letters()) == 2
    account = json.loads(both.topics.logverse("account", "--since", "1h", "-o", "json", environ=both.environ).stdout)
    assert account["complete"]
    assert [(one["store"], one["totals"]["stored"], one["totals"]["pending"]) for one in account["stores"]] == [
        ("cassandra", 3_000, 0), ("mongodb", 3_000, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        ("query", "events", "--service", "web", *EVER, "--limit", "500", "-o", "json"),
        ("query", "events", "--service", "web", *EVER, "--status", "4xx", "-o", "json"),
        ("query", "events", "--service", "web", *EVER, "--grep", "favicon", "-o", "json"),
        ("query", "alerts", "--since", "1d", "-o", "json"),
    ],
    ids=lambda question: " ".join(question[1:2] + question[-4:-2]),
)
def test_both_answer_alike(both: Both, question: tuple[str, ...]) -> None:
    """Word for word. (After the test above, which fills them.)"""
    first, second = both.answers(*question)

    assert first == second
    assert first or question[1] == "alerts"


def test_looking_after_them(both: Both) -> None:
    """Schema and figures of one store, and of both."""
    one = json.loads(both.topics.logverse("schema", "status", "-o", "json", environ=both.environ | {"LOGVERSE_STORE": "mongodb"}).stdout)
    two = json.loads(both.topics.logverse("schema", "status", "-o", "json", environ=both.environ).stdout)
    stats = json.loads(both.topics.logverse("storage", "stats", "-o", "json", environ=both.environ).stdout)

    assert (one["store"], one["pending"], "stand-in" in one["server"]) == ("mongodb", [], True)
    assert [store["store"] for store in two["stores"]] == ["cassandra", "mongodb"]
    rows = {table["table"]: table["rows"] for table in stats["stores"][1]["tables"]}
    assert rows["events_http"] == 3_000


def produce(both: Both, lines: list[bytes], folder: Path) -> None:
    log = folder / "access.log"
    with log.open("ab") as file:
        file.write(b"\n".join(lines) + b"\n")
    both.topics.logverse("produce", str(log), "--service", "web", "--no-follow", "--checkpoint", str(folder / "checkpoint.json"))
