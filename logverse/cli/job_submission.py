"""Putting a submission together: rules, settings, connector, Python. What can be wrong is found before anything is stopped for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse import durations
from logverse.cli import job_record
from logverse.cli.output import printable
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from flink_jobs.settings import JobSettings
    from flink_jobs.submit import Cluster
    from logverse.rule import Rule


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that a submission of the detect job needs, found and read."""

    settings: Settings
    options: Mapping[str, Any]
    job: JobSettings
    cluster: Cluster
    reach: dict[str, Any]


def prepare(settings: Settings, options: Mapping[str, Any], added: Iterable[Rule] = ()) -> Submission:
    """Find Java, the connector and the rules in force, with the `added` ones that will be by then. WrongSettings, TryAgain, Refused."""
    from deploy.local.jars import jars_of
    from deploy.local.java import java_home
    from flink_jobs.rules.reach import Reach
    from flink_jobs.settings import JobSettings
    from flink_jobs.submit import Cluster
    from logverse.kafka import java_properties

    archive = options["python_archive"] and Path(options["python_archive"])
    if archive and not archive.is_file():
        raise WrongSettings("no such file", where=f"--python-archive {archive}", remedy="put it back, or submit with another one")
    job = JobSettings(
        kafka=java_properties(settings),
        topic_prefix=settings.topic_prefix,
        job_name=named("detect", settings.topic_prefix),
        parallelism=options["parallelism"],
        watermark_delay_ms=durations.given(options["watermark_delay"], "--watermark-delay"),
        checkpoint_interval_ms=durations.given(options["checkpoint_interval"], "--checkpoint-interval"),
        rules=_rules(settings, added),
    )
    cluster = Cluster(
        jobmanager=settings.jobmanager,
        connector=jars_of("flink")[0],
        java_home=java_home(),
        python=options["python"] or sys.executable,
        client_python=sys.executable,
        python_archive=archive,
    )
    return Submission(settings, options, job, cluster, asdict(Reach.of(job.rules)))


def submit(ready: Submission, name: str) -> str:
    """Hand the job to the cluster and return Flink's id of it. Refused, WrongSettings when that fails.

    From then on it runs: what fails after that is a warning.
    """
    from flink_jobs.rules.topic import announce
    from flink_jobs.submit import submit as to_cluster
    from logverse.rule_status import ReachStatus

    job_id = to_cluster(ready.job, ready.cluster, ready.options["restore"], ready.options["allow_lost_state"])
    _note(ready, name, job_id)
    try:
        announce(ready.settings, ReachStatus(ready.job.job_name, ready.reach, time.time_ns() // 1_000_000))
    except (TryAgain, Refused, WrongSettings) as error:
        _warn(f"{ready.job.job_name} runs, but `rules apply` was not told what it can see: {error}")
    return job_id


def _note(ready: Submission, name: str, job_id: str) -> None:
    try:
        missing = job_record.remember(ready.settings, name, job_id, ready.options)
    except (OSError, WrongSettings) as error:
        _warn(f"{ready.job.job_name} runs, but the supervisor was not told how to bring it back: {error}")
        return
    if missing:
        _warn(
            f"the supervisor could not bring {ready.job.job_name} back: {', '.join(missing)} came from the environment\n"
            f"  → write them into {ready.settings.home_path / 'logverse.yaml'}"
        )


def _warn(text: str) -> None:
    lines = "\n".join(printable(line) for line in text.splitlines())
    click.echo(f"{click.style('warning', fg='yellow')}: {lines}", err=True)


def _rules(settings: Settings, added: Iterable[Rule]) -> tuple[Rule, ...]:
    from flink_jobs.rules.files import DEFAULTS, read_rules
    from flink_jobs.rules.topic import publish, snapshot

    rules = snapshot(settings) | {rule.name: rule for rule in added}
    if not rules:
        rules = {rule.name: rule for rule in read_rules(DEFAULTS)}
        publish(settings, rules.values())
        click.echo(f"topic {named('rules', settings.topic_prefix)} was empty: applied the {len(rules)} default rules", err=True)
    return tuple(rule for rule in rules.values() if not rule.deleted)
