"""Everything is lost but the archive: topics and keyspace are deleted and made anew, life goes on, and what was there comes back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest
from confluent_kafka import Producer

from deploy.topic_removal import remove
from flink_jobs.topic_ids import topic_ids
from logverse import instant
from logverse.alert import Alert, Explanation
from logverse.anomaly import Anomaly
from logverse.kafka import client_config
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import TOPICS, named
from storage.cassandra.connection import keyspace, reach
from storage.cassandra.store import opened
from storage.rows import StoredAlert, StoredAnomaly, StoredEvent
from storage.store import Selection
from tests.stack.conftest import Stack, TopicSet, topic_set, wait_until
from tests.stack.hadoop import Hadoop, running
from tests.stack.kept import EVER, Kept

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(1800)]

LINES = 3_000
HOUR = instant.now() // 3_600_000 * 3_600_000 - 7_200_000
NAMELESS = 60  # records without a uid: their place is what identifies them


@dataclass(frozen=True)
class Held:
    """All that a store has of one set of topics."""

    events: dict[str, list[StoredEvent]]
    alerts: list[StoredAlert]
    anomalies: list[StoredAnomaly]

    @classmethod
    def by(cls, settings: Settings) -> Held:
        with closing(opened(settings)) as store:
            events = {
                f"{kind}/{service}": sorted(store.events(Selection(kind, service, *EVER), page=5_000))
                for service, kind in store.services()
                if kind in ("http", "error", "activity")
            }
            return cls(events, sorted(store.alerts(*EVER)), sorted(store.anomalies(None, *EVER)))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own: what is lost here is everybody's."""
    made = Stack(tmp_path_factory.mktemp("d"))
    try:
        made.logverse("up")
        yield made
    finally:
        made.logverse("down", check=False)


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hadoop]:
    with running(tmp_path_factory.mktemp("h")) as made:
        yield made


def test_everything_comes_back_after_everything_was_deleted(stack: Stack, hadoop: Hadoop, tmp_path: Path) -> None:
    """Every event, alert and anomaly, in every field, beside what came after at the very same offsets; restored twice is restored once."""
    topics, target = topic_set(stack), f"hdfs://{hadoop.address}/archive"
    kept = Kept(topics.settings)
    started(topics)
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    wanted = [*written(first, "before"), *written(second, "after")]
    live(topics, kept, first, "before")
    before, ids = Held.by(topics.settings), ids_of(topics)
    topics.logverse("backup", "run", "--target", target)

    destroy(topics)
    topics.logverse("topics", "create")
    started(topics)
    live(topics, kept, second, "after")
    between = Held.by(topics.settings)
    said = topics.logverse("restore", "--since", "30d", "--into", "store", "--yes", "--target", target, "-o", "json")
    topics.logverse("restore", "--since", "30d", "--type", "silences", "--into", "topic", "--live", "--yes", "--target", target)
    after = Held.by(topics.settings)

    assert all(ids[topic] != other for topic, other in ids_of(topics).items()), "the topics were not made anew"
    assert not any(set(rows) & set(before.events.get(of, ())) for of, rows in between.events.items()), "something was not lost"
    result = json.loads(said.stdout)
    assert (result["damage"], result["broken_manifests"], result["gaps"]) == ([], {}, 0)
    assert result["counts"]["events"] == LINES + 2 * NAMELESS
    assert plainly(after.events["http/web"]) == Counter(wanted)
    assert after.events == {of: sorted([*before.events[of], *between.events[of]]) for of in before.events}
    assert Counter(json.loads(row.record)["body"] for row in after.events["http/nameless"]) == Counter(bodies("before") + bodies("after"))
    assert after.alerts == sorted([*before.alerts, *between.alerts])
    assert [row.record for row in after.alerts] == sorted_by_time([*alerts("before"), *alerts("after")])
    assert Counter(row.record for row in after.anomalies) == Counter([*anomalies("before"), *anomalies("after")])
    assert silences(topics) == {"both": "after", "only before": "before", "only after": "after"}

    topics.logverse("backup", "run", "--target", target)
    topics.logverse("restore", "--since", "30d", "--into", "store", "--yes", "--target", target)
    drill = json.loads(topics.logverse("backup", "drill", "--target", target, "-o", "json").stdout)

    assert Held.by(topics.settings) == after
    assert drill["same"], drill
    account = json.loads(topics.logverse("account", "--since", "1h", "-o", "json").stdout)
    assert account["complete"], account
    topics.logverse("job", "stop", "history", "--no-savepoint", check=False)
    count = sum(map(len, after.events.values()))
    print(f"\n{count:,} events, {len(after.alerts)} transitions, {len(after.anomalies)} anomalies; restore: {result['counts']}, "
          f"{result['rows'] / result['seconds']:,.0f} records/s; drill: {drill['compared']}, {drill['fields']:,} fields")  # fmt: skip


