"""Putting a job's submission together and handing it over. What can be wrong is found before anything is stopped for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logverse.cli import job_detect, job_history, job_record
from logverse.cli.output import printable
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from logverse.topics import named

if TYPE_CHECKING:
    from flink_jobs.submit import Cluster, Job
    from logverse.rule import Rule


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the jobs: what prepares it, and what `job status` tells of it beside what Flink knows.

    `prepare(settings, options of job submit, rules to be put in force)` finds and checks everything (WrongSettings, TryAgain, Refused) and
    answers two functions: one gives the job's settings at the last moment, when the old job is stopped; one tells others that it runs.
    """

    about: str
    prepare: Callable[[Settings, Mapping[str, Any], Sequence[Rule]], tuple[Callable[[], Job], Callable[[], None]]]
    facts: Callable[[Settings], dict[str, Any]]


# Name → the job. To add one: its entry and settings in flink_jobs, one file beside this one, one line here.
JOBS: dict[str, Kind] = {
    "detect": Kind("watches the log topics and raises alerts", job_detect.prepare, lambda _: {}),
    "history": Kind("keeps events, alerts and series in Cassandra", job_history.prepare, job_history.facts),
}


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that a submission needs, found and checked."""

    settings: Settings
    options: Mapping[str, Any]
    name: str
    cluster: Cluster
    job: Callable[[], Job]
    tell: Callable[[], None]


def prepare(settings: Settings, options: Mapping[str, Any], name: str, added: Sequence[Rule] = ()) -> Submission:
    """Find Java, the connector and what the job itself needs; `added` are rules that will be in force by then."""
    cluster = _cluster(settings, options)
    job, tell = JOBS[name].prepare(settings, options, added)
    return Submission(settings, options, name, cluster, job, tell)


def _cluster(settings: Settings, options: Mapping[str, Any]) -> Cluster:
    from deploy.local.jars import jars_of
    from deploy.local.java import java_home
    from flink_jobs.submit import Cluster

    archive = options["python_archive"] and Path(options["python_archive"])
    if archive and not archive.is_file():
        raise WrongSettings("no such file", where=f"--python-archive {archive}", remedy="put it back, or submit with another one")
    return Cluster(
        jobmanager=settings.jobmanager,
        connector=jars_of("flink")[0],
        java_home=java_home(),
        python=options["python"] or sys.executable,
        client_python=sys.executable,
        python_archive=archive,
    )


def submit(ready: Submission) -> str:
    """Hand the job to the cluster and return Flink's id of it. Refused, WrongSettings when that fails.

    From then on it runs: what fails after that is a warning.
    """
    from flink_jobs.submit import submit as to_cluster

    job_id = to_cluster(ready.job(), ready.cluster, ready.options["restore"], ready.options["allow_lost_state"])
    _note(ready, job_id)
    try:
        ready.tell()
    except (TryAgain, Refused, WrongSettings) as error:
        warn(f"{_full(ready)} runs, but {error}")
    return job_id


def _note(ready: Submission, job_id: str) -> None:
    try:
        missing = job_record.remember(ready.settings, ready.name, job_id, ready.options)
    except (OSError, WrongSettings) as error:
        warn(f"{_full(ready)} runs, but the supervisor was not told how to bring it back: {error}")
        return
    if missing:
        warn(
            f"the supervisor could not bring {_full(ready)} back: {', '.join(missing)} came from the environment\n"
            f"  → write them into {ready.settings.home_path / 'logverse.yaml'}"
        )


def warn(text: str) -> None:
    lines = "\n".join(printable(line) for line in text.splitlines())
    click.echo(f"{click.style('warning', fg='yellow')}: {lines}", err=True)


def _full(ready: Submission) -> str:
    return named(ready.name, ready.settings.topic_prefix)
