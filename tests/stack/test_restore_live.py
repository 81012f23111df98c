"""Archived log lines back into the topics in use while the history job goes on: nothing collides with what came after."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from deploy.topic_removal import remove
from deploy.topics import shapes
from logverse import instant
from logverse.event import LogEvent
from logverse.topics import TOPICS, named
from storage.rows import StoredEvent
from storage.store import Selection
from storage.stores import opened

from .conftest import TopicSet, wait_until
from .kept import EVER, Kept

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(900)]

EVENTS, NAMELESS = 20_000, 400
SUBMIT = ("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")


@pytest.fixture
def kept(topics: TopicSet) -> Iterator[Kept]:
    topics.logverse("schema", "migrate")
    topics.logverse(*SUBMIT)
    yield Kept(topics.settings)
    topics.logverse("job", "stop", "history", "--no-savepoint", check=False)


def test_restored_beside_what_comes_meanwhile(topics: TopicSet, kept: Kept, tmp_path: Path) -> None:
    """Topics made anew, so that what comes has the very offsets of what was; the restored rows are the old ones, and no row more."""
    target = ("--target", str(tmp_path / "archive"))
    kept.put("logs.http", records("before"))
    wait_until(lambda: kept.behind() == 0, "what was before stored", timeout=240)
    before = stored(kept)
    topics.logverse("backup", "run", *target)
    topics.logverse("job", "stop", "history", "--no-savepoint")
    remove(topics.settings, topics.prefix)
    wait_until(lambda: not shapes(topics.settings, [named(topic, topics.prefix) for topic in TOPICS]), "the topics gone")
    topics.logverse("topics", "create")
    topics.logverse(*SUBMIT)
    after = records("after")

    kept.put("logs.http", after[::2])
    restore = ("restore", "--since", "2d", "--type", "http", "--into", "topic", "--live", "--yes", *target)
    with topics.running(*restore) as process:
        kept.put("logs.http", after[1::2])
        assert process.wait(240) == 0
    again = topics.logverse(*restore, check=False)
    wait_until(lambda: kept.behind() == 0, "everything stored", timeout=240)

    account = json.loads(topics.logverse("account", "--since", "1d", "-o", "json").stdout)
    found = stored(kept)
    assert again.returncode != 0 and "in the topics twice" in again.stderr
    assert Counter(texts(before)) == Counter(map(body, records("before")))
    assert Counter(texts(found)) == Counter(map(body, [*records("before"), *after]))
    assert {row[:11] for row in before} <= {row[:11] for row in found}
    assert len({(row.timestamp, row.uid) for row in found}) == len(found) == 2 * (EVENTS + NAMELESS)
    assert account["complete"], account
    assert (account["totals"]["produced"], account["totals"]["stored"], account["totals"]["repeated"]) == (len(found), len(found), 0)


def records(when: str) -> list[bytes]:
    """Events of an hour ago, the same each time this is asked; the first ones have no uid and no time: their place identifies them."""
    nameless = [orjson.dumps({"log.type": "http", "service.name": "web", "body": f"{when} nameless {n}"}) for n in range(NAMELESS)]
    events = [LogEvent(AT + n, AT + n, "http", "web", 9, f"{when} {n}", f"{when}-{n}", {"user.id": f"u{n % 9}"}) for n in range(EVENTS)]
    return [*nameless, *(event.to_json() for event in events)]


AT = instant.now() - 3_600_000


def body(record: bytes) -> str:
    return str(orjson.loads(record)["body"])


def texts(rows: list[StoredEvent]) -> list[str]:
    return [body(row.record) for row in rows]


def stored(kept: Kept) -> list[StoredEvent]:
    with closing(opened(kept.settings)) as store:
        return list(store.events(Selection("http", "web", *EVER), page=5_000))
