"""What `topics verify` finds, without a broker."""

from __future__ import annotations

from deploy.topics import Shape, differences, kept
from logverse.topics import TOPICS, Topic

WANTED = {"a": Topic("about a", 4, {"retention.ms": "100"})}


def test_topics_as_they_must_be_differ_in_nothing() -> None:
    """More partitions than wanted, and settings nobody asked for, are fine."""
    assert differences(WANTED, {"a": Shape(6, {"retention.ms": "100", "segment.bytes": "1"}), "b": Shape(1)}) == []


def test_every_difference_is_named_with_its_remedy() -> None:
    """Missing, too few partitions, another setting."""
    missing = differences(WANTED, {})
    other = differences(WANTED, {"a": Shape(1, {"retention.ms": "5"})})

    assert [(one.problem, one.remedy) for one in missing] == [("does not exist", "logverse topics create")]
    assert [one.problem for one in other] == ["has 1 partitions, wants 4", "retention.ms is 5, wants 100"]
    assert "--alter --topic a --partitions 4" in other[0].remedy
    assert "--entity-name a --add-config retention.ms=100" in other[1].remedy


def test_every_topic_of_ours_says_in_words_how_long_it_keeps() -> None:
    """Days, or the newest of each key."""
    assert {kept(topic.config) for topic in TOPICS.values()} == {"2 days", "7 days", "30 days", "365 days", "newest of each key"}
    assert kept({"cleanup.policy": "delete", "retention.ms": "-1"}) == "for ever"
