"""What a submission of the detect job needs: the rules in force."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from logverse import durations
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from flink_jobs.settings import JobSettings
    from logverse.rule import Rule

WATERMARK_DELAY = "1s"


def prepare(settings: Settings, options: Mapping[str, Any], added: Sequence[Rule]) -> tuple[Callable[[], JobSettings], Callable[[], None]]:
    """As `job_submission.Kind` says. Where topic `rules` is empty, the shipped defaults are applied."""
    from flink_jobs.rules.reach import Reach
    from flink_jobs.settings import JobSettings
    from logverse.kafka import java_properties

    job = JobSettings(
        kafka=java_properties(settings),
        topic_prefix=settings.topic_prefix,
        job_name=named("detect", settings.topic_prefix),
        parallelism=options["parallelism"],
        watermark_delay_ms=durations.given(options["watermark_delay"] or WATERMARK_DELAY, "--watermark-delay"),
        checkpoint_interval_ms=durations.given(options["checkpoint_interval"], "--checkpoint-interval"),
        rules=_rules(settings, added),
    )
    reach = asdict(Reach.of(job.rules))
    return lambda: job, lambda: _announce(settings, job.job_name, reach)


def _announce(settings: Settings, job_name: str, reach: dict[str, Any]) -> None:
    """`rules apply` must know what the job can see."""
    from flink_jobs.rules.topic import announce
    from logverse.rule_status import ReachStatus

    try:
        announce(settings, ReachStatus(job_name, reach, time.time_ns() // 1_000_000))
    except (TryAgain, Refused, WrongSettings) as error:
        raise Refused(f"`rules apply` was not told what it can see: {error}") from error


def _rules(settings: Settings, added: Sequence[Rule]) -> tuple[Rule, ...]:
    from flink_jobs.rules.files import DEFAULTS, read_rules
    from flink_jobs.rules.topic import publish, snapshot

    rules = snapshot(settings) | {rule.name: rule for rule in added}
    if not rules:
        rules = {rule.name: rule for rule in read_rules(DEFAULTS)}
        publish(settings, rules.values())
        click.echo(f"topic {named('rules', settings.topic_prefix)} was empty: applied the {len(rules)} default rules", err=True)
    return tuple(rule for rule in rules.values() if not rule.deleted)
