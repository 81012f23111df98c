"""Rules on a real Kafka: written, read back, confirmed by whoever runs them, refused without a trace."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from flink_jobs.rules import applying, topic
from flink_jobs.rules.applying import Step, plan_of, put_in_force
from flink_jobs.rules.reach import Reach
from logverse.errors import Refused, TryAgain
from logverse.rule import Rule
from logverse.rule_status import ReachStatus, RuleStatus
from logverse.settings import Settings
from logverse.topics import named

pytestmark = pytest.mark.stack

A = Rule("a", "frequency", options={"num_events": 1})
B = Rule("b", "any", where={"body": "/disk full/"})


@dataclass(frozen=True)
class Set:
    """A set of topics of its own, on the shared Kafka; no JobManager is known to its settings."""

    settings: Settings
    logverse: Callable[..., Any]


@pytest.fixture
def topics(stack: Any) -> Set:
    prefix = f"rules-{uuid.uuid4().hex[:8]}"
    made = Set(
        replace(stack.settings, topic_prefix=prefix, jobmanager=""),
        lambda *arguments, **more: stack.logverse("--topic-prefix", prefix, *arguments, **more),
    )
    made.logverse("topics", "create")
    return made


def say(settings: Settings, *statuses: RuleStatus | ReachStatus) -> None:
    from confluent_kafka import Producer

    from logverse.kafka import client_config

    producer = Producer(client_config(settings))
    for status in statuses:
        # The topic is compacted: the last word of each subtask on each rule stays, and a record without a key is refused.
        key = f"{status.rule}/{status.job}/{status.subtask}" if isinstance(status, RuleStatus) else status.job
        producer.produce(named("rules.status", settings.topic_prefix), status.to_json(), key)
    assert producer.flush(10) == 0


@contextmanager
def job(settings: Settings, refusal: Callable[[Rule], str | None] = lambda _: None) -> Iterator[list[Rule]]:
    """A stand-in for the detect job: two subtasks that answer to each rule record; what it was told, in order."""
    from confluent_kafka import Consumer, TopicPartition

    from logverse.kafka import client_config

    told: list[Rule] = []
    ready, done = threading.Event(), threading.Event()

    def run() -> None:
        consumer = Consumer(client_config(settings, group_id="job", enable_auto_commit=False))
        name = named("rules", settings.topic_prefix)
        consumer.assign([TopicPartition(name, 0, topic.end_of(consumer, name))])
        ready.set()
        while not done.is_set():
            if (message := consumer.poll(0.1)) is not None and message.error() is None:
                rule = Rule.from_json(message.value())
                told.append(rule)
                refused = None if rule.deleted else refusal(rule)
                say(settings, *(RuleStatus.of(rule, job="j", subtask=n, parallelism=2, refusal=refused) for n in (0, 1)))
        consumer.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(20)
        yield told
    finally:
        done.set()
        thread.join(20)


def steps(settings: Settings, *rules: Rule, prune: bool = False) -> list[Step]:
    return plan_of(rules, topic.snapshot(settings), prune)


def test_rules_come_back_as_they_were_written(topics: Set):
    """The snapshot has the last version of each rule, paused ones too, deleted ones not."""
    topic.publish(topics.settings, [A, B, replace(A, severity="info"), replace(B, paused=True), Rule("c", "any")])
    topic.publish(topics.settings, [Rule("c", "any", deleted=True)])

    assert topic.snapshot(topics.settings) == {"a": replace(A, severity="info"), "b": replace(B, paused=True)}


def test_a_record_that_is_no_rule_hides_no_other(topics: Set):
    """Somebody's stray record on the topic does not keep the rules from being read."""
    from confluent_kafka import Producer

    from logverse.kafka import client_config

    producer = Producer(client_config(topics.settings))
    producer.produce(named("rules", topics.settings.topic_prefix), b"not a rule")
    producer.flush(10)

    topic.publish(topics.settings, [A])

    assert topic.snapshot(topics.settings) == {"a": A}


