"""`logverse job`: the Flink jobs, on the embedded cluster and on any other."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from logverse import settings as settings_module
from logverse.cli import job_record
from logverse.cli import job_submission as submission
from logverse.cli.job_watch import watch
from logverse.cli.output import echo_json, echo_rows, output_option, printable
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.flink import JobManager, root_cause
from logverse.settings import Settings
from logverse.topics import named

ENDED = ("FINISHED", "FAILED", "CANCELED", "SUSPENDED")

jobmanager_option = click.option("--jobmanager", metavar="HOST:PORT", help="REST address of a Flink cluster; default: the embedded one.")
name_argument = click.argument("name", type=click.Choice(list(submission.JOBS)))


@click.group()
def job() -> None:
    """The Flink jobs.

    \b
    detect    watches the log topics and raises alerts; needs Kafka and Flink only
    history   keeps events, alerts and series in Cassandra; waits while that is away
    """


job.add_command(watch)


@job.command()
@name_argument
@jobmanager_option
@click.option("--watermark-delay", metavar="DURATION", help="detect: how far out of order event times may come; e.g. 60s.  [default: 1s]")
@click.option("--parallelism", type=click.IntRange(1, 128), default=2, show_default=True, help="Subtasks of every operator.")
@click.option("--checkpoint-interval", default="5s", show_default=True, help="How much is done again after a fault, at most.")
@click.option("--restore", metavar="PATH", help="Go on from this checkpoint or savepoint.")
@click.option("--allow-lost-state", is_flag=True, help="With --restore: drop state that this version of the graph has no place for.")
@click.option("--python", "python", metavar="PATH", help="Python of the TaskManagers, with apache-flink; default: this one.")
@click.option("--python-archive", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Packed environment to ship along.")
@click.pass_obj
def submit(flags: dict[str, str | None], /, name: str, jobmanager: str | None, **options: Any) -> None:
    """Submit a job. Our code, the rules in force and the Kafka connector travel with it.

    detect: the rules are those of topic `rules`; where it is empty, the shipped defaults are applied first.
    history: the store needs its schema (logverse schema migrate); the TaskManagers' Python needs its driver.

    \b
    logverse job submit detect
    logverse job submit history
    logverse job submit detect --watermark-delay 60s          # sources that are up to a minute out of order
    logverse job submit detect --jobmanager flink.example:8081 --python /opt/pyflink/bin/python
    """
    settings = _settings(flags, jobmanager)
    cluster = JobManager.of(settings)
    full = named(name, settings.topic_prefix)
    with job_record.alone(settings, full):
        if running := _running(cluster, full):
            way_out = f"`logverse job stop {name}` first, or `logverse job upgrade {name}`"
            raise Refused(f"job {running['name']} runs already (id {running['jid']})\n  → {way_out}")
        job_id = submission.submit(submission.prepare(settings, options, name))
    click.echo(f"{full} submitted to {settings.jobmanager}, id {job_id}")


@job.command("list")
@jobmanager_option
@output_option
@click.pass_obj
def list_(flags: dict[str, str | None], jobmanager: str | None, output: str) -> None:
    """All jobs of the cluster, the ended ones too."""
    rows = [
        {"name": found["name"], "state": found["state"], "id": found["jid"], "for": _duration(found["duration"])}
        for found in JobManager.of(_settings(flags, jobmanager)).jobs()
    ]
    echo_rows(rows, output, empty="no jobs; submit one: logverse job submit detect")


@job.command()
@name_argument
@jobmanager_option
@output_option
@click.pass_obj
def status(flags: dict[str, str | None], name: str, jobmanager: str | None, output: str) -> None:
    """State, restarts, age of the last checkpoint, and the root cause of the last failure in one line. Exit code 0 when it runs."""
    settings = _settings(flags, jobmanager)
    cluster = JobManager.of(settings)
    found = _newest(cluster, named(name, settings.topic_prefix))
    facts = _facts(cluster, found) | submission.JOBS[name].facts(settings)
    if output == "json":
        echo_json(facts)
    else:
        for field, value in facts.items():
            click.echo(f"{field.replace('_', ' '):<20}{'-' if value is None else printable(value)}")
    sys.exit(0 if found["state"] == "RUNNING" else 1)


@job.command()
@name_argument
@jobmanager_option
@click.option("--no-savepoint", is_flag=True, help="Just cancel: the next submit starts without what this one remembers.")
@click.option("--to", metavar="FOLDER", help="Where the savepoint goes; default: the home's, or the cluster's own setting.")
@click.pass_obj
def stop(flags: dict[str, str | None], name: str, jobmanager: str | None, no_savepoint: bool, to: str | None) -> None:
    """Stop a job with a savepoint, and print how to go on from it."""
    settings = _settings(flags, jobmanager)
    cluster = JobManager.of(settings)
    found = _must_run(cluster, named(name, settings.topic_prefix))
    if no_savepoint:
        cluster.cancel(found["jid"])
        click.echo(f"{found['name']} cancelled")
    else:
        path = _wait_for_savepoint(cluster, found["jid"], cluster.stop_with_savepoint(found["jid"], _folder(settings, to)))
        click.echo(f"{found['name']} stopped, savepoint {path}\n  go on with: logverse job submit {name} --restore {path}")
    job_record.forget(settings, found["name"])


@job.command()
@name_argument
@jobmanager_option
@click.option("--to", metavar="FOLDER", help="Where it goes; default: the home's, or the cluster's own setting.")
@click.pass_obj
def savepoint(flags: dict[str, str | None], name: str, jobmanager: str | None, to: str | None) -> None:
    """Write a savepoint of a running job and print its path."""
    settings = _settings(flags, jobmanager)
    cluster = JobManager.of(settings)
    found = _must_run(cluster, named(name, settings.topic_prefix))
    click.echo(_wait_for_savepoint(cluster, found["jid"], cluster.savepoint(found["jid"], _folder(settings, to))))


@job.command()
@name_argument
@jobmanager_option
@click.option(
    "--rules", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False), help="Put these in force meanwhile; repeatable."
)
@click.pass_obj
def upgrade(flags: dict[str, str | None], name: str, jobmanager: str | None, files: tuple[Path, ...]) -> None:
    """Stop a job and submit it anew with what its rules and settings say now: rules, alerts and Kafka offsets go on.

    history: another storage policy, or another way to the store.
    detect: rules that `logverse rules apply` refuses because the running job cannot see what they are about:

    \b
    logverse job upgrade detect --rules shop.yaml

    When the rules make other SQL, the one-second windows that were open in the old one are lost: lines of the last seconds before
    the stop (--watermark-delay and a second more) that were read and not counted yet. Rules do not see them, nor do summaries.
    """
    from flink_jobs.rules.files import read_all
    from flink_jobs.rules.topic import publish

    rules = read_all(files)
    settings = _settings(flags, jobmanager)
    cluster = JobManager.of(settings)
    full = named(name, settings.topic_prefix)
    with job_record.alone(settings, full):
        found = _must_run(cluster, full)
        options = {**job_record.remembered(settings, full), "allow_lost_state": True, "upgrade": True}
        ready = submission.prepare(settings, options, name, rules)  # whatever can be wrong, while the old job still runs
        path = _wait_for_savepoint(cluster, found["jid"], cluster.stop_with_savepoint(found["jid"], _folder(settings, None)))
        click.echo(f"{full} stopped, savepoint {path}", err=True)
        with _way_back(settings, name, path, options):
            job_record.note_origin(settings, found["jid"], path)  # should the JobManager die now, the old job returns from there
            publish(settings, rules)  # not before: the old job would refuse them
            job_id = submission.submit(replace(ready, options={**options, "restore": path}))
    click.echo(f"{full} goes on from {path}, id {job_id}")


@contextmanager
def _way_back(settings: Settings, name: str, path: str, options: Mapping[str, Any]) -> Iterator[None]:
    """The job is stopped: an error says how to have it again."""
    try:
        yield
    except (TryAgain, Refused, WrongSettings, OSError) as error:
        before = ["--home", str(settings.home_path), *job_record.global_flags(settings)]
        there = [] if job_record.is_embedded(settings) else ["--jobmanager", settings.jobmanager]
        after = [name, *there, *job_record.flags(options), "--restore", path, "--allow-lost-state"]
        way = shlex.join(["logverse", *before, "job", "submit", *after])
        raise Refused(
            f"{named(name, settings.topic_prefix)} is stopped and was not submitted again: {error}\n  → go on with: {way}"
        ) from error


def _settings(flags: dict[str, str | None], jobmanager: str | None) -> Settings:
    return settings_module.load({**flags, "jobmanager": jobmanager})


def _running(cluster: JobManager, name: str) -> dict[str, Any] | None:
    return next((found for found in cluster.jobs() if found["name"] == name and found["state"] not in ENDED), None)


def _must_run(cluster: JobManager, name: str) -> dict[str, Any]:
    found = _running(cluster, name)
    if found is None:
        others = ", ".join(sorted({printable(job["name"]) for job in cluster.jobs() if job["state"] not in ENDED})) or "none"
        raise Refused(f"no job {name} runs at {cluster.address} (running: {others})")
    return found


def _newest(cluster: JobManager, name: str) -> dict[str, Any]:
    found = [job for job in cluster.jobs() if job["name"] == name]
    if not found:
        raise Refused(f"no job {name} at {cluster.address}\n  → logverse job submit {name.rpartition('.')[2]}")
    return max(found, key=lambda job: (job["state"] not in ENDED, job["start-time"]))


def _facts(cluster: JobManager, found: dict[str, Any]) -> dict[str, Any]:
    now = time.time() * 1000
    checkpoints = cluster.checkpoints(found["jid"])
    last = (checkpoints.get("latest") or {}).get("completed")
    failures = cluster.exceptions(found["jid"]).get("exceptionHistory", {}).get("entries", [])
    return {
        "name": found["name"],
        "state": found["state"],
        "id": found["jid"],
        "running_for": _duration(now - found["start-time"]) if found["state"] not in ENDED else None,
        "failures": len(failures),
        "last_failure": _ago(now - failures[0]["timestamp"]) if failures else None,
        "root_cause": root_cause(failures[0]["stacktrace"]) if failures else None,
        "last_checkpoint": _ago(now - last["latest_ack_timestamp"]) if last else None,
        "checkpoints": checkpoints.get("counts", {}).get("completed", 0),
        "checkpoints_failed": checkpoints.get("counts", {}).get("failed", 0),
    }


def _wait_for_savepoint(cluster: JobManager, job_id: str, request_id: str, patience_s: float = 120.0) -> str:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if path := cluster.savepoint_outcome(job_id, request_id):
            return path
        time.sleep(0.2)
    raise TryAgain(f"the savepoint was not done within {patience_s:.0f} s; see `logverse job status`")


def _folder(settings: Settings, to: str | None) -> str | None:
    """Where a savepoint goes: as told, the home's folder for the embedded cluster, else what the cluster is set to."""
    if to:
        return to if "://" in to else Path(to).absolute().as_uri()
    return (settings.home_path / "savepoints").as_uri() if job_record.is_embedded(settings) else None


def _ago(ms: float) -> str:
    return f"{_duration(ms)} ago"


def _duration(ms: float) -> str:
    minutes, seconds = divmod(int(ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
