"""Restoring on real servers: into a view that is asked like the history, into topics (killed in between), and the drill."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

import orjson
import pytest

from logverse import instant
from logverse.event import LogEvent
from logverse.topic_reader import read_to_end
from logverse.topics import named

from .conftest import Stack, TopicSet, topic_set, wait_until
from .kept import Kept

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture
def archived(stack: Stack, tmp_path: Path) -> TopicSet:
    """Topics with 4,000 events, 40 of which have no uid, and their archive."""
    made = topic_set(stack)
    hour = instant.now() // 3_600_000 * 3_600_000 - 3_600_000
    events = [LogEvent(hour + n, hour + n, "http", "web", 9, f"GET /{n}", f"u{n}", {"http.route": "/x"}).to_json() for n in range(3_960)]
    nameless = [orjson.dumps({"log.type": "http", "service.name": "web", "body": f"GET /nameless/{n}"}) for n in range(40)]
    Kept(made.settings).put("logs.http", [*events, *nameless])
    made.logverse("backup", "run", "--target", str(tmp_path / "archive"))
    return made


def test_a_view_is_asked_like_the_history_and_goes(archived: TopicSet, tmp_path: Path) -> None:
    """The history knows nothing of it; dropped, it is gone; the drill says that every field is the same."""
    target = ("--target", str(tmp_path / "archive"))

    result = json.loads(archived.logverse("restore", "--since", "1d", "--name", "look", *target, "-o", "json").stdout)
    again = json.loads(archived.logverse("restore", "--since", "1d", "--name", "look", *target, "-o", "json").stdout)
    query = ("events", "--service", "web", "--since", "1d", "--limit", "0", "-o", "json")
    seen = [json.loads(line) for line in archived.logverse("query", "--view", "look", *query).stdout.splitlines()]
    drill = json.loads(archived.logverse("backup", "drill", *target, "-o", "json").stdout)

    assert result["counts"] == again["counts"] == {"events": 4_000}
    assert (result["before"], again["before"]) == (False, True)
    assert len(seen) == 4_000
    assert (drill["same"], drill["compared"]) == (True, {"http": 4_000})
    assert "look" in archived.logverse("restore", "--list").stdout
    archived.logverse("restore", "--drop", "look", "--yes")
    assert archived.logverse("query", "--view", "look", *query, check=False).returncode != 0


def test_into_topics_killed_in_between(archived: TopicSet, tmp_path: Path) -> None:
    """Each record once; one without a uid has now the one that its old place gave it."""
    command = ("restore", "--since", "1d", "--into", "topic", "--name", "t", "--target", str(tmp_path / "archive"))
    progress = archived.stack.home / "restores" / "t" / "progress.json"

    with archived.running(*command) as process:
        wait_until(lambda: progress.exists() or process.poll() is not None, "it under way")
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    archived.logverse(*command)

    found = read_to_end(archived.settings, named("restored-t.logs.http", archived.prefix), timeout_s=60)
    records = [json.loads(message.value()) for message in found]
    assert Counter(record["body"] for record in records) == Counter(
        [f"GET /{n}" for n in range(3_960)] + [f"GET /nameless/{n}" for n in range(40)]
    )
    assert len({record["log.record.uid"] for record in records}) == 4_000
    assert all(record["timestamp"].endswith("Z") for record in records)
    archived.logverse("restore", "--drop", "t", "--yes")
