"""What the operators send to topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from flink_jobs.rules.watch import Watch
from flink_jobs.settings import JobSettings
from logverse.alert import Alert
from logverse.rule import Rule
from logverse.rule_status import RuleStatus
from logverse.topics import named

Record: TypeAlias = "tuple[str, str, str]"  # key, value, topic


def of_alert(alert: Alert, prefix: str) -> Iterator[Record]:
    """A transition, for those who want all of them and for those who want the last."""
    text = alert.to_json().decode()
    for topic in ("alerts", "alerts.state"):
        yield alert.fingerprint, text, named(topic, prefix)


def of_watch(watch: Watch, prefix: str) -> Iterator[Record]:
    """What a watch has to tell beside its alerts."""
    for anomaly in watch.anomalies():
        yield anomaly.id, anomaly.to_json().decode(), named("anomalies", prefix)
    for template in watch.templates():
        yield template.id, template.to_json().decode(), named("templates", prefix)
    for source in watch.sources():
        yield source.key, source.to_json().decode(), named("inventory", prefix)


def of_answer(rule: Rule, refusal: str | None, settings: JobSettings, subtask: int, parallelism: int) -> Record:
    """Whether this subtask runs the rule."""
    status = RuleStatus.of(rule, job=settings.job_name, subtask=subtask, parallelism=parallelism, refusal=refusal)
    key = f"{rule.name}/{settings.job_name}/{subtask}"
    return key, status.to_json().decode(), named("rules.status", settings.topic_prefix)
