"""What an account takes from Kafka: records, how far the job is, and what was deleted before it came there; and findings too."""

from __future__ import annotations

from types import SimpleNamespace as Plain

import pytest

from logverse.alert import Alert, Explanation
from logverse.anomaly import Anomaly
from logverse.errors import Malformed
from storage.account import HOUR, Account, Appended
from storage.account_findings import FindingsToo, RowsAndFindings, keeping_all
from storage.account_topics import KafkaTopics
from storage.memory import MemoryStore
from storage.rows import StoredAlert, StoredAnomaly

NOON = 1_700_006_400_000
NOW = NOON + 10 * HOUR


class FakeKafka:
    """Topics by name: by partition the offset that Kafka begins with, the append times of its records, and what is committed."""

    def __init__(self, **topics):
        self.topics, self.asked = topics, []

    def starts(self, topic):
        self.asked.append("starts")
        return {number: first for number, (first, _, _) in enumerate(self.topics[topic])}

    def committed(self, topic):
        self.asked.append("committed")
        return {number: committed for number, (_, _, committed) in enumerate(self.topics[topic]) if committed is not None}

    def between(self, topic, since, until):
        ranges = {}
        for number, (first, times, _) in enumerate(self.topics[topic]):
            begin, end = (next((place for place, at in enumerate(times) if at >= bound), len(times)) for bound in (since, until))
            ranges[topic, number] = first + begin, first + end
        return ranges

    def read(self, ranges):
        for (topic, number), (begin, end) in ranges.items():
            first, times, _ = self.topics[topic][number]
            for offset in range(max(begin, first), min(end, first + len(times))):
                yield message(topic, number, offset, times[offset - first])


def message(topic, number, offset, at, value=b"v"):
    return Plain(topic=lambda: topic, partition=lambda: number, offset=lambda: offset, timestamp=lambda: (1, at), value=lambda: value)


def test_records_come_hour_by_hour():
    """Of all partitions those of the range, with the time that the broker gave them; a partition without a commit was not read."""
    kafka = FakeKafka(a=[(0, [NOON, NOON + HOUR], 1), (0, [NOON + 1], None)])

    topics = KafkaTopics(kafka, ["a"], NOW)

    found = list(topics.between(NOON, NOON + HOUR + 1))
    assert found == [Appended("a", 0, 0, NOON, b"v"), Appended("a", 1, 0, NOON + 1, b"v"), Appended("a", 0, 1, NOON + HOUR, b"v")]
    assert (topics.read_up_to("a", 0), topics.read_up_to("a", 1)) == (1, 0)
    assert (topics.lost(), topics.deleted_before()) == ({}, {})


def test_what_was_deleted_unread_is_lost():
    """Between where the job stands and where Kafka begins; a job that never committed begins where Kafka does."""
    kafka = FakeKafka(a=[(50, [NOON + 5], 20), (50, [NOON + HOUR], 50), (7, [], 4), (9, [NOON], None)], b=[(3, [NOON], 9)])

    topics = KafkaTopics(kafka, ["a", "b"], NOW)

    assert topics.lost() == {("a", NOON): 30, ("a", NOW - NOW % HOUR): 3}
    assert kafka.asked.index("committed") > kafka.asked.index("starts"), "what is deleted meanwhile may have been read"


def test_how_far_back_kafka_goes_is_known():
    """Of topics that have lost their beginning: the append time of the oldest record that is left."""
    kafka = FakeKafka(a=[(50, [NOON + 5], 50), (50, [NOON + 2], 50)], whole=[(0, [NOON], 1)], empty=[(8, [], 8)])

    assert KafkaTopics(kafka, ["a", "whole", "empty"], NOW).deleted_before() == {"a": NOON + 2, "empty": NOW}


def alert(at):
    why = Explanation("too much", 2.0, 1.0, ">", "%", 2, 100)
    return Alert("r", "frequency", "firing", "critical", {"service.name": "web"}, at, at, why)


def anomaly(at):
    return Anomaly("r", "d", {"service.name": "web"}, at - 1000, at, 1.0, 2.0, (0.0, 1.0))


class NoEvents:
    def event(self, topic, *_):
        raise Malformed("no event")


def test_findings_are_accounted_for():
    """A transition or anomaly whose row is there is stored, one that is not is missing; sent twice it is repeated."""
    store = MemoryStore()
    found, gone = alert(NOON), alert(NOON + 1)
    store.save_alerts([StoredAlert(NOON, found.transition_id, found.id, "r", "firing", "critical", "web", b"{}")])
    store.save_anomalies([StoredAnomaly(NOON, anomaly(NOON).id, "r", "web", b"{}")])
    values = {"t.alerts": [found, found, gone], "t.anomalies": [anomaly(NOON), anomaly(NOON + 5)]}
    records = [Appended(topic, 0, place, NOON, one.to_json()) for topic, of_topic in values.items() for place, one in enumerate(of_topic)]
    records.append(Appended("t.alerts", 0, 9, NOON, None))
    judge = FindingsToo(NoEvents(), {"t.alerts": "alerts", "t.anomalies": "anomalies"})
    topics = Plain(between=lambda since, until: iter(records), read_up_to=lambda *_: 99)
    made = Account(judge, keeping_all(lambda *_: False), RowsAndFindings(store), {("t.alerts", 0, 9): "empty record"})

    alerts, anomalies = made.of(topics, NOON, NOON + HOUR)

    assert (alerts.produced, alerts.stored, alerts.repeated, alerts.missing, dict(alerts.dead_letters)) == (4, 1, 1, 1, {"empty record": 1})
    assert (anomalies.produced, anomalies.stored, anomalies.missing, anomalies.doubled) == (2, 1, 1, 0)


def test_events_stay_the_events_judges():
    """Their judge, their rows and their policy decide."""
    judge = FindingsToo(NoEvents(), {"alerts": "alerts"})

    with pytest.raises(Malformed, match="no event"):
        judge.event("logs.http", 0, 0, NOON, b"{}")
    assert not keeping_all(lambda *_: False)("http", NOON, 9, 200, "uid")