def started(topics: TopicSet) -> None:
    topics.logverse("schema", "migrate")
    topics.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")


def live(topics: TopicSet, kept: Kept, log: Path, when: str) -> None:
    """All that happens at a time: lines of a web server, records without a uid at offset 0 and on, alerts, anomalies, silences."""
    for topic, log_type in (("logs.http", "http"), ("logs.error", "error")):
        kept.put(topic, [orjson.dumps({"log.type": log_type, "service.name": "nameless", "body": body}) for body in bodies(when)])
    kept.put("alerts", [value.to_json() for value in _alerts(when)])
    kept.put("anomalies", anomalies(when))
    producer = Producer(client_config(topics.settings))
    for key in ("both", f"only {when}"):
        producer.produce(named("silences", topics.prefix), orjson.dumps({"of": when}), key.encode())
    assert producer.flush(60) == 0
    topics.logverse(
        "produce", str(log), "--service", "web", "--host", "here", "--type", "access", "--no-follow", "--checkpoint", f"{log}.checkpoint"
    )
    wait_until(lambda: kept.behind() == 0, "the history's end", timeout=600)


def destroy(topics: TopicSet) -> None:
    """The job, the keyspace, the topics with their consumer groups."""
    topics.logverse("job", "stop", "history", "--no-savepoint")
    with reach(topics.settings) as session:
        session.execute(f"DROP KEYSPACE {keyspace(topics.settings)}", timeout_s=120)
    gone = remove(topics.settings, topics.prefix)
    assert len(gone) == len(TOPICS)
    wait_until(lambda: not still_there(topics), "the topics gone")


def still_there(topics: TopicSet) -> bool:
    from deploy.topics import shapes

    return bool(shapes(topics.settings, [named(topic, topics.prefix) for topic in TOPICS]))


def ids_of(topics: TopicSet) -> dict[str, str]:
    return topic_ids(topics.settings, [named(topic, topics.prefix) for topic in TOPICS])


def written(log: Path, seed: str) -> list[tuple[object, ...]]:
    """An access log, and what a plain reader makes of each of its lines: time, status, client, method, path, bytes, body."""
    random, at, lines, found = Random(seed), instant.now() // 1000 - 7_200, [], []
    for number in range(LINES):
        at += random.random() < 0.3
        client, status, size = f"10.{random.randrange(256)}.0.{number % 250}", random.choice([200, 204, 404, 503]), random.randrange(9_999)
        method, path = random.choice(["GET", "POST"]), f"/{seed}/{number}"
        stamp = datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        line = f'{client} - - [{stamp}] "{method} {path} HTTP/1.1" {status} {size} "-" "curl/8"'
        lines.append(line)
        found.append((at * 1000, status, client, method, path, size, line))
    log.write_text("\n".join(lines) + "\n")
    return found


def plainly(rows: list[StoredEvent]) -> Counter[tuple[object, ...]]:
    """The same of what is stored: from its columns, and from its record."""
    found: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        flat = json.loads(row.record)
        names = ("http.request.method", "url.path", "http.response.body.size", "body")
        found[row.timestamp, row.status_code, row.client_address, *(flat[name] for name in names)] += 1
    return found


def bodies(when: str) -> list[str]:
    return [f"{when} {number}" for number in range(NAMELESS)]


def _alerts(when: str) -> list[Alert]:
    why = Explanation("too much", 1.0, 0.5, ">", "%", 1, 1)
    pending = [
        Alert(f"{when}-{number}", "frequency", "firing", "critical", {"service.name": "web"}, HOUR, HOUR + number, why, HOUR)
        for number in range(9)
    ]
    return [*pending, *(replace(one, status="resolved", at=one.at + 60_000, ends_at=HOUR + 60_000) for one in pending)]


def alerts(when: str) -> list[bytes]:
    return [one.to_json() for one in _alerts(when)]


def anomalies(when: str) -> list[bytes]:
    return [Anomaly(when, "count", {"service.name": f"s{n % 3}"}, HOUR, HOUR + n, 3.0, 7.0, (0.0, 1.0)).to_json() for n in range(1, 9)]


def sorted_by_time(values: list[bytes]) -> list[bytes]:
    made = [Alert.from_json(value) for value in values]
    return [one.to_json() for one in sorted(made, key=lambda one: (one.at, one.transition_id))]


def silences(topics: TopicSet) -> dict[str, str]:
    """What is in force: the last record of each key."""
    found = read_to_end(topics.settings, named("silences", topics.prefix), timeout_s=60)
    return {message.key().decode(): json.loads(message.value())["of"] for message in found}