def test_apply_waits_until_every_subtask_has_the_rules(topics: Set):
    """The job is told each changed rule once; what it knew already is not written again."""
    seen: list[int] = []
    with job(topics.settings) as told:
        put_in_force(topics.settings, steps(topics.settings, A), lambda _: None)
        put_in_force(topics.settings, steps(topics.settings, A, B), lambda confirmations: seen.append(len(confirmations.confirmed)))

    assert told == [A, B]
    assert seen[-1] == 1
    assert topic.last_said(topics.settings).confirmations({"a": A.revision, "b": B.revision}).confirmed == ["a", "b"]


def test_a_rule_that_the_job_refuses_leaves_everything_as_it_was(topics: Set):
    """One refusal: the changed rule is back in its former version, the new one is gone."""
    topic.publish(topics.settings, [A])
    changed = replace(A, severity="critical")

    with job(topics.settings, lambda rule: "cannot see the body" if rule.name == "b" else None), pytest.raises(Refused, match="cannot see"):
        put_in_force(topics.settings, steps(topics.settings, changed, B), lambda _: None)

    assert topic.snapshot(topics.settings) == {"a": A}


def test_a_rule_beyond_the_jobs_reach_is_never_written(topics: Set):
    """What the job said it can see decides before anything is written; the way out is told."""
    say(topics.settings, ReachStatus("j", json.loads(Reach.of([]).to_json()), 1))

    with pytest.raises(Refused, match="logverse job upgrade detect"):
        put_in_force(topics.settings, steps(topics.settings, A, B), lambda _: None)

    assert topic.snapshot(topics.settings) == {}


def test_a_job_that_does_not_answer_is_said_so(topics: Set, monkeypatch: pytest.MonkeyPatch):
    """The rules are written and will be taken up; the user is told that nobody confirmed them."""
    monkeypatch.setattr(applying, "PATIENCE_S", 1.0)

    with pytest.raises(TryAgain, match="not confirmed within 1 s: a"):
        put_in_force(topics.settings, steps(topics.settings, A), lambda _: None)

    assert topic.snapshot(topics.settings) == {"a": A}


def test_a_topic_that_is_missing_is_named(topics: Set):
    """Without its topics the command says how to make them."""
    with pytest.raises(Refused, match="logverse topics"):
        topic.snapshot(replace(topics.settings, topic_prefix="nobody-made-these"))


def test_a_kafka_that_is_away_is_trouble_that_may_pass(topics: Set, monkeypatch: pytest.MonkeyPatch):
    """An address where nobody listens is TryAgain, for reading and writing."""
    monkeypatch.setattr(topic, "TIMEOUT_S", 2.0)
    away = replace(topics.settings, bootstrap_servers="127.0.0.1:1")

    with pytest.raises(TryAgain):
        topic.snapshot(away)
    with pytest.raises(TryAgain):
        topic.publish(away, [A])


def test_the_command_from_apply_to_delete(topics: Set):
    """Without a job, rules are written for the next one; they are listed, paused, resumed, deleted and pruned by name."""
    applied = topics.logverse("rules", "apply").stdout
    topics.logverse("rules", "pause", "fatal-log")
    paused = {row["name"]: row["state"] for row in json.loads(topics.logverse("rules", "list", "-o", "json").stdout)}
    topics.logverse("rules", "resume", "fatal-log")
    topics.logverse("rules", "delete", "http-4xx-surge", "http-5xx-route")
    misspelt = topics.logverse("rules", "pause", "fatal-logs", check=False)
    again = topics.logverse("rules", "apply", "--prune").stdout
    table = topics.logverse("rules", "list").stdout

    assert "logverse job submit detect" in applied and "new        fatal-log" in applied
    assert paused.pop("fatal-log") == "paused" and set(paused.values()) == {"waiting"}
    assert (misspelt.returncode, "did you mean fatal-log?" in misspelt.stderr) == (1, True)
    assert "new        http-4xx-surge" in again and "unchanged  fatal-log" in again
    assert "5xx share > 5 %, of at least 100 requests, in 30s, for 2s, by service.name" in table
