"""Topics read by time: what Kafka does not answer for one partition is never taken for an offset."""

from __future__ import annotations

from types import SimpleNamespace as Plain

import pytest
from confluent_kafka import KafkaError

from flink_jobs import history_lag_reading
from logverse import topic_range
from logverse.errors import TryAgain
from logverse.settings import Settings
from logverse.topic_range import TopicRanges

NOWHERE = KafkaError(KafkaError.NOT_COORDINATOR, "not the coordinator")


class Broker:
    """Two partitions of each topic with offsets 5 to 9; `committed` and `at` are what the second one answers: offset and error."""

    def __init__(self, *_, **__):
        self.second = (7, None)
        self.closed = False

    def list_topics(self, *_, **__):
        topics = {name: Plain(error=None, partitions={0: None, 1: None}) for name in ("logs.http", *history_lag_reading.READ)}
        return Plain(topics=topics)

    def offsets_for_times(self, asked, timeout):
        return self._answer(asked)

    def committed(self, asked, timeout):
        return self._answer(asked)

    def get_watermark_offsets(self, place, timeout):
        return 5, 9

    def close(self):
        self.closed = True

    def _answer(self, asked):
        made = [(one, (8, None) if one.partition == 0 else self.second) for one in asked]
        return [Plain(topic=one.topic, partition=one.partition, offset=offset, error=error) for one, (offset, error) in made]


@pytest.fixture
def broker(monkeypatch):
    made = Broker()
    for module in (topic_range, history_lag_reading):
        monkeypatch.setattr(module, "client", lambda *_, **__: made)
    return made


def test_offsets_of_every_partition(broker):
    """By time, by group, and where Kafka begins; a partition of which nothing is committed has no place."""
    ranges = TopicRanges(Settings(bootstrap_servers="a:1"))

    assert ranges.offsets("logs.http", 1) == ranges.committed("logs.http") == {0: 8, 1: 7}
    assert ranges.starts("logs.http") == {0: 5, 1: 5}
    broker.second = (-1001, None)
    assert ranges.committed("logs.http") == {0: 8}
    broker.second = (-1, None)
    assert ranges.offsets("logs.http", 1) == {0: 8, 1: 9}


@pytest.mark.parametrize("asked", ["offsets", "committed"])
def test_a_partition_without_an_answer_is_no_offset(broker, asked):
    """An election in one partition is waited out: its offset would be taken for "nothing was read yet", or for the end."""
    broker.second = (-1001, NOWHERE)
    ranges = TopicRanges(Settings(bootstrap_servers="a:1"))

    with pytest.raises(TryAgain, match=r"logs\.http partition 1"):
        ranges.offsets("logs.http", 1) if asked == "offsets" else ranges.committed("logs.http")


def test_lag_is_not_made_of_errors(broker):
    """How far the history is behind is not known then."""
    broker.second = (-1001, NOWHERE)

    with pytest.raises(TryAgain, match="not the coordinator"):
        history_lag_reading._spots(broker, ["logs.http"])
