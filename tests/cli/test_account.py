"""`logverse account` over the twin in memory and a Kafka that has deleted what was not read yet."""

from __future__ import annotations

import json

import pytest

from flink_jobs.judging import Judge
from logverse import instant
from logverse.cli import account as command
from logverse.cli.main import main
from storage.account import Entry
from storage.account_letters import Letters
from storage.memory import MemoryStore
from storage.rows import StoredEvent
from tests.storage.test_account_topics import NOON, NOW, FakeKafka, alert, message


@pytest.fixture
def account(monkeypatch, capsys, tmp_path):
    """Runs the command on these entries."""
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path))
    monkeypatch.setattr(instant, "now", lambda: NOW)

    def run(*arguments, entries=(), deleted=None, code=0):
        seen = command._Seen(list(entries), Letters(), {"alerts"}, False, deleted or {})
        monkeypatch.setattr(command, "_account", lambda *_: seen)
        with pytest.raises(SystemExit) as ended:
            main(["account", *arguments])
        assert ended.value.code == code
        return capsys.readouterr().out

    return run


WHOLE = Entry("logs.http", NOON, produced=3, stored=3)
LOST = Entry("logs.http", NOON, produced=10, stored=3, lost=7)


def test_nothing_is_missing(account):
    """Said when it is so, and the exit code says it to scripts."""
    assert account(entries=[WHOLE]).endswith("nothing is missing, nothing is doubled\n")


def test_what_kafka_deleted_unread_is_lost(account):
    """It is counted, said, and fails the command."""
    out = account(entries=[LOST], code=1)

    assert "7 lost: Kafka deleted them before the history job had read them" in out
    assert "nothing is missing" not in out
    found = json.loads(account("-o", "json", entries=[LOST], code=1))
    assert (found["complete"], found["totals"]["lost"]) == (False, 7)


def test_a_range_that_kafka_no_longer_has_is_said(account):
    """Thirty days of a topic that is kept for seven are not called complete."""
    deleted = {"logs.http": NOON}

    assert "logs.http: Kafka has deleted what was appended before 2023-11-15T00:00:00.000Z" in account(
        "--since", "30d", entries=[WHOLE], deleted=deleted
    )
    assert "of what Kafka still has nothing is missing" in account("--since", "30d", entries=[WHOLE], deleted=deleted)
    assert "deleted" not in account("--since", "1h", entries=[WHOLE], deleted=deleted)
    found = json.loads(account("-o", "json", entries=[WHOLE], deleted=deleted))
    assert found["deleted_before"] == {"logs.http": "2023-11-15T00:00:00.000Z"}


def test_events_and_findings_have_totals_of_their_own(account):
    """Alerts are no log lines; both must be complete."""
    found = json.loads(account("-o", "json", entries=[WHOLE, Entry("alerts", NOON, produced=2, stored=1, missing=1)], code=1))

    assert (found["complete"], found["totals"]["produced"], found["findings"]["missing"]) == (False, 3, 1)


class Broker(FakeKafka):
    """One partition a topic; that of logs.http begins at offset 5, of which the job has read 2, and holds one record."""

    def __init__(self, *_):
        topics = {key: [(0, [], None)] for key in ("logs.error", "logs.activity", "logs.dlq", "logs.late", "anomalies")}
        super().__init__(**topics, **{"logs.http": [(5, [NOON], 2)], "alerts": [(0, [NOON], 1)]})

    def read(self, ranges):
        for one in super().read(ranges):
            value = alert(NOON).to_json() if one.topic() == "alerts" else b'{"log.type": "http", "service.name": "web"}'
            yield message(one.topic(), one.partition(), one.offset(), NOON, value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_the_parts_meet(monkeypatch, capsys, tmp_path):
    """Kafka, judge, policy and store: what is deleted, what is stored, and an alert that is nowhere."""
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path))
    monkeypatch.setattr(instant, "now", lambda: NOW)
    store = MemoryStore()
    for where, what in (
        ("logverse.topic_range.TopicRanges", Broker), ("flink_jobs.topic_ids.topic_ids", lambda *_: {}),
        ("storage.stores.STORES", {"cassandra": lambda _: store}),
    ):  # fmt: skip
        monkeypatch.setattr(where, what)
    uid = Judge({}).place_id("logs.http", 0, 5)
    store.save_events([StoredEvent("http", "web", NOON, uid, None, None, None, None, None, None, None, b"")])

    with pytest.raises(SystemExit) as ended:
        main(["account", "--since", "11h", "-o", "json"])

    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert {name: count for name, count in found["totals"].items() if count} == {"produced": 4, "stored": 1, "lost": 3}
    assert {name: count for name, count in found["findings"].items() if count} == {"produced": 1, "missing": 1}
    assert found["deleted_before"] == {"logs.http": instant.written(NOON)}
