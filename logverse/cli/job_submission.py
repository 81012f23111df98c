"""Putting a submission together: rules, settings, connector, Python; and what the supervisor needs to repeat it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from logverse import durations
from logverse.errors import Refused
from logverse.rule_status import ReachStatus
from logverse.settings import Settings, embedded_endpoints
from logverse.topics import named


def submit(settings: Settings, options: Mapping[str, Any]) -> str:
    """Submit the detect job with the rules in force, and tell `rules.status` what it can evaluate. Returns Flink's id of it."""
    from deploy.local.jars import jars_of
    from deploy.local.java import java_home
    from flink_jobs.rules.reach import Reach
    from flink_jobs.rules.topic import announce
    from flink_jobs.settings import JobSettings
    from flink_jobs.submit import Cluster
    from flink_jobs.submit import submit as to_cluster
    from logverse.kafka import java_properties

    job = JobSettings(
        kafka=java_properties(settings),
        topic_prefix=settings.topic_prefix,
        job_name=named("detect", settings.topic_prefix),
        parallelism=options["parallelism"],
        watermark_delay_ms=durations.given(options["watermark_delay"], "--watermark-delay"),
        checkpoint_interval_ms=durations.given(options["checkpoint_interval"], "--checkpoint-interval"),
        rules=_rules(settings),
    )
    cluster = Cluster(
        jobmanager=settings.jobmanager,
        connector=jars_of("flink")[0],
        java_home=java_home(),
        python=options["python"] or sys.executable,
        client_python=sys.executable,
        python_archive=options["python_archive"] and Path(options["python_archive"]),
    )
    job_id = to_cluster(job, cluster, options["restore"], options["allow_lost_state"])
    announce(settings, ReachStatus(job.job_name, asdict(Reach.of(job.rules)), time.time_ns() // 1_000_000))
    return job_id


def _rules(settings: Settings) -> tuple[Any, ...]:
    from flink_jobs.rules.files import DEFAULTS, read_rules
    from flink_jobs.rules.topic import publish, snapshot

    rules = snapshot(settings)
    if not rules:
        rules = {rule.name: rule for rule in read_rules(DEFAULTS)}
        publish(settings, rules.values())
        click.echo(f"topic {named('rules', settings.topic_prefix)} was empty: applied the {len(rules)} default rules", err=True)
    return tuple(rule for rule in rules.values() if not rule.deleted)


def is_embedded(settings: Settings) -> bool:
    """Whether the cluster is the one that this home's supervisor keeps."""
    return embedded_endpoints(settings.home_path).get("jobmanager") == settings.jobmanager


def remember(settings: Settings, name: str, job_id: str, options: Mapping[str, Any]) -> None:
    """Write down how the job was submitted, for the supervisor to submit it again after the JobManager died."""
    if not is_embedded(settings):
        return
    flags = [
        *(["--topic-prefix", settings.topic_prefix] if settings.topic_prefix else []),
        "job", "submit", name,
        "--watermark-delay", options["watermark_delay"],
        "--parallelism", str(options["parallelism"]),
        "--checkpoint-interval", options["checkpoint_interval"],
        *(["--python", options["python"]] if options["python"] else []),
        *(["--python-archive", str(options["python_archive"])] if options["python_archive"] else []),
        "--allow-lost-state",
    ]  # fmt: skip
    full = named(name, settings.topic_prefix)
    kept = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    content = {"name": full, "arguments": flags, "job_id": job_id, "options": {**kept, "restore": None}}
    path = _path(settings, full)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    written.replace(path)


def remembered(settings: Settings, full_name: str) -> dict[str, Any]:
    """The options a job was submitted with; Refused when it was not submitted from here."""
    try:
        options: dict[str, Any] = orjson.loads(_path(settings, full_name).read_bytes())["options"]
    except FileNotFoundError:
        raise Refused(
            f"how {full_name} was submitted is not known here\n"
            "  → logverse job stop, then logverse job submit with your flags and --restore SAVEPOINT --allow-lost-state"
        ) from None
    return options


def forget(settings: Settings, full_name: str) -> None:
    """The job was stopped on purpose: nobody is to submit it again."""
    if is_embedded(settings):
        _path(settings, full_name).unlink(missing_ok=True)


def _path(settings: Settings, full_name: str) -> Path:
    return settings.home_path / "jobs" / f"{full_name}.json"
